/*
 * Terminal output from inside. What passes the filter passes it again unchanged, is
 * UTF-8 without dangerous controls, does not depend on how the input was cut, and what
 * undoes its modes passes too.
 */
#include "fuzz.h"
#include "term/filter.h"

static void check_plain(const struct buf *b)
{
	for (size_t i = 0; i < b->len;) {
		uint32_t cp;
		size_t n = utf8_decode(b->data + i, b->len - i, &cp);

		if (n == 0 || (cp >= 0x7f && cp < 0xa0))
			abort();
		if (cp < ' ' && cp != 27 && (cp < 7 || cp > 15))
			abort();
		i += n;
	}
}

static void check_undo(const struct filter *f)
{
	struct filter g = FILTER_INIT;
	AUTO_BUF struct buf undo = BUF_INIT(0), passed = BUF_INIT(0);

	g.modes = f->modes;
	modes_undo(&f->modes, &undo);
	filter_run(&g, undo.data, undo.len, &passed);
	if (passed.len != undo.len || (undo.len && memcmp(passed.data, undo.data, undo.len) != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct filter f = FILTER_INIT, g = FILTER_INIT, h = FILTER_INIT;
	AUTO_BUF struct buf whole = BUF_INIT(0), pieces = BUF_INIT(0), again = BUF_INIT(0);

	if (size > 65536)
		return 0;
	filter_run(&f, data, size, &whole);
	if (whole.len > 3 * size + FILTER_SEQ_MAX + 16)
		abort();
	for (size_t i = 0; i < size;) {
		size_t n = 1 + (data[i] + i) % 7;

		n = n < size - i ? n : size - i;
		filter_run(&g, data + i, n, &pieces);
		i += n;
	}
	if (pieces.len != whole.len || memcmp(&f.modes, &g.modes, sizeof(f.modes)) != 0 ||
		!str_eq(f.title, g.title) ||
		(whole.len && memcmp(whole.data, pieces.data, whole.len) != 0))
		abort();
	if (whole.len == 0)
		return 0;
	check_plain(&whole);
	filter_run(&h, whole.data, whole.len, &again);
	if (h.state != FILTER_GROUND || h.utf8_len || again.len != whole.len ||
		memcmp(whole.data, again.data, whole.len) != 0)
		abort();
	check_undo(&f);
	return 0;
}
