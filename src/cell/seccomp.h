/*
 * The system call filter of everything inside a cell. The programs are made at
 * build time (tools/gen-seccomp.c) from seccomp-table.h, for every architecture
 * that Bailey runs on, so that start-up pays nothing and tests on one machine can
 * run them all. A foreign ABI (i386, x32, 32-bit arm) ends the process.
 */
#ifndef BAILEY_CELL_SECCOMP_H
#define BAILEY_CELL_SECCOMP_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

enum cell_seccomp_variant {
	CELL_SECCOMP_DEFAULT,
	/* The inside writes the user's own files: setuid and setgid bits cannot be made either. */
	CELL_SECCOMP_DIRECT,
	CELL_SECCOMP_N_VARIANTS
};
#define CELL_SECCOMP_ALL_ ((1U << CELL_SECCOMP_N_VARIANTS) - 1)

/*
 * Puts the calling thread, and what it becomes or starts, under the filter for
 * good. NO_NEW_PRIVS must be set. Async-signal-safe, allocates nothing. 0 or -errno.
 */
int cell_seccomp_install(enum cell_seccomp_variant variant);

/* Does nothing and says that it is done. */
#define CELL_SECCOMP_PRETEND (-1)

/* action: 0 allows, otherwise the errno that the caller gets. Names are separated by spaces. */
struct cell_seccomp_group {
	const char *name;
	int action;
	const char *why;
	const char *calls;
};
/* All conditions hold: (args[arg - 1] & mask) == value, or != with negate. arg 0: none. */
struct cell_seccomp_cond {
	uint8_t arg, negate;
	uint32_t mask, value;
	uint8_t high; /* of the argument's upper word: only together with one of the lower, for NULL
		       */
};
struct cell_seccomp_clause {
	const char *call;
	unsigned variants; /* bits */
	struct cell_seccomp_cond cond[3];
	int action;
	const char *what;
};

/* The table, for explain. */
const struct cell_seccomp_group *cell_seccomp_groups(size_t *n);
const struct cell_seccomp_clause *cell_seccomp_clauses(size_t *n);

/* One generated program; NULL when there is no such. arch: AUDIT_ARCH_*. For tests and explain. */
const struct sock_filter *cell_seccomp_program(
	uint32_t arch, enum cell_seccomp_variant variant, size_t *n);

#endif
