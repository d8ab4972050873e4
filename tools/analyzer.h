/*
 * Put in front of every file that clang-tidy reads, and of nothing else (tools/check-tidy).
 * The analyzer does not know that errno is positive after a failed call, so it takes each
 * "return -errno" for a possible success. This tells it.
 */
#include <errno.h>

static inline int *analyzer_errno(void)
{
	int *e = __errno_location();

	if (*e <= 0)
		__builtin_unreachable();
	return e;
}
#undef errno
#define errno (*analyzer_errno())
