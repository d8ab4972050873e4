/*
 * The screen of a session: what the filter passes goes to libvterm, between changes of
 * the size. What is drawn again must itself pass the filter unchanged.
 * Input: a byte 0xff begins a change of the size, the next two are rows and columns.
 */
#include "fuzz.h"
#include "term/filter.h"
#include "term/screen.h"

static void redraw(struct screen *s, struct filter *f, bool fresh)
{
	struct filter g = FILTER_INIT;
	AUTO_BUF struct buf drawn = BUF_INIT(0), again = BUF_INIT(0);
	struct screen_redraw how = {
		.modes = &f->modes, .title = f->title, .client_rows = 24, .fresh = fresh};

	screen_redraw(s, &how, &drawn);
	filter_run(&g, drawn.data, drawn.len, &again);
	if (again.len != drawn.len || memcmp(again.data, drawn.data, drawn.len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct filter f = FILTER_INIT;
	AUTO_SCREEN struct screen *s = NULL;

	if (size > 8192)
		return 0;
	s = screen_new(24, 80);
	for (size_t i = 0; i < size;) {
		const uint8_t *next = memchr(data + i, 0xff, size - i);
		size_t n = next ? (size_t)(next - data) - i : size - i;
		AUTO_BUF struct buf passed = BUF_INIT(0);

		filter_run(&f, data + i, n, &passed);
		if (passed.len)
			screen_write(s, passed.data, passed.len);
		i += n;
		if (next && size - i >= 3) {
			screen_resize(s, data[i + 1] % 64, data[i + 2]);
			f.modes.flags &= ~(uint32_t)MODES_MARGINS;
			modes_dec_set(&f.modes, 6, false);
			modes_dec_set(&f.modes, 69, false);
			i += 3;
		} else if (next) {
			break;
		}
	}
	redraw(s, &f, true);
	redraw(s, &f, false);
	return 0;
}
