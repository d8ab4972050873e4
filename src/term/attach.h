/*
 * The user's side of a session: the real terminal, or the caller's own pipes.
 *
 * With a terminal: raw mode, window size, detach keys, restoring on every way out.
 * A guard process restores the terminal even when we are killed with SIGKILL.
 * With pipes: bytes are moved by splice between the caller's descriptors and pipes
 * of our own, so that nothing of the caller's is ever inside.
 *
 * Both run one loop over poll that also watches the control connection, whose
 * messages are handed to on_control (attach stops when that says so).
 */
#ifndef BAILEY_TERM_ATTACH_H
#define BAILEY_TERM_ATTACH_H

#include "base/err.h"

enum attach_verdict {
	ATTACH_GO_ON,
	ATTACH_STOPPED /* the command stopped: stop us too */,
	ATTACH_ENDED
};

struct attach_callbacks {
	/* Called when control is readable. */
	enum attach_verdict (*on_control)(void *ctx, int control);
	/* A signal that the user sent us, to pass on (SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1,
	 * SIGUSR2, SIGCONT after a stop). */
	void (*on_signal)(void *ctx, int signo);
	void *ctx;
};

struct attach_args {
	int control;
	struct attach_callbacks cb;
	/* terminal: */
	int stream; /* to the relay, or -1 for pipes */
	int tty_in, tty_out;
	bool read_only;
	const char *detach_keys; /* "ctrl-p,ctrl-q", "" for none */
	/* pipes: our ends; -1 where the caller's end is closed or not wanted. Owned by attach. */
	int to_stdin, from_stdout, from_stderr;
};

enum attach_end { ATTACH_END_COMMAND, ATTACH_END_DETACHED, ATTACH_END_LOST };

/* Returns when the output has ended and on_control said ENDED, or the user detached, or the
 * supervisor is gone. */
int attach_run(const struct attach_args *args, enum attach_end *ret, struct err **err) MUST_CHECK;

/* Validates a detach key sequence. */
int attach_keys_check(const char *keys, struct err **err) MUST_CHECK;

#endif
