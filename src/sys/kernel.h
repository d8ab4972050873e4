/*
 * System calls that glibc 2.36 does not wrap, and constants newer than the 6.1
 * headers. What the running kernel has is probed at run time, never with #ifdef.
 * All return -errno on failure.
 */
#ifndef BAILEY_SYS_KERNEL_H
#define BAILEY_SYS_KERNEL_H

#include "base/auto.h"

#include <linux/openat2.h>
#include <linux/sched.h>
#include <stdint.h>
#include <sys/types.h>

/* clone3(2); the child gets 0. args->exit_signal etc. as documented there. */
pid_t sys_clone3(struct clone_args *args);

/* openat2(2), retried on EAGAIN (a rename raced with the lookup). O_CLOEXEC is added. */
int sys_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
	MUST_CHECK;

/* Landlock: linux/landlock.h of 6.1 ends at ABI 2; values from
 * Documentation/userspace-api/landlock.rst. */
#define LL_FS_EXECUTE (1ULL << 0)
#define LL_FS_WRITE_FILE (1ULL << 1)
#define LL_FS_READ_FILE (1ULL << 2)
#define LL_FS_READ_DIR (1ULL << 3)
#define LL_FS_REMOVE_DIR (1ULL << 4)
#define LL_FS_REMOVE_FILE (1ULL << 5)
#define LL_FS_MAKE_CHAR (1ULL << 6)
#define LL_FS_MAKE_DIR (1ULL << 7)
#define LL_FS_MAKE_REG (1ULL << 8)
#define LL_FS_MAKE_SOCK (1ULL << 9)
#define LL_FS_MAKE_FIFO (1ULL << 10)
#define LL_FS_MAKE_BLOCK (1ULL << 11)
#define LL_FS_MAKE_SYM (1ULL << 12)
#define LL_FS_REFER (1ULL << 13)     /* ABI 2 */
#define LL_FS_TRUNCATE (1ULL << 14)  /* ABI 3 */
#define LL_FS_IOCTL_DEV (1ULL << 15) /* ABI 5 */
#define LL_NET_BIND_TCP (1ULL << 0)  /* ABI 4 */
#define LL_NET_CONNECT_TCP (1ULL << 1)
#define LL_SCOPE_ABSTRACT_UNIX (1ULL << 0) /* ABI 6 */
#define LL_SCOPE_SIGNAL (1ULL << 1)

struct ll_ruleset_attr {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

/* The ABI version, 0 where Landlock is missing or switched off. */
int ll_abi(void);
/* Rights over files and directories that this ABI can refuse. */
uint64_t ll_fs_rights(int abi);
/* size of attr as this ABI knows it is worked out here. A new descriptor, or -errno. */
int ll_create_ruleset(const struct ll_ruleset_attr *attr, int abi) MUST_CHECK;
/* path_fd: O_PATH. Rights that do not fit a plain file are dropped for one. */
int ll_add_path(int ruleset, int path_fd, uint64_t rights) MUST_CHECK;
int ll_restrict_self(int ruleset) MUST_CHECK;

#endif
