#include "rename.h"

#include "beneath.h"

#include <fcntl.h>

/* A million copies of one file must not make this quadratic. */
#define MATCH_TRIES 256

struct half {
	size_t index;
	uint64_t size;
	const unsigned char *sha256;
};

static int by_content(const void *a, const void *b)
{
	const struct half *x = a, *y = b;
	int r;

	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	r = memcmp(x->sha256, y->sha256, DIGEST_SIZE);
	return r ? r : x->index < y->index ? -1 : x->index > y->index;
}

/* The first that is not smaller than the key, as an index. */
static size_t lower_bound(const struct half *v, size_t n, const struct half *key)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (by_content(&v[mid], key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool hash_deleted(struct change *c, int lower)
{
	AUTO_FD int fd = -1;
	struct digest d;

	/* A FIFO put here meanwhile would be opened without blocking, and read as empty. */
	fd = beneath_open(lower, c->path, O_RDONLY, 0);
	if (fd < 0 || digest_fd(fd, -1, c->old.size, &d) < 0 || d.size != c->old.size)
		return false;
	memcpy(c->old.sha256, d.sha256, DIGEST_SIZE);
	c->old.hashed = true;
	return true;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The free half of the same content, best one with the same name. */
static struct change *match(
	const struct change_list *l, const struct half *added, size_t n, const struct change *gone)
{
	struct half key = {0, gone->old.size, gone->old.sha256};
	struct change *best = NULL;

	for (size_t i = lower_bound(added, n, &key), tries = 0; i < n && tries < MATCH_TRIES;
		i++, tries++) {
		struct change *c = &l->v[added[i].index];

		if (added[i].size != key.size ||
			memcmp(added[i].sha256, key.sha256, DIGEST_SIZE) != 0)
			break;
		if (c->rename)
			continue;
		if (!best)
			best = c;
		if (str_eq(base_name(c->path), base_name(gone->path)))
			return c;
	}
	return best;
}

void rename_detect(struct change_list *l, int lower)
{
	static const unsigned char least[DIGEST_SIZE];
	AUTO_FREE struct half *added = xcalloc(l->n, sizeof(*added));
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct change *c = &l->v[i];

		if (c->kind == CHANGE_ADDED && c->new.hashed && c->new.size > 0 && !c->refusal)
			added[n++] = (struct half){i, c->new.size, c->new.sha256};
	}
	if (n == 0)
		return;
	qsort(added, n, sizeof(*added), by_content);
	for (size_t i = 0; i < l->n; i++) {
		struct change *gone = &l->v[i], *came;
		struct half key = {0, gone->old.size, least};
		size_t at;

		if (gone->kind != CHANGE_DELETED || gone->old.type != NODE_FILE ||
			gone->old.size == 0)
			continue;
		at = lower_bound(added, n, &key);
		if (at == n || added[at].size != gone->old.size || !hash_deleted(gone, lower))
			continue;
		came = match(l, added, n, gone);
		if (!came)
			continue;
		came->rename = i + 1;
		gone->rename = (size_t)(came - l->v) + 1;
	}
}
