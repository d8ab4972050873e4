/*
 * A command's side of the supervisor's protocol (proto.h).
 */
#ifndef BAILEY_SESSION_CLIENT_H
#define BAILEY_SESSION_CLIENT_H

#include "base/err.h"
#include "base/strvec.h"

struct client_exec {
	unsigned flags; /* sup_exec_flag */
	const char *label, *cwd;
	struct strvec *argv, *env;
	const char *detach_keys;
};

struct client_end {
	int status;	/* the command's own, 128+n, or 125..127 */
	bool detached;	/* the session goes on */
	bool over;	/* the sandbox has ended, too */
	bool discarded; /* and its staged changes with it */
	char *reason;	/* why the sandbox ended the session, or NULL; owned */
};

/*
 * Runs a command in the sandbox behind conn and stays with it: the caller's
 * terminal when SUP_TTY, else its descriptors 0, 1 and 2 through pipes. Returns when
 * it has ended or the user has detached; with SUP_DETACH as soon as it was taken on.
 */
int client_run(int conn, const struct client_exec *exec, struct client_end *ret, struct err **err)
	MUST_CHECK;
/* Joins a session that has a terminal; 0: the newest. */
int client_attach(int conn, uint32_t session, bool read_only, const char *detach_keys,
	struct client_end *ret, struct err **err) MUST_CHECK;
/* The supervisor's list of sessions, as JSON text. */
int client_list(int conn, char **ret, struct err **err) MUST_CHECK;
/* Ends the sandbox; returns when nothing of it runs. */
int client_stop(int conn, uint32_t grace, struct err **err) MUST_CHECK;

#endif
