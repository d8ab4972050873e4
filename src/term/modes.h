/*
 * The modes of a terminal that a session has changed: what must be undone when
 * the user leaves, and set again when a screen is redrawn.
 *
 * Plain data without pointers: it may live in shared memory, where the guard
 * reads it after the writer was killed at any moment. So nothing here trusts a
 * value that it reads: bits select rows of a table, counts are capped.
 */
#ifndef BAILEY_TERM_MODES_H
#define BAILEY_TERM_MODES_H

#include "base/buf.h"

/* Kitty's keyboard stacks are emptied by as many pops; terminals keep few entries. */
#define MODES_KITTY_MAX 16

enum modes_flag {
	MODES_SGR = 1 << 0,	       /* colours or attributes */
	MODES_CHARSET = 1 << 1,	       /* G0, G1 or shift are not the default */
	MODES_KEYPAD = 1 << 2,	       /* application keypad */
	MODES_MARGINS = 1 << 3,	       /* DECSTBM or DECSLRM */
	MODES_CURSOR_STYLE = 1 << 4,   /* DECSCUSR */
	MODES_OTHER_KEYS = 1 << 5,     /* CSI > 4 m, xterm's modifyOtherKeys */
	MODES_LINK = 1 << 6,	       /* an OSC 8 hyperlink is open */
	MODES_TITLE = 1 << 7,	       /* a title was set */
	MODES_INSERT = 1 << 8,	       /* IRM */
	MODES_PALETTE = 1 << 9,	       /* OSC 4 set a colour */
	MODES_FOREGROUND = 1 << 10,    /* OSC 10 */
	MODES_BACKGROUND = 1 << 11,    /* OSC 11 */
	MODES_CURSOR_COLOUR = 1 << 12, /* OSC 12 */
	MODES_ASKED = 1 << 13,	       /* a query was passed: an answer may still arrive */
};

struct modes {
	uint32_t decs; /* a bit per row of the DEC private mode table: not at its default */
	uint32_t flags;
	uint16_t top, bottom;	/* DECSTBM as given, 0 for the default */
	uint8_t cursor_style;	/* as given to DECSCUSR */
	uint8_t other_keys;	/* level of modifyOtherKeys */
	uint8_t kitty[2];	/* depth of the stacks of the main and the alternate screen */
	uint8_t kitty_flags[2]; /* what was last pushed or set */
	uint8_t unused[2];	/* no padding: two of these are compared as bytes */
};

/* Whether a DEC private mode may be changed by a session at all. */
bool modes_dec_known(unsigned mode);
void modes_dec_set(struct modes *m, unsigned mode, bool on);
bool modes_dec_get(const struct modes *m, unsigned mode);
bool modes_alt_screen(const struct modes *m);

/* Bytes that bring a terminal back; nothing when nothing was changed. */
void modes_undo(const struct modes *m, struct buf *out);
/* Bytes that set a fresh terminal up like this. The alternate screen is not entered, the
 * cursor not hidden and no margin set: screen_redraw does those in its own order. */
void modes_redo(const struct modes *m, struct buf *out);
/* What a hard reset leaves. */
void modes_forget(struct modes *m);

#endif
