/*
 * The story of a failure, for anything that a user will read.
 *
 * Functions that take `struct err **err` return 0 or a documented positive
 * result, or a negative errno with *err set (when err is not NULL). The message
 * chains outward: "read the layer 'x': open 'y': No such file or directory".
 * Lower-case verb phrases, no full stop. It is printed once, in cli/.
 * Strings from inside the sandbox must go through str_escape before they get here.
 */
#ifndef BAILEY_BASE_ERR_H
#define BAILEY_BASE_ERR_H

#include "mem.h"

struct err {
	int code;   /* positive errno */
	char *text; /* what failed and why */
	char *hint; /* what to do, or NULL */
};

/* Sets the story: text, then ": strerror(code)" unless code is 0. Returns -code (-EINVAL for 0). */
int err_set(struct err **err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Prefixes "text: " and returns the code again. */
int err_wrap(struct err **err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What the user can do about it. Returns the code again. The innermost hint stays. */
int err_hint(struct err **err, const char *fmt, ...) PRINTF_LIKE(2, 3);
void err_free(struct err *err);

DEFINE_AUTO(struct err *, err_free)
#define AUTO_ERR CLEANUP(err_freep)

#endif
