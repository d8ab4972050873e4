/*
 * The user's side of a session: the real terminal, or the caller's own pipes.
 *
 * With a terminal: raw mode, window size, detach keys, restoring on every way out.
 * A guard process restores the terminal even when we are killed with SIGKILL.
 * With pipes: bytes are moved by splice between the caller's descriptors and pipes
 * of our own, so that nothing of the caller's is ever inside. Of a regular file on
 * stdin, what the command did not read is given back by lseek when it ends; of a
 * pipe it is lost (as much as fits in our pipe).
 *
 * Both run one loop over poll that also watches the control connection, whose
 * messages are handed to on_control (attach stops when that says so).
 *
 * Single-threaded. Signals are taken over while it runs and given back at the end;
 * one that was ignored on entry (nohup, a background job) stays ignored.
 */
#ifndef BAILEY_TERM_ATTACH_H
#define BAILEY_TERM_ATTACH_H

#include "base/err.h"

/* Biggest packet on stream (session/relay.h has the protocol). */
#define ATTACH_PACKET_MAX 65536

enum attach_verdict {
	ATTACH_GO_ON,
	/* The command stopped: stop us too, with SIGSTOP, so that the shell's fg and bg work.
	 * Afterwards on_signal is called with SIGCONT. */
	ATTACH_STOPPED,
	ATTACH_ENDED,
	ATTACH_GONE, /* the connection is of no more use: ATTACH_END_LOST */
};

struct attach_callbacks {
	/* Called when control is readable (its end is seen before and not handed over). */
	enum attach_verdict (*on_control)(void *ctx, int control);
	/*
	 * A signal that the user sent us, to pass on: SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1,
	 * SIGUSR2; SIGCONT, also after a stop; SIGTSTP: ctrl-z while the terminal is not raw.
	 * Inside, the command's process group may be an orphaned one, where the kernel ignores
	 * SIGTSTP's default action: SIGSTOP is the safe thing to send there.
	 * With a terminal SIGHUP is not passed on: it detaches.
	 */
	void (*on_signal)(void *ctx, int signo);
	void *ctx;
};

struct attach_args {
	int control;
	struct attach_callbacks cb;
	/* terminal: */
	int stream; /* to the relay, or -1 for pipes. Stays the caller's */
	int tty_in, tty_out;
	bool read_only;		 /* the detach keys and ctrl-c leave */
	const char *detach_keys; /* "ctrl-p,ctrl-q", "" or NULL for none */
	/* pipes: our ends; -1 where the caller's end is closed or not wanted. Owned by attach,
	 * which puts them into nonblocking mode. */
	int to_stdin, from_stdout, from_stderr;
};

enum attach_end { ATTACH_END_COMMAND, ATTACH_END_DETACHED, ATTACH_END_LOST };

/* Returns when the output has ended and on_control said ENDED, or the user detached, or the
 * supervisor is gone. */
int attach_run(const struct attach_args *args, enum attach_end *ret, struct err **err) MUST_CHECK;

/* Validates a detach key sequence. */
int attach_keys_check(const char *keys, struct err **err) MUST_CHECK;

#endif
