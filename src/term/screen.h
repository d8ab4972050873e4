/*
 * What a session's terminal shows, kept by libvterm so that it can be drawn again
 * on another terminal. Fed with the filter's output only: so libvterm, which is
 * not ours, sees complete and plain sequences. Used inside the confined relay.
 */
#ifndef BAILEY_TERM_SCREEN_H
#define BAILEY_TERM_SCREEN_H

#include "modes.h"

#define SCREEN_ROWS_MAX 500
#define SCREEN_COLS_MAX 1000
/* Lines that have left the top, and the bytes that they may take. */
#define SCREEN_HISTORY_LINES 500
#define SCREEN_HISTORY_BYTES (256 * 1024)

struct screen;

struct screen *screen_new(unsigned rows, unsigned cols);
void screen_free(struct screen *s);
void screen_write(struct screen *s, const void *p, size_t n);
/* Sizes are brought into 2..SCREEN_*_MAX. Margins and origin mode are gone afterwards: the
 * caller must take them out of its modes too. */
void screen_resize(struct screen *s, unsigned rows, unsigned cols);

struct screen_redraw {
	const struct modes *modes; /* of the filter that fed the screen */
	const char *title;	   /* or NULL */
	unsigned client_rows;	   /* height of the terminal that is drawn on */
	bool fresh; /* its modes are all at their default: set them, and show the history */
};
void screen_redraw(struct screen *s, const struct screen_redraw *r, struct buf *out);

DEFINE_AUTO(struct screen *, screen_free)
#define AUTO_SCREEN CLEANUP(screen_freep)

#endif
