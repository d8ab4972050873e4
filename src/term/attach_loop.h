/* What the two forms of attach (attach_tty.c, attach_pipes.c) share. */
#ifndef BAILEY_TERM_ATTACH_LOOP_H
#define BAILEY_TERM_ATTACH_LOOP_H

#include "attach.h"

#include <signal.h>

struct attach_loop {
	const struct attach_args *args;
	int signals; /* a signalfd */
	sigset_t taken, before;
	struct sigaction pipe_before;
	bool ended; /* on_control said so */
	bool lost;
};

int attach_loop_init(struct attach_loop *l, const struct attach_args *args, struct err **err)
	MUST_CHECK;
void attach_loop_done(struct attach_loop *l);
/* The next signal, or 0. */
int attach_loop_signal(struct attach_loop *l);
/* Control is readable: true when we shall stop. */
bool attach_loop_control(struct attach_loop *l);

int attach_tty(struct attach_loop *l, enum attach_end *ret, struct err **err) MUST_CHECK;
int attach_pipes(struct attach_loop *l, enum attach_end *ret, struct err **err) MUST_CHECK;

#endif
