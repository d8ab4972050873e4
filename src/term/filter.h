/*
 * What may pass from inside a sandbox to the user's terminal.
 *
 * A terminal is an interpreter: sequences can read the screen and type the answer
 * as if the user had, write the clipboard, print, move windows, draw a prompt that
 * looks like ours somewhere else. So this is an allow-list: what is not in the
 * table below is dropped, and a sequence leaves only when all of it has been read,
 * rebuilt from what was understood. The output is valid UTF-8 without C1 controls
 * and always stops at the end of a character and of a sequence; any split of the
 * input gives the same output. The terminal is taken to be a UTF-8 one.
 *
 *   passes                                       because
 *   text; BEL BS TAB LF VT FF CR SO SI           the point of it all
 *   ESC 7 8 = > D E H M Z c, #8, ( ) 0 A B       cursor, keypad, line drawing, reset
 *   CSI cursor, erase, scroll, insert, delete,   drawing
 *       tabs, margins, SGR, REP, insert mode
 *   CSI ? h l of the modes in modes.c            mouse, paste, focus, alternate screen, frames
 *   CSI c, > c, > q, 5n 6n ?6n ?996n, $p, ?u,    queries that agents wait for: the answers are
 *       ?m, 14t 16t 18t 19t; XTGETTCAP;          numbers or the terminal's own name, never
 *       OSC 4 10 11 12 with ?                    text that the inside chose, and have no newline
 *   CSI > u, < u, = u, > m, SP q, ! p, " q       keyboard protocol, cursor style, soft reset
 *   OSC 0 1 2                                    titles: no control, bidi or invisible character,
 *                                                FILTER_TITLE_MAX bytes
 *   OSC 4 10 11 12 104 110 111 112               colours; undone when the user leaves
 *   OSC 8                                        links, http and https only: a file: or an app's
 *                                                scheme would act on the user's own machine
 *   OSC 133                                      prompt marks, plain words only
 *
 *   dropped                                      because
 *   ENQ, CSI 20t 21t, DECRQSS, DECRQCRA,         answers with text that the inside chose, or
 *       status strings, DECREQTPARM, DA3         with what is on the screen
 *   OSC 52                                       clipboard
 *   OSC 7 9 50 99 777 1337 7501 and the rest     notifications, files, fonts, directories
 *   APC (kitty graphics), PM, SOS, DCS: sixel,   files and shared memory of the host by name;
 *       tmux passthrough, DECUDK, ESC k          sequences in sequences; keys that type text
 *   CSI t other than the reports                 moves, iconifies, resizes windows; title stack
 *   CSI i                                        printers
 *   CSI s/r with ?, rectangles, LEDs, CSI T > 1  rare, and we could not undo or redraw them
 *   ESC %, ESC SP, DECSCL, C1 controls (also     would switch the terminal out of UTF-8 or to
 *       as U+0080 to U+009F), locking shifts     8-bit controls, and so past this filter
 *   numbers over FILTER_NUMBER_MAX, sequences    nothing real has them; terminals' parsers
 *       over FILTER_SEQ_MAX                      have had bugs there
 *
 * Pure: no calls to the system. Also keeps account of the modes that passed (modes.h).
 */
#ifndef BAILEY_TERM_FILTER_H
#define BAILEY_TERM_FILTER_H

#include "modes.h"

#define FILTER_SEQ_MAX 4096
#define FILTER_TITLE_MAX 256
#define FILTER_NUMBER_MAX 65535
#define FILTER_PARAMS_MAX 32

enum filter_state {
	FILTER_GROUND,
	FILTER_ESC,
	FILTER_CSI,
	FILTER_CSI_IGNORE,
	FILTER_OSC,
	FILTER_DCS,
	FILTER_SKIP,	   /* a string that will not pass */
	FILTER_STRING_ESC, /* ESC within a string: its end, or the next sequence */
};

struct filter {
	enum filter_state state;
	enum filter_state string; /* in STRING_ESC: the string that it is in */
	bool bel_ends;		  /* in SKIP: an OSC, which BEL ends too */
	uint8_t utf8[4];	  /* a character that is not complete yet */
	uint8_t utf8_len;
	uint16_t len;
	char seq[FILTER_SEQ_MAX + 1]; /* the sequence so far, without its introducer */
	struct modes modes;
	char title[FILTER_TITLE_MAX + 1];
};

#define FILTER_INIT ((struct filter){.state = FILTER_GROUND})

/* Appends what passes to out, at most 3 bytes per byte of input plus FILTER_SEQ_MAX + 16. With
 * out NULL only the modes are followed. */
void filter_run(struct filter *f, const void *p, size_t n, struct buf *out);

#endif
