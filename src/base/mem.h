/*
 * Memory and strings. Running out of memory ends the program with status 125:
 * that is fail-closed. Whatever is fed from outside must therefore have a named
 * cap (see buf.h), or a hostile input could end the program.
 */
#ifndef BAILEY_BASE_MEM_H
#define BAILEY_BASE_MEM_H

#include "auto.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The exit status of a Bailey that failed, as opposed to its command. */
#define EXIT_BAILEY 125

void *xmalloc(size_t n) MUST_CHECK;
void *xcalloc(size_t n, size_t size) MUST_CHECK;
/* n * size, checked for overflow. */
void *xrealloc(void *p, size_t n, size_t size) MUST_CHECK;
char *xstrdup(const char *s) MUST_CHECK;
/* NULL in, NULL out. */
char *xstrdup_null(const char *s) MUST_CHECK;
char *xstrndup(const char *s, size_t n) MUST_CHECK;
void *xmemdup(const void *p, size_t n) MUST_CHECK;
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2) MUST_CHECK;
char *xvasprintf(const char *fmt, va_list ap) PRINTF_LIKE(1, 0) MUST_CHECK;

/* Grows an array so that one more element fits: p, n in use, cap allocated. */
#define GROW(p, n, cap)                                                                            \
	do {                                                                                       \
		if ((n) >= (cap)) {                                                                \
			(cap) = (cap) ? (cap)*2 : 8;                                               \
			(p) = xrealloc((p), (cap), sizeof(*(p)));                                  \
		}                                                                                  \
	} while (0)

static inline bool str_eq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static inline bool str_eq_null(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* The rest of s after prefix, or NULL. */
const char *str_after(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
bool str_is_utf8(const char *s, size_t n);

/*
 * Makes bytes from outside safe to show on a terminal or in a log: control
 * characters, DEL, invalid UTF-8, C1 controls, bidirectional and zero-width
 * characters become \n, \t, \e, \xHH or \u{HEX}; a backslash is doubled.
 */
char *str_escape(const char *s, size_t n) MUST_CHECK;
char *str_escape0(const char *s) MUST_CHECK;

/* What str_escape would have to escape, by kind. */
enum str_risk {
	STR_RISK_CONTROL = 1 << 0, /* C0, C1, DEL */
	STR_RISK_INVALID = 1 << 1, /* not UTF-8 */
	STR_RISK_BIDI = 1 << 2, /* bidirectional controls (U+202A-E, U+2066-9, U+200E/F, U+061C) */
	STR_RISK_INVISIBLE = 1 << 3, /* zero-width and tag characters */
};
/* In files, newline, carriage return and tab are ordinary: text=true ignores them. */
unsigned str_risks(const char *s, size_t n, bool text);

/* Decodes one UTF-8 code point; returns its length, or 0 if invalid. */
size_t utf8_decode(const char *s, size_t n, uint32_t *ret);

/* Of the n names, the one nearest to s by edit distance, or NULL if none is near. */
const char *str_nearest(const char *s, const char *const *names, size_t n);

/*
 * The whole of s as a number between min and max. Decimal only, no sign, no
 * white space. -EINVAL or -ERANGE.
 */
int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret) MUST_CHECK;
/* "512", "64k", "2G", "1.5g", "2GiB": bytes, powers of 1024. -EINVAL or -ERANGE. */
int parse_size(const char *s, uint64_t *ret) MUST_CHECK;
/* "90", "90s", "15m", "2h", "1d": seconds. */
int parse_duration(const char *s, uint64_t *ret) MUST_CHECK;
/* "2", "0.5", "1.25": thousandths. */
int parse_milli(const char *s, uint64_t *ret) MUST_CHECK;

#endif
