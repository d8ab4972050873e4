/*
 * The inner half of building a cell: what the first process in the new namespaces
 * does between clone3 and execveat of bailey-init. It runs in a forked copy of the
 * supervisor, touches only its own namespaces and the plan, and ends by exec, so
 * that nothing of the host's memory stays inside.
 *
 * Conversation with launch.c over `sock` (ipc/msg):
 *   CELL_MAPPED  to the child, when the parent writes the id maps: u32 n, then n
 *                times u32 operation index with a descriptor (id-mapped source
 *                trees), in as many messages as it takes; the last has n = 0.
 *   CELL_READY   from the child: u32 1, descriptors: the devpts mount, and a staging layer in
 * memory where there is one; before that for each port u32 0, u32 index, u32 n, with n listeners of
 * the plan's ports, two a port (IPv4, IPv6) where IPv6 exists. CELL_FAILED  from the child: u32
 * errno, str text, str hint.
 */
#ifndef BAILEY_CELL_ENTER_H
#define BAILEY_CELL_ENTER_H

#include "plan.h"

enum cell_msg { CELL_MAPPED = 100, CELL_READY, CELL_FAILED };

struct cell_enter_args {
	const struct cell_plan *plan;
	int sock;    /* becomes bailey-init's control socket, descriptor 3 */
	int init_fd; /* the bailey-init program */
	bool mapped_by_parent;
	uint32_t host_uid, host_gid; /* for a single map */
};

NORETURN void cell_enter(const struct cell_enter_args *args);

#endif
