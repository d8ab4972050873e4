/*
 * Ownership by scope, and the few attributes that the rest of the project uses.
 *
 * Every owner is an AUTO_ variable initialised where it is declared. Ownership
 * leaves a function only through TAKE_PTR or TAKE_FD. Cleanups keep errno. They
 * do not run at exit, exec, longjmp or a fatal signal: what must survive those
 * needs the kernel (PDEATHSIG, namespaces, unlinked files) or a later sweep.
 */
#ifndef BAILEY_BASE_AUTO_H
#define BAILEY_BASE_AUTO_H

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define TAKE(var, nothing)                                                                         \
	__extension__({                                                                            \
		__typeof__(var) *p_ = &(var);                                                      \
		__typeof__(var) v_ = *p_;                                                          \
		*p_ = (nothing);                                                                   \
		v_;                                                                                \
	})
#define TAKE_PTR(p) TAKE(p, NULL)
#define TAKE_FD(fd) TAKE(fd, -1)

/*
 * Linux has released the descriptor by the time close() returns, even when it
 * reports EINTR (close(2), NOTES), so a retry could close someone else's.
 */
static inline int fd_close(int fd)
{
	if (fd >= 0) {
		int saved = errno;

		(void)close(fd);
		errno = saved;
	}
	return -1;
}

static inline void fd_closep(int *fd)
{
	*fd = fd_close(*fd);
}

static inline void freep(void *p)
{
	int saved = errno;

	free(*(void **)p);
	*(void **)p = NULL;
	errno = saved;
}

static inline void file_closep(FILE **f)
{
	int saved = errno;

	if (*f)
		(void)fclose(*f);
	*f = NULL;
	errno = saved;
}

static inline void dir_closep(DIR **d)
{
	int saved = errno;

	if (*d)
		(void)closedir(*d);
	*d = NULL;
	errno = saved;
}

#define AUTO_FD CLEANUP(fd_closep)
#define AUTO_FREE CLEANUP(freep)
#define AUTO_FILE CLEANUP(file_closep)
#define AUTO_DIR CLEANUP(dir_closep)

/* Defines fnp(), for CLEANUP(fnp) on a variable of pointer type. */
#define DEFINE_AUTO(type, fn)                                                                      \
	static inline void fn##p(type *p)                                                          \
	{                                                                                          \
		if (*p)                                                                            \
			fn(*p);                                                                    \
		*p = NULL;                                                                         \
	}

#endif
