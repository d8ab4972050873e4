/* What screen_redraw draws is what a terminal would show that had seen everything. */
#include "tap.h"
#include "term/filter.h"
#include "term/screen.h"

#include <vterm.h>

#define ROWS 24
#define COLS 80

struct term {
	VTerm *vt;
	VTermScreen *screen;
	int lines; /* pushed into the history */
	char last[COLS + 1], first[COLS + 1];
	bool alt, visible;
};

static int on_pushline(int cols, const VTermScreenCell *cells, void *user)
{
	struct term *t = user;

	for (int i = 0; i < cols && i < COLS; i++) {
		t->last[i] = cells[i].chars[0] ? (char)cells[i].chars[0] : ' ';
		t->last[i + 1] = '\0';
	}
	if (t->lines++ == 0)
		memcpy(t->first, t->last, sizeof(t->first));
	return 1;
}

static int on_prop(VTermProp prop, VTermValue *v, void *user)
{
	struct term *t = user;

	if (prop == VTERM_PROP_ALTSCREEN)
		t->alt = v->boolean != 0;
	if (prop == VTERM_PROP_CURSORVISIBLE)
		t->visible = v->boolean != 0;
	return 1;
}

static const VTermScreenCallbacks callbacks = {.sb_pushline = on_pushline, .settermprop = on_prop};

static void term_init(struct term *t, int rows, int cols)
{
	*t = (struct term){.visible = true};
	t->vt = vterm_new(rows, cols);
	vterm_set_utf8(t->vt, 1);
	t->screen = vterm_obtain_screen(t->vt);
	vterm_screen_set_callbacks(t->screen, &callbacks, t);
	vterm_screen_enable_altscreen(t->screen, 1);
	vterm_screen_reset(t->screen, 1);
	t->lines = 0;
}

static bool colours_equal(const VTermColor *a, const VTermColor *b)
{
	uint8_t x = a->type & VTERM_COLOR_DEFAULT_MASK, y = b->type & VTERM_COLOR_DEFAULT_MASK;

	return x || y ? x == y : vterm_color_is_equal(a, b) != 0;
}

static bool cells_equal(const VTermScreenCell *a, const VTermScreenCell *b)
{
	bool blank = (a->chars[0] == 0 || a->chars[0] == ' ') &&
		     (b->chars[0] == 0 || b->chars[0] == ' ');

	/* What a blank is drawn in does not show, unless by lines or in reverse. */
	if (blank && !a->attrs.reverse && !b->attrs.reverse && !a->attrs.underline &&
		!b->attrs.underline && !a->attrs.strike && !b->attrs.strike)
		return colours_equal(&a->bg, &b->bg);
	if (!blank && memcmp(a->chars, b->chars, sizeof(a->chars)) != 0)
		return false;
	return a->width == b->width && a->attrs.bold == b->attrs.bold &&
	       a->attrs.underline == b->attrs.underline && a->attrs.italic == b->attrs.italic &&
	       a->attrs.blink == b->attrs.blink && a->attrs.reverse == b->attrs.reverse &&
	       a->attrs.strike == b->attrs.strike && colours_equal(&a->fg, &b->fg) &&
	       colours_equal(&a->bg, &b->bg);
}

static void compare(const struct term *a, const struct term *b)
{
	int rows, cols;
	VTermPos x, y;

	vterm_get_size(a->vt, &rows, &cols);
	for (int row = 0; row < rows; row++)
		for (int col = 0; col < cols; col++) {
			VTermScreenCell m = {0}, n = {0};

			CHECK(vterm_screen_get_cell(a->screen, (VTermPos){row, col}, &m));
			CHECK(vterm_screen_get_cell(b->screen, (VTermPos){row, col}, &n));
			if (!cells_equal(&m, &n))
				tap_fail(__FILE__, __LINE__, "row %d column %d: U+%04X, not U+%04X",
					row, col, n.chars[0], m.chars[0]);
		}
	vterm_state_get_cursorpos(vterm_obtain_state(a->vt), &x);
	vterm_state_get_cursorpos(vterm_obtain_state(b->vt), &y);
	CHECK_INT(y.row, x.row);
	CHECK_INT(y.col, x.col);
	CHECK_INT(b->alt, a->alt);
	CHECK_INT(b->visible, a->visible);
}

/* Feeds in to a screen and to a terminal, the redraw to another terminal, and then to both
 * what comes after. */
static void check_then(const char *in, const char *after)
{
	struct filter f = FILTER_INIT, g = FILTER_INIT;
	AUTO_SCREEN struct screen *s = screen_new(ROWS, COLS);
	AUTO_BUF struct buf passed = BUF_INIT(0), drawn = BUF_INIT(0), again = BUF_INIT(0);
	struct screen_redraw how = {
		.modes = &f.modes, .title = f.title, .client_rows = ROWS, .fresh = true};
	struct term a, b;

	term_init(&a, ROWS, COLS);
	term_init(&b, ROWS, COLS);
	filter_run(&f, in, strlen(in), &passed);
	screen_write(s, passed.data, passed.len);
	vterm_input_write(a.vt, passed.data, passed.len);
	screen_redraw(s, &how, &drawn);
	vterm_input_write(b.vt, drawn.data, drawn.len);
	vterm_input_write(a.vt, after, strlen(after));
	vterm_input_write(b.vt, after, strlen(after));
	compare(&a, &b);
	/* What is drawn would itself pass the filter: nothing in it that may not be sent. */
	filter_run(&g, drawn.data, drawn.len, &again);
	CHECK_STR(again.data, drawn.data);
	vterm_free(a.vt);
	vterm_free(b.vt);
}

static void check(const char *in)
{
	check_then(in, "");
	/* The pen, the margins and the modes of drawing are the same too. */
	check_then(in, "next");
	check_then(in, "\n\n\n\033[Lx");
}

TEST(screen_redraws_text)
{
	check("hello\r\nworld");
	check("\033[5;10Hmiddle\033[24;1Hbottom");
	/* The wrap that is due after the last column is not known: no more text after these. */
	check_then("\033[24;80Hx", "");
	check_then("\033[24;78Hab\xe4\xb8\xad", "");
	check("wide \xe4\xb8\xad\xe6\x96\x87 combining e\xcc\x81 emoji \xf0\x9f\x98\x80");
}

TEST(screen_redraws_looks)
{
	check("\033[1mbold\033[m \033[3mitalic\033[m \033[4munder\033[m \033[21mdouble\033[m "
	      "\033[5mblink\033[m \033[7mreverse\033[m \033[9mstrike\033[m");
	check("\033[31mred\033[42mon green\033[94mbright\033[101mbright on\033[38;5;200m256"
	      "\033[48;5;17mon\033[38;2;1;2;3mrgb\033[48;2;200;100;0mon");
	check("\033[44m\033[2J\033[5;5Hblue all over\033[0m");
	check("\033[41m\033[K\033[m\r\n\033[7m   \033[m");
}

TEST(screen_redraws_modes)
{
	check("\033[?25lhidden");
	check("\033[?1049h\033[5;5Hother screen\033[?25l");
	check("main\033[?1049hother\033[?1049lmain again");
	check("\033[5;10rmargins\033[7;3Hx");
	check("\033[5;10r\033[?6h\033[2;3Horigin");
	check("\033[?7l\033[1;75Hno wrapping here");
	check("\033[4hinsert\033[1;3H");
	check("\033[?5hreversed");
}

/* The ?1049h of a redraw saves the cursor; leaving goes to a place that the relay repaints. */
TEST(screen_redraw_sets_the_modes)
{
	struct filter f = FILTER_INIT, g = FILTER_INIT;
	static const char in[] = "\033[?1h\033[?1002h\033[?1006h\033[?2004h\033[?1004h\033="
				 "\033[3 q\033[>4;2m\033[>5u\033[?1049h\033[>7u\033]2;title\a"
				 "\033[3;20r\033[?25l";
	AUTO_SCREEN struct screen *s = screen_new(ROWS, COLS);
	AUTO_BUF struct buf passed = BUF_INIT(0), drawn = BUF_INIT(0);
	struct screen_redraw how = {
		.modes = &f.modes, .title = f.title, .client_rows = ROWS, .fresh = true};

	filter_run(&f, in, strlen(in), &passed);
	screen_write(s, passed.data, passed.len);
	screen_redraw(s, &how, &drawn);
	filter_run(&g, drawn.data, drawn.len, NULL);
	CHECK_INT(g.modes.decs, f.modes.decs);
	CHECK_INT(g.modes.flags & ~MODES_SGR, f.modes.flags & ~MODES_SGR);
	CHECK_INT(g.modes.top, f.modes.top);
	CHECK_INT(g.modes.bottom, f.modes.bottom);
	CHECK_INT(g.modes.cursor_style, f.modes.cursor_style);
	CHECK_INT(g.modes.other_keys, f.modes.other_keys);
	CHECK_INT(g.modes.kitty[1], f.modes.kitty[1]);
	CHECK_INT(g.modes.kitty_flags[1], f.modes.kitty_flags[1]);
	CHECK_STR(g.title, "title");
}

TEST(screen_redraws_history)
{
	struct filter f = FILTER_INIT;
	AUTO_SCREEN struct screen *s = screen_new(ROWS, COLS);

	for (int i = 1; i <= 1000; i++) {
		char line[32];
		int n = snprintf(line, sizeof(line), "line %d\r\n", i);

		screen_write(s, line, (size_t)n);
	}
	/* Also on a terminal that is higher or lower than ours. */
	for (unsigned rows = 10; rows <= 60; rows += 25) {
		struct term b;
		AUTO_BUF struct buf drawn = BUF_INIT(0);
		struct screen_redraw how = {.modes = &f.modes, .client_rows = rows, .fresh = true};

		term_init(&b, (int)rows, COLS);
		screen_redraw(s, &how, &drawn);
		vterm_input_write(b.vt, drawn.data, drawn.len);
		CHECK_INT(b.lines, SCREEN_HISTORY_LINES);
		/* 1000 lines and an empty one: 977 have left the screen. */
		CHECK(strstr(b.first, "line 478 "));
		CHECK(strstr(b.last, "line 977 "));
		vterm_free(b.vt);
	}
}

TEST(screen_history_is_bounded)
{
	AUTO_SCREEN struct screen *s = screen_new(5, SCREEN_COLS_MAX);
	AUTO_BUF struct buf drawn = BUF_INIT(0), line = BUF_INIT(0);
	struct modes m = {0};
	struct screen_redraw how = {.modes = &m, .client_rows = 5, .fresh = true};

	for (unsigned i = 0; i < SCREEN_COLS_MAX; i++)
		buf_printf(&line, "\033[38;2;%u;%u;%um\xe2\x82\xac", i & 255, i >> 2, i & 7);
	buf_puts(&line, "\r\n");
	for (int i = 0; i < 100; i++)
		screen_write(s, line.data, line.len);
	screen_redraw(s, &how, &drawn);
	CHECK(drawn.len < SCREEN_HISTORY_BYTES + 6 * line.len + 1024);
}

TEST(screen_resizes)
{
	AUTO_SCREEN struct screen *s = screen_new(ROWS, COLS);
	static const unsigned sizes[][2] = {
		{1, 1}, {5, 200}, {100, 3}, {0, 0}, {60000, 60000}, {24, 80}, {2, 2}, {24, 80}};
	static const char before[] = "some text\r\nand more\033[20;70Hfar\033[?1049h";
	static const char after[] = "x\033[?1049l\xe4\xb8\xad";
	struct modes m = {0};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		AUTO_BUF struct buf drawn = BUF_INIT(0);
		struct screen_redraw how = {.modes = &m, .client_rows = 24, .fresh = true};

		screen_write(s, before, strlen(before));
		screen_resize(s, sizes[i][0], sizes[i][1]);
		screen_write(s, after, strlen(after));
		screen_redraw(s, &how, &drawn);
		CHECK(drawn.len > 0);
	}
}
