#include "buf.h"

int buf_add(struct buf *b, const void *p, size_t n)
{
	size_t need;

	if (__builtin_add_overflow(b->len, n, &need) || (b->max && need > b->max))
		return -EMSGSIZE;
	if (need + 1 > b->cap) {
		b->cap = need + 1 + b->cap / 2 + 64;
		b->data = xrealloc(b->data, b->cap, 1);
	}
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len = need;
	b->data[need] = '\0';
	return 0;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
	if (buf_add(b, p, n) < 0)
		abort();
}

void buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = xvasprintf(fmt, ap);
	va_end(ap);
	buf_puts(b, s);
	free(s);
}

char *buf_take(struct buf *b)
{
	char *s = b->data ? TAKE_PTR(b->data) : xstrdup("");

	*b = (struct buf){.max = b->max};
	return s;
}

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}
