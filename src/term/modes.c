#include "modes.h"

/*
 * DEC private modes that a session may change. Left out on purpose: 3 and 40 (change the
 * window's width), 1001 (xterm waits for an answer), 1042 (raises the window), 8 (key repeat of
 * the whole server), and whatever is not listed.
 */
static const struct {
	uint16_t mode;
	bool def;
	bool late; /* not set by modes_redo */
} decs[] = {
	{1, false, false},    /* application cursor keys */
	{5, false, false},    /* reverse video: visual bells */
	{6, false, true},     /* origin */
	{7, true, true},      /* auto-wrap */
	{9, false, false},    /* X10 mouse */
	{12, false, false},   /* cursor blinks */
	{25, true, true},     /* cursor visible */
	{45, false, false},   /* reverse wrap */
	{66, false, false},   /* application keypad */
	{69, false, true},    /* left and right margins */
	{1000, false, false}, /* mouse: clicks */
	{1002, false, false}, /* mouse: drags */
	{1003, false, false}, /* mouse: all motion */
	{1004, false, false}, /* focus */
	{1005, false, false}, /* mouse coordinates in UTF-8 */
	{1006, false, false}, /* ... in SGR form */
	{1007, true, false},  /* wheel as arrow keys; most terminals start with it on */
	{1015, false, false}, /* ... in urxvt's form */
	{1016, false, false}, /* ... in pixels */
	{47, false, true},    /* alternate screen, three generations */
	{1047, false, true}, {1049, false, true}, {1048, false, true}, /* save the cursor */
	{2004, false, false},					       /* bracketed paste */
	{2026, false, true},  /* synchronized update: lasts for a frame */
	{2027, false, false}, /* grapheme clusters */
	{2031, false, false}, /* colour scheme reports */
	{2048, false, false}, /* in-band size reports */
};
_Static_assert(ARRAY_SIZE(decs) <= 32, "a bit of struct modes.decs for each");

static int row_of(unsigned mode)
{
	for (size_t i = 0; i < ARRAY_SIZE(decs); i++)
		if (decs[i].mode == mode)
			return (int)i;
	return -1;
}

bool modes_dec_known(unsigned mode)
{
	return row_of(mode) >= 0;
}

void modes_dec_set(struct modes *m, unsigned mode, bool on)
{
	int row = row_of(mode);

	if (row < 0 || mode == 1048)
		return;
	if (on != decs[row].def)
		m->decs |= UINT32_C(1) << row;
	else
		m->decs &= ~(UINT32_C(1) << row);
	/* One alternate screen with three switches. */
	if (!on && (mode == 47 || mode == 1047 || mode == 1049))
		m->decs &= ~(UINT32_C(1) << row_of(47) | UINT32_C(1) << row_of(1047) |
			     UINT32_C(1) << row_of(1049));
}

bool modes_dec_get(const struct modes *m, unsigned mode)
{
	int row = row_of(mode);

	return row >= 0 && ((m->decs >> row & 1) != 0) != decs[row].def;
}

bool modes_alt_screen(const struct modes *m)
{
	return modes_dec_get(m, 1049) || modes_dec_get(m, 1047) || modes_dec_get(m, 47);
}

static void pop_keyboard(const struct modes *m, bool alt, struct buf *out)
{
	unsigned n = m->kitty[alt] > MODES_KITTY_MAX ? MODES_KITTY_MAX : m->kitty[alt];

	if (n)
		buf_printf(out, "\033[<%uu", n);
	else if (m->kitty_flags[alt])
		buf_puts(out, "\033[=0u");
}

void modes_undo(const struct modes *m, struct buf *out)
{
	bool alt = modes_alt_screen(m);
	static const struct {
		uint32_t flag;
		const char *undo;
	} undo[] = {
		{MODES_OTHER_KEYS, "\033[>4m"},
		{MODES_LINK, "\033]8;;\033\\"},
		{MODES_SGR, "\033[m"},
		{MODES_CHARSET, "\017\033(B\033)B"},
		{MODES_KEYPAD, "\033>"},
		{MODES_INSERT, "\033[4l"},
		{MODES_CURSOR_STYLE, "\033[0 q"},
		{MODES_PALETTE, "\033]104\033\\"},
		{MODES_FOREGROUND, "\033]110\033\\"},
		{MODES_BACKGROUND, "\033]111\033\\"},
		{MODES_CURSOR_COLOUR, "\033]112\033\\"},
	};

	if (alt)
		pop_keyboard(m, true, out);
	/* Setting margins moves the cursor home, so around a saved cursor. */
	if (m->flags & MODES_MARGINS || modes_dec_get(m, 69) || modes_dec_get(m, 6))
		buf_puts(out, "\0337\033[?6l\033[?69l\033[r\0338");
	for (size_t i = 0; i < ARRAY_SIZE(decs); i++) {
		bool on = (m->decs >> i & 1) != 0;

		if (!on || decs[i].mode == 6 || decs[i].mode == 69)
			continue;
		buf_printf(out, "\033[?%u%c", decs[i].mode, decs[i].def ? 'h' : 'l');
	}
	pop_keyboard(m, false, out);
	for (size_t i = 0; i < ARRAY_SIZE(undo); i++)
		if (m->flags & undo[i].flag)
			buf_puts(out, undo[i].undo);
}

void modes_redo(const struct modes *m, struct buf *out)
{
	bool alt = modes_alt_screen(m);

	for (size_t i = 0; i < ARRAY_SIZE(decs); i++)
		if ((m->decs >> i & 1) && !decs[i].late)
			buf_printf(out, "\033[?%u%c", decs[i].mode, decs[i].def ? 'l' : 'h');
	if (m->flags & MODES_KEYPAD)
		buf_puts(out, "\033=");
	if (m->flags & MODES_INSERT)
		buf_puts(out, "\033[4h");
	if (m->flags & MODES_CURSOR_STYLE)
		buf_printf(out, "\033[%u q", m->cursor_style);
	if (m->flags & MODES_OTHER_KEYS)
		buf_printf(out, "\033[>4;%um", m->other_keys);
	if (m->kitty[alt])
		buf_printf(out, "\033[>%uu", m->kitty_flags[alt]);
	else if (m->kitty_flags[alt])
		buf_printf(out, "\033[=%uu", m->kitty_flags[alt]);
}

void modes_forget(struct modes *m)
{
	/* A title, and answers on their way, outlast a reset. */
	*m = (struct modes){.flags = m->flags & (MODES_TITLE | MODES_ASKED)};
}
