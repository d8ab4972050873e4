/*
 * The confinement of a worker: a process of ours on the host that parses what
 * comes from inside (the relay of a terminal, the forwarder of a port). After it,
 * a worker that was taken over can read, write and poll the descriptors that it
 * holds, and no more: no file by name, no socket, no program, no signal.
 *
 * In the worker, single-threaded, after fork, before the first hostile byte.
 */
#ifndef BAILEY_SYS_CONFINE_H
#define BAILEY_SYS_CONFINE_H

#include "base/auto.h"

#include <stddef.h>
#include <stdint.h>

enum confine_flag {
	CONFINE_FILE = 1 << 0,	   /* pread, pwrite, lseek, ftruncate on what is open */
	CONFINE_TTY_SIZE = 1 << 1, /* ioctl TIOCSWINSZ, and no other ioctl */
	CONFINE_FORWARD = 1 << 2,  /* accept4, splice, pipe2, shutdown, socket options, epoll */
	CONFINE_CONNECT = 1 << 3,  /* socket (internet streams only), connect */
};

/* Descriptors that a worker may ever hold. */
#define CONFINE_FDS_MAX 128
#define CONFINE_FORWARD_FDS_MAX 8192
#define CONFINE_DATA_MAX (256u << 20)

/*
 * Makes the descriptors in keep those from 3 on, in that order, 0 to 2 /dev/null,
 * and closes all others; keep is rewritten. A -1 stays one. -errno.
 */
int confine_fds(int *keep, size_t n) MUST_CHECK;

/*
 * NO_NEW_PRIVS, not dumpable, killed with its parent, no core, few descriptors,
 * bounded memory; Landlock without any right where the kernel has it; then the
 * system call filter, which kills the process on anything else. -errno: the
 * worker must exit.
 */
int confine_worker(unsigned flags) MUST_CHECK;

#endif
