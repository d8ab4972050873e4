#include "relay_log.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/types.h>

void relay_log_init(struct relay_log *l, int fd, uint64_t max)
{
	off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;

	*l = (struct relay_log){.fd = -1, .max = max};
	if (end < 0 || max == 0)
		return;
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_APPEND) < 0)
		return;
	l->fd = fd;
	l->size = (uint64_t)end;
}

static bool put_at(struct relay_log *l, const char *p, size_t n, uint64_t at)
{
	while (n) {
		ssize_t w = pwrite(l->fd, p, n, (off_t)at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
		at += (uint64_t)w;
	}
	return true;
}

/* Moves the last max bytes to the front. */
static bool compact(struct relay_log *l)
{
	char b[16384];
	uint64_t from = l->size - l->max, to = 0;
	bool at_line = false;

	while (from < l->size) {
		size_t want = l->size - from < sizeof(b) ? (size_t)(l->size - from) : sizeof(b);
		ssize_t n = pread(l->fd, b, want, (off_t)from);
		size_t skip = 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		if (!at_line) {
			const char *nl = memchr(b, '\n', (size_t)n);

			at_line = true; /* a first line longer than this is cut */
			skip = nl ? (size_t)(nl + 1 - b) : 0;
		}
		if (!put_at(l, b + skip, (size_t)n - skip, to))
			return false;
		to += (size_t)n - skip;
		from += (size_t)n;
	}
	l->size = to;
	return ftruncate(l->fd, (off_t)to) == 0;
}

void relay_log_add(struct relay_log *l, const void *p, size_t n)
{
	if (l->fd < 0)
		return;
	if (!put_at(l, p, n, l->size)) {
		l->fd = -1;
		return;
	}
	l->size += n;
	if (l->size > 2 * l->max && !compact(l))
		l->fd = -1;
}
