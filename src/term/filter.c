#include "filter.h"

#define ESC "\033"
#define REPLACEMENT "\xef\xbf\xbd"

/* One control sequence, taken apart. */
struct csi {
	char prefix; /* ? > < = or 0 */
	char inter;  /* the one intermediate or 0 */
	char final;
	unsigned n;
	uint32_t p[FILTER_PARAMS_MAX]; /* first subparameter of each; 0 when left out */
	bool subparams;		       /* there were colons */
};

static void put(struct buf *out, const void *p, size_t n)
{
	if (out)
		buf_put(out, p, n);
}

static void flag(struct filter *f, uint32_t bit, bool on)
{
	if (on)
		f->modes.flags |= bit;
	else
		f->modes.flags &= ~bit;
}

/*
 * CSI. Each check returns whether the sequence passes as it is, or writes another
 * form of it to out and returns false; it also keeps the modes' account.
 */
typedef bool (*csi_check)(struct filter *f, const struct csi *c, struct buf *out);

static bool csi_sgr(struct filter *f, const struct csi *c, struct buf *out UNUSED)
{
	/* 0 within a longer one may be part of a colour. */
	flag(f, MODES_SGR, c->n > 1 || (c->n == 1 && c->p[0] != 0));
	return true;
}

/* The modes that are known, out of a list. */
static bool csi_dec(struct filter *f, const struct csi *c, struct buf *out)
{
	char s[16];

	for (unsigned i = 0; i < c->n; i++) {
		if (!modes_dec_known(c->p[i]))
			continue;
		modes_dec_set(&f->modes, c->p[i], c->final == 'h');
		snprintf(s, sizeof(s), ESC "[?%u%c", c->p[i], c->final);
		put(out, s, strlen(s));
	}
	return false;
}

/* Of the ANSI modes only insert: 2 locks the keyboard, 12 and 20 change what keys send. */
static bool csi_ansi(struct filter *f, const struct csi *c, struct buf *out)
{
	for (unsigned i = 0; i < c->n; i++) {
		if (c->p[i] != 4)
			continue;
		flag(f, MODES_INSERT, c->final == 'h');
		put(out, c->final == 'h' ? ESC "[4h" : ESC "[4l", 4);
	}
	return false;
}

static bool csi_margins(struct filter *f, const struct csi *c, struct buf *out UNUSED)
{
	f->modes.top = (uint16_t)(c->n > 0 ? c->p[0] : 0);
	f->modes.bottom = (uint16_t)(c->n > 1 ? c->p[1] : 0);
	flag(f, MODES_MARGINS, f->modes.top > 1 || f->modes.bottom);
	return true;
}

/* Also DECSLRM where mode 69 is set, which modes_undo covers by that mode. */
static bool csi_save(struct filter *f UNUSED, const struct csi *c UNUSED, struct buf *out UNUSED)
{
	return true;
}

static bool ask(struct filter *f, bool yes)
{
	if (yes)
		f->modes.flags |= MODES_ASKED;
	return yes;
}

static bool csi_ask_zero(struct filter *f, const struct csi *c, struct buf *out UNUSED)
{
	return ask(f, c->n == 0 || c->p[0] == 0);
}

static bool csi_ask_any(struct filter *f, const struct csi *c UNUSED, struct buf *out UNUSED)
{
	return ask(f, true);
}

static bool csi_status(struct filter *f, const struct csi *c, struct buf *out UNUSED)
{
	if (c->n != 1)
		return false;
	return ask(f, c->prefix ? c->p[0] == 6 || c->p[0] == 996 : c->p[0] == 5 || c->p[0] == 6);
}

static bool csi_window(struct filter *f, const struct csi *c, struct buf *out UNUSED)
{
	return ask(f, c->n && (c->p[0] == 14 || c->p[0] == 16 || c->p[0] == 18 || c->p[0] == 19));
}

static bool csi_cursor_style(struct filter *f, const struct csi *c, struct buf *out UNUSED)
{
	f->modes.cursor_style = (uint8_t)(c->n ? c->p[0] : 0);
	flag(f, MODES_CURSOR_STYLE, f->modes.cursor_style != 0);
	return f->modes.cursor_style <= 8;
}

static bool csi_other_keys(struct filter *f, const struct csi *c, struct buf *out UNUSED)
{
	if (c->n == 0 || c->p[0] != 4)
		return c->n == 0 || c->p[0] <= 7;
	f->modes.other_keys = (uint8_t)(c->n > 1 ? c->p[1] : 0);
	flag(f, MODES_OTHER_KEYS, f->modes.other_keys != 0);
	return f->modes.other_keys <= 3;
}

/* CSI > 4 n: modifyOtherKeys off. */
static bool csi_other_keys_off(struct filter *f, const struct csi *c, struct buf *out UNUSED)
{
	if (c->n != 1 || c->p[0] != 4)
		return false;
	flag(f, MODES_OTHER_KEYS, false);
	return true;
}

static bool csi_kitty_push(struct filter *f, const struct csi *c, struct buf *out UNUSED)
{
	bool alt = modes_alt_screen(&f->modes);

	if (f->modes.kitty[alt] >= MODES_KITTY_MAX)
		return false;
	f->modes.kitty[alt]++;
	f->modes.kitty_flags[alt] = (uint8_t)(c->n ? c->p[0] & 31 : 0);
	return true;
}

/* Never more than were pushed: the rest of the stack is the user's own. */
static bool csi_kitty_pop(struct filter *f, const struct csi *c, struct buf *out)
{
	bool alt = modes_alt_screen(&f->modes);
	unsigned n = c->n && c->p[0] ? c->p[0] : 1;
	char s[16];

	if (n > f->modes.kitty[alt])
		n = f->modes.kitty[alt];
	if (n == 0)
		return false;
	f->modes.kitty[alt] = (uint8_t)(f->modes.kitty[alt] - n);
	f->modes.kitty_flags[alt] = 0;
	snprintf(s, sizeof(s), ESC "[<%uu", n);
	put(out, s, strlen(s));
	return false;
}

static bool csi_kitty_set(struct filter *f, const struct csi *c, struct buf *out UNUSED)
{
	bool alt = modes_alt_screen(&f->modes);
	uint8_t bits = (uint8_t)(c->n ? c->p[0] & 31 : 0);

	switch (c->n > 1 ? c->p[1] : 1) {
	case 1:
		f->modes.kitty_flags[alt] = bits;
		return true;
	case 2:
		f->modes.kitty_flags[alt] |= bits;
		return true;
	case 3:
		f->modes.kitty_flags[alt] &= (uint8_t)~bits;
		return true;
	default:
		return false;
	}
}

static bool csi_soft_reset(struct filter *f, const struct csi *c UNUSED, struct buf *out UNUSED)
{
	flag(f, MODES_SGR | MODES_KEYPAD | MODES_MARGINS | MODES_INSERT | MODES_CHARSET, false);
	modes_dec_set(&f->modes, 1, false);
	modes_dec_set(&f->modes, 6, false);
	modes_dec_set(&f->modes, 25, true);
	return true;
}

static const struct {
	char prefix, inter, final;
	uint8_t max; /* parameters */
	csi_check check;
} csi_rules[] = {
	{0, 0, '@', 1, NULL}, /* insert characters */
	{0, 0, 'A', 1, NULL}, /* the cursor: up, down, right, left */
	{0, 0, 'B', 1, NULL}, {0, 0, 'C', 1, NULL}, {0, 0, 'D', 1, NULL},
	{0, 0, 'E', 1, NULL},			    /* next, previous line */
	{0, 0, 'F', 1, NULL}, {0, 0, 'G', 1, NULL}, /* column */
	{0, 0, 'H', 2, NULL},			    /* position */
	{0, 0, 'I', 1, NULL},			    /* tabs forward */
	{0, 0, 'J', 1, NULL},			    /* erase */
	{0, 0, 'K', 1, NULL}, {'?', 0, 'J', 1, NULL}, {'?', 0, 'K', 1, NULL},
	{0, 0, 'L', 1, NULL}, /* insert, delete lines, characters */
	{0, 0, 'M', 1, NULL}, {0, 0, 'P', 1, NULL}, {0, 0, 'S', 1, NULL}, /* scroll */
	{0, 0, 'T', 1, NULL},			    /* with five parameters it tracks the mouse */
	{0, 0, 'X', 1, NULL},			    /* erase characters */
	{0, 0, 'Z', 1, NULL},			    /* tabs back */
	{0, 0, '`', 1, NULL},			    /* column and row, absolute and relative */
	{0, 0, 'a', 1, NULL}, {0, 0, 'b', 1, NULL}, /* repeat */
	{0, 0, 'd', 1, NULL}, {0, 0, 'e', 1, NULL}, {0, 0, 'f', 2, NULL},
	{0, 0, 'g', 1, NULL}, /* clear tabs */
	{0, 0, 'h', FILTER_PARAMS_MAX, csi_ansi}, {0, 0, 'l', FILTER_PARAMS_MAX, csi_ansi},
	{'?', 0, 'h', FILTER_PARAMS_MAX, csi_dec}, {'?', 0, 'l', FILTER_PARAMS_MAX, csi_dec},
	{0, 0, 'm', FILTER_PARAMS_MAX, csi_sgr}, {0, 0, 'r', 2, csi_margins},
	{0, 0, 's', 2, csi_save}, {0, 0, 'u', 0, NULL},			/* restore the cursor */
	{0, 0, 'c', 1, csi_ask_zero},					/* DA1, DA2 */
	{'>', 0, 'c', 1, csi_ask_zero}, {'>', 0, 'q', 1, csi_ask_zero}, /* XTVERSION */
	{0, 0, 'n', 1, csi_status}, {'?', 0, 'n', 1, csi_status},
	{0, '$', 'p', 1, csi_ask_any},					/* DECRQM */
	{'?', '$', 'p', 1, csi_ask_any}, {'?', 0, 'u', 1, csi_ask_any}, /* kitty's keyboard flags */
	{'?', 0, 'm', 1, csi_ask_any},					/* XTQMODKEYS */
	{0, 0, 't', 2, csi_window}, {'>', 0, 'u', 1, csi_kitty_push},
	{'<', 0, 'u', 1, csi_kitty_pop}, {'=', 0, 'u', 2, csi_kitty_set},
	{'>', 0, 'm', 2, csi_other_keys}, {'>', 0, 'n', 1, csi_other_keys_off},
	{0, ' ', 'q', 1, csi_cursor_style}, {0, '!', 'p', 0, csi_soft_reset},
	{0, '"', 'q', 1, NULL}, /* protects cells against ?J */
};

/* Takes seq, which has no final byte, apart. The grammar: prefix, parameters, intermediates. */
static bool csi_parse(const char *s, size_t len, char final, struct csi *c)
{
	size_t i = 0;
	bool sub = false;

	*c = (struct csi){.final = final};
	if (i < len && s[i] >= '<' && s[i] <= '?')
		c->prefix = s[i++];
	for (; i < len && (unsigned char)s[i] >= '0' && s[i] <= ';'; i++) {
		if (c->n == 0)
			c->n = 1;
		if (s[i] == ';') {
			if (++c->n > FILTER_PARAMS_MAX)
				return false;
			sub = false;
		} else if (s[i] == ':') {
			sub = c->subparams = true;
		} else if (!sub) {
			c->p[c->n - 1] = c->p[c->n - 1] * 10 + (uint32_t)(s[i] - '0');
			if (c->p[c->n - 1] > FILTER_NUMBER_MAX)
				return false;
		}
	}
	if (i < len && s[i] >= ' ' && s[i] <= '/')
		c->inter = s[i++];
	return i == len;
}

/* Subparameters are not kept, but they too must be small. */
static bool numbers_are_short(const char *s, size_t len)
{
	unsigned digits = 0;

	for (size_t i = 0; i < len; i++) {
		digits = s[i] >= '0' && s[i] <= '9' ? digits + 1 : 0;
		if (digits > 5)
			return false;
	}
	return true;
}

static void csi_done(struct filter *f, char final, struct buf *out)
{
	struct csi c;

	if (!numbers_are_short(f->seq, f->len) || !csi_parse(f->seq, f->len, final, &c))
		return;
	if (c.subparams && final != 'm')
		return;
	for (size_t i = 0; i < ARRAY_SIZE(csi_rules); i++) {
		if (csi_rules[i].prefix != c.prefix || csi_rules[i].inter != c.inter ||
			csi_rules[i].final != final)
			continue;
		if (c.n > csi_rules[i].max ||
			(csi_rules[i].check && !csi_rules[i].check(f, &c, out)))
			return;
		put(out, ESC "[", 2);
		put(out, f->seq, f->len);
		put(out, &final, 1);
		return;
	}
}

/* OSC: text is all after "NUMBER;", NUL-terminated, without C0 controls. */
typedef bool (*osc_check)(struct filter *f, unsigned number, char *text);

static bool all_of(const char *s, const char *more)
{
	for (; *s; s++)
		if (!((*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') ||
			    (*s >= 'A' && *s <= 'Z') || strchr(more, *s)))
			return false;
	return true;
}

/* Cleans text in place and remembers it for redraws. */
static bool osc_title(struct filter *f, unsigned number, char *text)
{
	size_t len = strlen(text), kept = 0;

	for (size_t i = 0; i < len;) {
		uint32_t cp;
		size_t n = utf8_decode(text + i, len - i, &cp);

		if (n && kept + n <= FILTER_TITLE_MAX && str_risks(text + i, n, false) == 0) {
			memmove(text + kept, text + i, n);
			kept += n;
		}
		i += n ? n : 1;
	}
	text[kept] = '\0';
	if (number != 1)
		memcpy(f->title, text, kept + 1);
	flag(f, MODES_TITLE, true);
	return true;
}

/* "?" asks, anything else sets: NAME, #RRGGBB, rgb:R/G/B; for OSC 4 after "INDEX;", repeated. */
static bool osc_colour(struct filter *f, unsigned number, char *text)
{
	static const struct {
		unsigned number;
		uint32_t flag;
	} flags[] = {
		{4, MODES_PALETTE},
		{10, MODES_FOREGROUND},
		{11, MODES_BACKGROUND},
		{12, MODES_CURSOR_COLOUR},
	};
	const char *last = strrchr(text, ';');

	if (!*text || !all_of(text, "?#:;/.,"))
		return false;
	if (strchr(text, '?'))
		ask(f, true);
	/* A list for 10 goes on with 11, 12 and so on: only single values pass. */
	if (number != 4 && last)
		return false;
	if (!strchr(text, '?') || number == 4)
		for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
			if (flags[i].number == number)
				flag(f, flags[i].flag, true);
	return true;
}

static bool osc_colour_reset(struct filter *f UNUSED, unsigned number, char *text)
{
	return number == 104 ? all_of(text, ";") : !*text;
}

static bool osc_link(struct filter *f, unsigned number UNUSED, char *text)
{
	char *uri = strchr(text, ';');

	if (!uri)
		return false;
	*uri = '\0';
	if (!all_of(text, ":=_.-+@"))
		return false;
	*uri++ = ';';
	for (const char *s = uri; *s; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	if (*uri && !str_after(uri, "http://") && !str_after(uri, "https://"))
		return false;
	flag(f, MODES_LINK, *uri != '\0');
	return true;
}

static bool osc_mark(struct filter *f UNUSED, unsigned number UNUSED, char *text)
{
	return text[0] >= 'A' && text[0] <= 'D' && all_of(text, ";=_-");
}

static const struct {
	uint16_t number;
	osc_check check;
} osc_rules[] = {
	{0, osc_title},
	{1, osc_title},
	{2, osc_title},
	{4, osc_colour},
	{8, osc_link},
	{10, osc_colour},
	{11, osc_colour},
	{12, osc_colour},
	{104, osc_colour_reset},
	{110, osc_colour_reset},
	{111, osc_colour_reset},
	{112, osc_colour_reset},
	{133, osc_mark},
};

static void osc_done(struct filter *f, bool bel, struct buf *out)
{
	unsigned number = 0;
	char *s = f->seq;
	char head[16];

	f->seq[f->len] = '\0';
	if (*s < '0' || *s > '9')
		return;
	for (; *s >= '0' && *s <= '9'; s++) {
		number = number * 10 + (unsigned)(*s - '0');
		if (number > FILTER_NUMBER_MAX)
			return;
	}
	if (*s == ';')
		s++;
	else if (*s)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(osc_rules); i++) {
		if (osc_rules[i].number != number)
			continue;
		if (!osc_rules[i].check(f, number, s))
			return;
		snprintf(head, sizeof(head), ESC "]%u%s", number, number >= 104 && !*s ? "" : ";");
		put(out, head, strlen(head));
		put(out, s, strlen(s));
		put(out, bel ? "\a" : ESC "\\", bel ? 1 : 2);
		return;
	}
}

/* XTGETTCAP: names in hexadecimal. The answer repeats them, still in hexadecimal. */
static void dcs_done(struct filter *f, struct buf *out)
{
	f->seq[f->len] = '\0';
	if (f->len < 3 || f->len > 256 || f->seq[0] != '+' || f->seq[1] != 'q')
		return;
	if (strspn(f->seq + 2, "0123456789abcdefABCDEF;") != (size_t)f->len - 2)
		return;
	ask(f, true);
	put(out, ESC "P", 2);
	put(out, f->seq, f->len);
	put(out, ESC "\\", 2);
}

static void start(struct filter *f, enum filter_state state)
{
	f->state = state;
	f->len = 0;
}

static void skip(struct filter *f, bool bel_ends)
{
	f->state = FILTER_SKIP;
	f->bel_ends = bel_ends;
}

/* The C0 controls that pass, here and in the middle of a CSI, where terminals obey them too. */
static void control(struct filter *f, char c, struct buf *out)
{
	if (c >= '\a' && c <= '\017') {
		put(out, &c, 1);
		if (c == '\016')
			flag(f, MODES_CHARSET, true);
	}
}

static void esc_done(struct filter *f, char c, struct buf *out)
{
	char s[4] = {'\033', c};

	f->state = FILTER_GROUND;
	switch (c) {
	case '=':
	case '>':
		flag(f, MODES_KEYPAD, c == '=');
		break;
	case 'c':
		modes_forget(&f->modes);
		break;
	case 'Z':
		ask(f, true);
		break;
	case '7':
	case '8':
	case 'D':
	case 'E':
	case 'H':
	case 'M':
		break;
	default:
		return;
	}
	put(out, s, 2);
}

/* ESC and one intermediate. */
static void esc_inter_done(struct filter *f, char inter, char c, struct buf *out)
{
	char s[4] = {'\033', inter, c};

	f->state = FILTER_GROUND;
	if (inter == '#' && c == '8') {
		put(out, s, 3);
	} else if ((inter == '(' || inter == ')') && (c == '0' || c == 'A' || c == 'B')) {
		if (c != 'B')
			flag(f, MODES_CHARSET, true);
		put(out, s, 3);
	}
}

static void step_esc(struct filter *f, unsigned char c, struct buf *out)
{
	if (c >= ' ' && c <= '/') { /* two of them, or more: nothing that passes */
		f->seq[0] = (char)(f->len ? '/' : c);
		f->len = 1;
		return;
	}
	if (f->len) {
		esc_inter_done(f, f->seq[0], (char)c, out);
		return;
	}
	switch (c) {
	case '[':
		start(f, FILTER_CSI);
		return;
	case ']':
		start(f, FILTER_OSC);
		return;
	case 'P':
		start(f, FILTER_DCS);
		return;
	case '_':
	case '^':
	case 'X':
	case 'k':
		skip(f, false);
		return;
	default:
		esc_done(f, (char)c, out);
	}
}

static void step_csi(struct filter *f, unsigned char c, struct buf *out)
{
	if (c >= '@' && c <= '~') {
		bool ignore = f->state == FILTER_CSI_IGNORE;

		f->state = FILTER_GROUND;
		if (!ignore)
			csi_done(f, (char)c, out);
	} else if (f->len >= 256) {
		f->state = FILTER_CSI_IGNORE;
	} else {
		f->seq[f->len++] = (char)c;
	}
}

static void string_done(struct filter *f, enum filter_state string, bool bel, struct buf *out)
{
	f->state = FILTER_GROUND;
	if (string == FILTER_OSC)
		osc_done(f, bel, out);
	else if (string == FILTER_DCS)
		dcs_done(f, out);
}

static void step_string(struct filter *f, unsigned char c, struct buf *out)
{
	if (c == '\a' && (f->state == FILTER_OSC || (f->state == FILTER_SKIP && f->bel_ends))) {
		string_done(f, f->state, true, out);
	} else if (f->state == FILTER_SKIP || c < ' ' || c == 0x7f) {
		return;
	} else if (f->len >= FILTER_SEQ_MAX) {
		skip(f, f->state == FILTER_OSC);
	} else {
		f->seq[f->len++] = (char)c;
		/* Sixels and the like are not worth keeping. */
		if (f->state == FILTER_DCS && f->len == 1 && c != '+')
			skip(f, false);
	}
}

/* A byte of a character of two or more. */
static void step_utf8(struct filter *f, unsigned char c, struct buf *out)
{
	uint32_t cp;
	size_t want, n;

	f->utf8[f->utf8_len++] = c;
	want = f->utf8[0] >= 0xf0 ? 4 : f->utf8[0] >= 0xe0 ? 3 : f->utf8[0] >= 0xc0 ? 2 : 1;
	if (want > 1 && f->utf8_len < want)
		return;
	n = utf8_decode((const char *)f->utf8, f->utf8_len, &cp);
	if (n == 0 || n != f->utf8_len)
		put(out, REPLACEMENT, 3);
	else if (cp >= 0xa0) /* else a C1 control */
		put(out, f->utf8, n);
	f->utf8_len = 0;
}

static void step(struct filter *f, unsigned char c, struct buf *out)
{
	if (f->utf8_len && (c & 0xc0) != 0x80) { /* a character cut short */
		f->utf8_len = 0;
		put(out, REPLACEMENT, 3);
	}
	if (f->state == FILTER_STRING_ESC) {
		if (c == '\\') {
			string_done(f, f->string, false, out);
			return;
		}
		start(f, FILTER_ESC);
	}
	if (c == '\033') {
		if (f->state == FILTER_OSC || f->state == FILTER_DCS || f->state == FILTER_SKIP) {
			f->string = f->state;
			f->state = FILTER_STRING_ESC;
		} else {
			start(f, FILTER_ESC);
		}
		return;
	}
	if (c == 0x18 || c == 0x1a) { /* CAN, SUB */
		f->state = FILTER_GROUND;
		return;
	}
	switch (f->state) {
	case FILTER_OSC:
	case FILTER_DCS:
	case FILTER_SKIP:
		step_string(f, c, out);
		return;
	case FILTER_ESC:
	case FILTER_CSI:
	case FILTER_CSI_IGNORE:
		if (c < ' ') {
			control(f, (char)c, out);
			return;
		}
		if (c >= 0x7f) { /* DEL is nothing; a letter of another script ends the sequence */
			if (c == 0x7f)
				return;
			f->state = FILTER_GROUND;
			break;
		}
		if (f->state == FILTER_ESC)
			step_esc(f, c, out);
		else
			step_csi(f, c, out);
		return;
	case FILTER_GROUND:
	case FILTER_STRING_ESC:
		break;
	}
	if (c >= 0x80)
		step_utf8(f, c, out);
	else if (c < ' ')
		control(f, (char)c, out);
	else if (c < 0x7f)
		put(out, &c, 1);
}

void filter_run(struct filter *f, const void *p, size_t n, struct buf *out)
{
	const unsigned char *s = p;

	for (size_t i = 0; i < n;) {
		size_t run = i;

		/* Plain text, the usual case, in one piece. */
		if (f->state == FILTER_GROUND && !f->utf8_len)
			while (run < n && s[run] >= ' ' && s[run] < 0x7f)
				run++;
		if (run > i) {
			put(out, s + i, run - i);
			i = run;
		} else {
			step(f, s[i++], out);
		}
	}
}
