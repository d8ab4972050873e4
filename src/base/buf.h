/*
 * A byte buffer with a cap. Whatever fills it from outside gives it the cap by
 * name; going over is -EMSGSIZE, never more memory. data[len] is always NUL.
 */
#ifndef BAILEY_BASE_BUF_H
#define BAILEY_BASE_BUF_H

#include "mem.h"

struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max; /* 0: no limit, for our own data only */
};

#define BUF_INIT(limit) ((struct buf){.max = (limit)})

int buf_add(struct buf *b, const void *p, size_t n) MUST_CHECK;
/* For buffers without a limit. */
void buf_put(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Gives up the data; never NULL. */
char *buf_take(struct buf *b) MUST_CHECK;
void buf_done(struct buf *b);

#define AUTO_BUF CLEANUP(buf_done)

#endif
