/*
 * The second layer of a cell: what the mounts already say, said once more to
 * Landlock, so that one mistake in the mounts is not enough. Reading and executing
 * is allowed everywhere (everything that is mounted is meant to be read), writing
 * only beneath the rules. Signals and abstract sockets do not leave the domain
 * where the kernel can say so (ABI 6).
 *
 * /proc is writable as far as this layer goes, because a process writes its own
 * oom_score_adj or comm there and processes come and go; there, mounts and ids are
 * the layers. Call it when the new root is in place: paths are taken as they are
 * seen then.
 */
#ifndef BAILEY_CELL_LANDLOCK_H
#define BAILEY_CELL_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

struct cell_landlock_rule {
	const char *path; /* absolute, inside; not a symlink */
	bool optional;	  /* a missing path is no error */
	bool no_special;  /* no FIFOs and sockets can be made beneath */
};

/*
 * A ruleset for ll_restrict_self. 0 with *ret_fd (CLOEXEC, the caller's); -ENOSYS
 * or -EOPNOTSUPP where the kernel has no Landlock or was booted without it; or
 * another -errno for a real failure, *ret_fd -1 then.
 */
int cell_landlock_build(const struct cell_landlock_rule *rules, size_t n, int *ret_fd);

#endif
