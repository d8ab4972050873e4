/*
 * Gives the user's terminal back when attach dies without doing so itself
 * (SIGKILL). A process of its own, in a session of its own so that nothing aimed
 * at our process group hits it, that waits for the end of a pipe.
 *
 * It restores only a terminal that is still in the state that attach put it in:
 * when the shell has been faster, its settings stay.
 */
#ifndef BAILEY_TERM_GUARD_H
#define BAILEY_TERM_GUARD_H

#include "modes.h"

#include <termios.h>

/* In memory shared by attach, which writes, and its guard. */
struct guard_state {
	struct termios saved, raw;
	bool is_raw;
	bool pushed_title;
	struct modes modes;
};

struct guard {
	struct guard_state *state;
	int pipe;
	pid_t pid;
};

/* Starts the guard of the terminal behind in and out. */
int guard_start(struct guard *g, int in, int out) MUST_CHECK;
/* All is well: ends the guard and waits for it. */
void guard_stop(struct guard *g);

#endif
