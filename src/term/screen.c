#include "screen.h"

#include <vterm.h>

#define NO_MARGINS "\033[?6l\033[r\033[?69h\033[s\033[?69l"

struct line {
	char *text;
	size_t len;
};

struct screen {
	VTerm *vt;
	VTermScreen *screen;
	int rows, cols;
	bool resized; /* ever: a saved cursor may be outside */
	/* A ring: the oldest is at first. */
	struct line history[SCREEN_HISTORY_LINES];
	size_t first, n, bytes;
};

static bool colours_equal(const VTermColor *a, const VTermColor *b)
{
	const uint8_t def = VTERM_COLOR_DEFAULT_MASK;

	if ((a->type & def) || (b->type & def))
		return (a->type & def) == (b->type & def);
	return vterm_color_is_equal(a, b) != 0;
}

static bool looks_equal(const VTermScreenCell *a, const VTermScreenCell *b)
{
	return a->attrs.bold == b->attrs.bold && a->attrs.underline == b->attrs.underline &&
	       a->attrs.italic == b->attrs.italic && a->attrs.blink == b->attrs.blink &&
	       a->attrs.reverse == b->attrs.reverse && a->attrs.strike == b->attrs.strike &&
	       a->attrs.font == b->attrs.font && colours_equal(&a->fg, &b->fg) &&
	       colours_equal(&a->bg, &b->bg);
}

static void put_colour(struct buf *out, const VTermColor *c, unsigned base)
{
	if (c->type & VTERM_COLOR_DEFAULT_MASK)
		return;
	if (VTERM_COLOR_IS_RGB(c))
		buf_printf(out, ";%u;2;%u;%u;%u", base + 8, c->rgb.red, c->rgb.green, c->rgb.blue);
	else if (c->indexed.idx < 8)
		buf_printf(out, ";%u", base + c->indexed.idx);
	else if (c->indexed.idx < 16)
		buf_printf(out, ";%u", base + 60 + c->indexed.idx - 8);
	else
		buf_printf(out, ";%u;5;%u", base + 8, c->indexed.idx);
}

static void put_look(struct buf *out, const VTermScreenCell *c)
{
	buf_puts(out, "\033[0");
	if (c->attrs.bold)
		buf_puts(out, ";1");
	if (c->attrs.italic)
		buf_puts(out, ";3");
	if (c->attrs.underline == VTERM_UNDERLINE_DOUBLE)
		buf_puts(out, ";21");
	else if (c->attrs.underline == VTERM_UNDERLINE_CURLY)
		buf_puts(out, ";4:3");
	else if (c->attrs.underline)
		buf_puts(out, ";4");
	if (c->attrs.blink)
		buf_puts(out, ";5");
	if (c->attrs.reverse)
		buf_puts(out, ";7");
	if (c->attrs.strike)
		buf_puts(out, ";9");
	if (c->attrs.font)
		buf_printf(out, ";%d", 10 + c->attrs.font);
	put_colour(out, &c->fg, 30);
	put_colour(out, &c->bg, 40);
	buf_puts(out, "m");
}

static void put_char(struct buf *out, uint32_t c)
{
	char s[4];
	size_t n = 0;

	if (c < 0x80 && out->len + 1 < out->cap) {
		out->data[out->len++] = (char)c;
		out->data[out->len] = '\0';
		return;
	}
	if (c < 0x80) {
		s[n++] = (char)c;
	} else if (c < 0x800) {
		s[n++] = (char)(0xc0 | c >> 6);
		s[n++] = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		s[n++] = (char)(0xe0 | c >> 12);
		s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		s[n++] = (char)(0x80 | (c & 0x3f));
	} else {
		s[n++] = (char)(0xf0 | (c >> 18 & 7));
		s[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		s[n++] = (char)(0x80 | (c & 0x3f));
	}
	buf_put(out, s, n);
}

static bool is_blank(const VTermScreenCell *c)
{
	static const VTermScreenCell plain = {
		.fg = {.type = VTERM_COLOR_DEFAULT_FG}, .bg = {.type = VTERM_COLOR_DEFAULT_BG}};

	/* What colour a blank would have had in front does not show. */
	return c->chars[0] == 0 && !c->attrs.reverse && !c->attrs.underline && !c->attrs.strike &&
	       colours_equal(&c->bg, &plain.bg);
}

/* The usual case, cheaply: every line that leaves the top passes here. */
static bool same_bytes(const VTermScreenCell *a, const VTermScreenCell *b)
{
	const size_t from = offsetof(VTermScreenCell, attrs);

	return memcmp((const char *)a + from, (const char *)b + from,
		       offsetof(VTermScreenCell, bg) + sizeof(a->bg) - from) == 0;
}

/* One line's cells up to the last that shows, with its own looks; ends with plain ones. */
static void put_line(struct buf *out, const VTermScreenCell *cells, int cols, bool flip)
{
	VTermScreenCell plain = {
		.fg = {.type = VTERM_COLOR_DEFAULT_FG}, .bg = {.type = VTERM_COLOR_DEFAULT_BG}};
	const VTermScreenCell *last = &plain;
	int end = cols;

	plain.attrs.reverse = flip; /* what needs no sequence */
	while (end > 0) {
		VTermScreenCell c = cells[end - 1];

		c.attrs.reverse ^= flip;
		if (!is_blank(&c))
			break;
		end--;
	}
	for (int i = 0; i < end; i++) {
		const VTermScreenCell *c = &cells[i];

		if (c->chars[0] == (uint32_t)-1) /* the second half of a wide one */
			continue;
		if (!same_bytes(c, last) && !looks_equal(c, last)) {
			VTermScreenCell shown = *c;

			shown.attrs.reverse ^= flip;
			put_look(out, &shown);
			last = c;
		}
		if (c->chars[0] == 0)
			put_char(out, ' ');
		for (int k = 0; k < VTERM_MAX_CHARS_PER_CELL && c->chars[k]; k++)
			put_char(out, c->chars[k]);
	}
	if (!looks_equal(last, &plain))
		buf_puts(out, "\033[m");
}

static void drop_oldest(struct screen *s)
{
	struct line *l = &s->history[s->first];

	s->bytes -= l->len;
	free(l->text);
	*l = (struct line){0};
	s->first = (s->first + 1) % SCREEN_HISTORY_LINES;
	s->n--;
}

static int on_pushline(int cols, const VTermScreenCell *cells, void *user)
{
	struct screen *s = user;
	AUTO_BUF struct buf b = BUF_INIT(0);
	struct line *l;

	put_line(&b, cells, cols, false);
	if (b.len > SCREEN_HISTORY_BYTES)
		return 1;
	while (s->n == SCREEN_HISTORY_LINES || (s->n && s->bytes + b.len > SCREEN_HISTORY_BYTES))
		drop_oldest(s);
	l = &s->history[(s->first + s->n) % SCREEN_HISTORY_LINES];
	*l = (struct line){.text = xmemdup(b.len ? b.data : "", b.len ? b.len : 1), .len = b.len};
	s->n++;
	s->bytes += b.len;
	return 1;
}

static void no_answer(const char *p UNUSED, size_t n UNUSED, void *user UNUSED)
{
}

static const VTermScreenCallbacks callbacks = {.sb_pushline = on_pushline};

/* At least 2: libvterm 0.1.4 writes a character of two columns without looking whether the
 * second is there. */
static int clamp(unsigned n, int max)
{
	return n < 2 ? 2 : n > (unsigned)max ? max : (int)n;
}

struct screen *screen_new(unsigned rows, unsigned cols)
{
	struct screen *s = xcalloc(1, sizeof(*s));

	s->rows = clamp(rows, SCREEN_ROWS_MAX);
	s->cols = clamp(cols, SCREEN_COLS_MAX);
	s->vt = vterm_new(s->rows, s->cols);
	if (!s->vt)
		abort();
	vterm_set_utf8(s->vt, 1);
	/* The user's terminal answers queries, not this one. */
	vterm_output_set_callback(s->vt, no_answer, NULL);
	s->screen = vterm_obtain_screen(s->vt);
	vterm_screen_set_callbacks(s->screen, &callbacks, s);
	vterm_screen_set_damage_merge(s->screen, VTERM_DAMAGE_SCROLL);
	vterm_screen_enable_altscreen(s->screen, 1);
	vterm_screen_reset(s->screen, 1);
	return s;
}

void screen_free(struct screen *s)
{
	if (!s)
		return;
	while (s->n)
		drop_oldest(s);
	vterm_free(s->vt);
	free(s);
}

/*
 * libvterm 0.1.4 does not keep the cursor within a window that was made smaller, nor
 * the saved cursor, and then reads and writes outside of its tables. So after each
 * change of the size, and after each restoring of a cursor that was saved before one,
 * the cursor is put where it can be before anything else is fed.
 */
static void put_cursor_inside(struct screen *s, bool always)
{
	char b[32];
	VTermPos pos;

	vterm_state_get_cursorpos(vterm_obtain_state(s->vt), &pos);
	if (!always && pos.row >= 0 && pos.row < s->rows && pos.col >= 0 && pos.col < s->cols)
		return;
	pos.row = pos.row < 0 ? 0 : pos.row >= s->rows ? s->rows - 1 : pos.row;
	pos.col = pos.col < 0 ? 0 : pos.col >= s->cols ? s->cols - 1 : pos.col;
	snprintf(b, sizeof(b), "\033[%d;%dH", pos.row + 1, pos.col + 1);
	vterm_input_write(s->vt, b, strlen(b));
}

/* The length of a sequence that restores the cursor, at p; 0 for anything else. In the form in
 * which the filter lets them pass. */
static size_t restores(const char *p, size_t n)
{
	static const char *const list[] = {"\0338", "\033[u", "\033[?1048l", "\033[?1049l"};

	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		if (n >= strlen(list[i]) && memcmp(p, list[i], strlen(list[i])) == 0)
			return strlen(list[i]);
	return 0;
}

static void write_checked(struct screen *s, const char *p, size_t n)
{
	size_t from = 0, at = 0;

	while (at < n) {
		const char *esc = memchr(p + at, '\033', n - at);
		size_t len;

		if (!esc)
			break;
		at = (size_t)(esc - p);
		len = restores(esc, n - at);
		at += len ? len : 1;
		if (!len)
			continue;
		vterm_input_write(s->vt, p + from, at - from);
		put_cursor_inside(s, false);
		from = at;
	}
	vterm_input_write(s->vt, p + from, n - from);
}

void screen_write(struct screen *s, const void *p, size_t n)
{
	if (s->resized)
		write_checked(s, p, n);
	else
		vterm_input_write(s->vt, p, n);
	vterm_screen_flush_damage(s->screen);
}

void screen_resize(struct screen *s, unsigned rows, unsigned cols)
{
	int r = clamp(rows, SCREEN_ROWS_MAX), c = clamp(cols, SCREEN_COLS_MAX);
	VTermPos pos;
	char b[32];

	if (r == s->rows && c == s->cols)
		return;
	s->rows = r;
	s->cols = c;
	s->resized = true;
	vterm_set_size(s->vt, r, c);
	put_cursor_inside(s, true);
	vterm_state_get_cursorpos(vterm_obtain_state(s->vt), &pos);
	/* Margins go, as in most terminals; and they would not fit either. */
	vterm_input_write(s->vt, NO_MARGINS, strlen(NO_MARGINS));
	snprintf(b, sizeof(b), "\033[%d;%dH", pos.row + 1, pos.col + 1);
	vterm_input_write(s->vt, b, strlen(b));
	vterm_screen_flush_damage(s->screen);
}

static void put_history(const struct screen *s, unsigned client_rows, struct buf *out)
{
	size_t up;

	for (size_t i = 0; i < s->n; i++) {
		const struct line *l = &s->history[(s->first + i) % SCREEN_HISTORY_LINES];

		buf_put(out, l->text, l->len);
		buf_puts(out, "\r\n");
	}
	/* And out at the top, into the terminal's own history. */
	client_rows = client_rows ? client_rows : 1;
	up = s->n < client_rows ? s->n : client_rows - 1;
	if (up)
		buf_printf(out, "\033[%u;1H", client_rows);
	for (size_t i = 0; i < up; i++)
		buf_puts(out, "\n");
}

static void put_rows(const struct screen *s, bool flip, struct buf *out)
{
	AUTO_FREE VTermScreenCell *cells = xcalloc((size_t)s->cols, sizeof(*cells));

	for (int row = 0; row < s->rows; row++) {
		size_t before = out->len, head;

		for (int col = 0; col < s->cols; col++)
			if (!vterm_screen_get_cell(s->screen, (VTermPos){row, col}, &cells[col]))
				cells[col] = (VTermScreenCell){0};
		buf_printf(out, "\033[%d;1H", row + 1);
		head = out->len;
		put_line(out, cells, s->cols, flip);
		if (out->len == head) /* an empty line needs nothing */
			out->len = before;
	}
}

/* Margins, origin, the cursor: each moves the cursor or changes what positions mean. */
static void put_cursor(const struct screen *s, const struct modes *m, struct buf *out)
{
	VTermPos pos;
	int top = m->top ? m->top : 1;
	bool origin = modes_dec_get(m, 6);
	int row;

	vterm_state_get_cursorpos(vterm_obtain_state(s->vt), &pos);
	if (m->flags & MODES_MARGINS) {
		buf_printf(out, "\033[%d;", top);
		if (m->bottom)
			buf_printf(out, "%u", m->bottom);
		buf_puts(out, "r");
	}
	if (origin)
		buf_puts(out, "\033[?6h");
	row = pos.row + 1 - (origin ? top - 1 : 0);
	/* In origin mode a cursor that was restored may be above the margin. */
	buf_printf(out, "\033[%d;%dH", row < 1 ? 1 : row, pos.col + 1);
}

/* What the next character would look like. */
static void put_pen(const struct screen *s, struct buf *out)
{
	VTermState *state = vterm_obtain_state(s->vt);
	VTermScreenCell pen = {0};
	VTermValue v;

	vterm_state_get_penattr(state, VTERM_ATTR_BOLD, &v);
	pen.attrs.bold = v.boolean != 0;
	vterm_state_get_penattr(state, VTERM_ATTR_ITALIC, &v);
	pen.attrs.italic = v.boolean != 0;
	vterm_state_get_penattr(state, VTERM_ATTR_UNDERLINE, &v);
	pen.attrs.underline = (unsigned)v.number & 3;
	vterm_state_get_penattr(state, VTERM_ATTR_BLINK, &v);
	pen.attrs.blink = v.boolean != 0;
	vterm_state_get_penattr(state, VTERM_ATTR_REVERSE, &v);
	pen.attrs.reverse = v.boolean != 0;
	vterm_state_get_penattr(state, VTERM_ATTR_STRIKE, &v);
	pen.attrs.strike = v.boolean != 0;
	vterm_state_get_penattr(state, VTERM_ATTR_FOREGROUND, &v);
	pen.fg = v.color;
	vterm_state_get_penattr(state, VTERM_ATTR_BACKGROUND, &v);
	pen.bg = v.color;
	put_look(out, &pen);
}

void screen_redraw(struct screen *s, const struct screen_redraw *r, struct buf *out)
{
	const struct modes *m = r->modes;
	bool alt = modes_alt_screen(m);

	if (r->fresh && r->title && *r->title)
		buf_printf(out, "\033]2;%s\033\\", r->title);
	if (!r->fresh) /* margins and origin would be in the way */
		buf_puts(out, "\033[?6l\033[?69l\033[r\033[?7h");
	buf_puts(out, "\033[m\033[H\033[2J");
	if (r->fresh && !alt)
		put_history(s, r->client_rows, out);
	if (r->fresh && alt)
		buf_puts(out, "\033[?1049h\033[H\033[2J");
	put_rows(s, modes_dec_get(m, 5), out);
	if (r->fresh)
		modes_redo(m, out);
	if (modes_dec_get(m, 69))
		buf_puts(out, "\033[?69h");
	put_cursor(s, m, out);
	if (!modes_dec_get(m, 7))
		buf_puts(out, "\033[?7l");
	if (m->flags & MODES_SGR)
		put_pen(s, out);
	buf_puts(out, modes_dec_get(m, 25) ? "\033[?25h" : "\033[?25l");
}
