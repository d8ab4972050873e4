/*
 * The records of what was shown and applied. Whatever is accepted must come out the
 * same when it is written and read once more.
 */
#include "fuzz.h"
#include "workspace/manifest.h"

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_CHANGES struct change_list *first = NULL;
	AUTO_CHANGES struct change_list *second = NULL;
	AUTO_BUF struct buf b = BUF_INIT(0);

	if (size > INPUT_MAX || record_parse("shown", (const char *)data, size, &first) < 0)
		return 0;
	record_write(&b, "shown", first);
	if (record_parse("shown", b.data, b.len, &second) < 0 || second->n != first->n)
		abort();
	for (size_t i = 0; i < first->n; i++) {
		const struct change *c = &first->v[i];

		if (!*c->path || *c->path == '/' || strstr(c->path, "//"))
			abort();
		if (i && path_compare(first->v[i - 1].path, c->path) == 0)
			continue; /* the order of equal paths is open */
		if (i + 1 < first->n && path_compare(c->path, first->v[i + 1].path) == 0)
			continue;
		if (!str_eq(c->path, second->v[i].path))
			abort();
		if (c->new.type != NODE_FILE || c->new.hashed)
			if (!manifest_same(c, &second->v[i]))
				abort();
	}
	return 0;
}
