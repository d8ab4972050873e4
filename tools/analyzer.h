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

/*
 * And that err_set and its kin return a negative number. Not for base/err.c, which defines them.
 */
#include "base/err.h"

static inline int analyzer_negative(int r)
{
	if (r >= 0)
		__builtin_unreachable();
	return r;
}
#define err_set(...) analyzer_negative(err_set(__VA_ARGS__))
#define err_wrap(...) analyzer_negative(err_wrap(__VA_ARGS__))
#define err_hint(...) analyzer_negative(err_hint(__VA_ARGS__))
