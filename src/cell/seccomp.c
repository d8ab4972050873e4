#include "seccomp.h"

#include "seccomp-table.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "seccomp-filters.h"

#if defined(__x86_64__)
#define NATIVE_PROGRAMS x86_64_programs
#elif defined(__aarch64__)
#define NATIVE_PROGRAMS aarch64_programs
#else
#error "no system call filter for this architecture"
#endif

int cell_seccomp_install(enum cell_seccomp_variant variant)
{
	struct sock_fprog prog;

	if (variant >= CELL_SECCOMP_N_VARIANTS)
		return -EINVAL;
	prog.len = NATIVE_PROGRAMS[variant].n;
	/* The kernel only reads it. */
	prog.filter = (struct sock_filter *)NATIVE_PROGRAMS[variant].filter;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0 ? -errno : 0;
}

const struct sock_filter *cell_seccomp_program(
	uint32_t arch, enum cell_seccomp_variant variant, size_t *n)
{
	const struct seccomp_program *programs = arch == AUDIT_ARCH_X86_64    ? x86_64_programs
						 : arch == AUDIT_ARCH_AARCH64 ? aarch64_programs
									      : NULL;

	if (!programs || variant >= CELL_SECCOMP_N_VARIANTS)
		return NULL;
	*n = programs[variant].n;
	return programs[variant].filter;
}

const struct cell_seccomp_group *cell_seccomp_groups(size_t *n)
{
	*n = sizeof(sc_groups) / sizeof(sc_groups[0]);
	return sc_groups;
}

const struct cell_seccomp_clause *cell_seccomp_clauses(size_t *n)
{
	*n = sizeof(sc_clauses) / sizeof(sc_clauses[0]);
	return sc_clauses;
}
