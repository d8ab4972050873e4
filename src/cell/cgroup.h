/*
 * Memory, cpu and process limits by cgroup v2, where a writable cgroup with the
 * controllers is at hand: as root, or delegated (systemd's user manager). Where a
 * limit of the policy cannot be enforced, that is an error, unless it is in
 * allow_degraded ("limits.memory", "limits.cpus"); the number of processes is
 * always limited by RLIMIT_NPROC in the sandbox's user namespace as well.
 */
#ifndef BAILEY_CELL_CGROUP_H
#define BAILEY_CELL_CGROUP_H

#include "policy/policy.h"

struct cgroup {
	int fd;	    /* directory of the sandbox's own cgroup, or -1: none */
	char *path; /* of it */
};

/* Makes one if the policy has a limit that needs it. ret->fd -1 is success without one. */
int cgroup_create(struct cgroup *ret, const struct policy *p, struct err **err) MUST_CHECK;
/* After everything in it has ended. */
void cgroup_remove(struct cgroup *c);
/* Whether this machine gives the controller ("memory", "cpu", "pids") to us. For explain and
 * doctor. */
bool cgroup_has(const char *controller);

#endif
