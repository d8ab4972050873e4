/*
 * The cell from outside: starts its first process in new user, mount, pid, network,
 * ipc, uts and cgroup namespaces, writes the id maps, and takes over what the
 * inside hands out before any hostile code runs: the terminals' file system and the
 * listeners of granted ports. No descriptor is ever accepted from inside later.
 */
#ifndef BAILEY_CELL_LAUNCH_H
#define BAILEY_CELL_LAUNCH_H

#include "plan.h"

#include <sys/types.h>

#define CELL_MAX_PORTS 64

struct cell {
	pid_t pid;
	int pidfd;
	int control; /* to bailey-init, protocol in init/proto.h */
	int devpts;  /* root of the sandbox's devpts: open "ptmx" in it */
	int layer;   /* of a workspace staged in memory (with upper/ in it), or -1 */
	struct {
		int v4, v6; /* v6: -1 without IPv6 */
		struct conf_port port;
	} listeners[CELL_MAX_PORTS];
	size_t n_listeners;
};

/* First of the ids that a sandbox of a caller who is root gets on the host. */
#define CELL_ROOT_IDS 65536U

struct cell_launch_args {
	const struct cell_plan *plan;
	const char *init_path; /* the bailey-init program */
	int cgroup;	       /* directory of the cgroup to start in, or -1 */
	uint32_t
		ids_base; /* caller is root: first host id of the inside's range of CELL_ROOT_IDS */
};

/* 0, or -errno with the story, also the inner half's; then nothing is left running. */
int cell_launch(const struct cell_launch_args *args, struct cell *ret, struct err **err) MUST_CHECK;
/* Kills all of it and reaps it. Descriptors are closed. */
void cell_kill(struct cell *c);
/* Whether the caller is root, so that ids come from a range of the host's. */
bool cell_as_root(void);

#endif
