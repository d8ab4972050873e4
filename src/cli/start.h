/*
 * What `run`, `up`, an agent's name, `exec` and `shell` have in common: get the
 * sandbox of a plan running, or join it, run a command in it, and stay with it.
 */
#ifndef BAILEY_CLI_START_H
#define BAILEY_CLI_START_H

#include "plan.h"
#include "session/state.h"

struct start {
	struct plan *plan;
	unsigned flags;	     /* sup_exec_flag but SUP_TTY, which the terminal decides */
	const char *label;   /* what `status` shows; NULL: the command */
	struct strvec *argv; /* the command; for an agent what the user gave after "--" */
	const char *agent;   /* preset, or NULL */
	bool resume;	     /* the agent's last conversation */
	bool join;	     /* an agent that is running here already: attach to it instead */
	/* cli_start's own: */
	bool prepared; /* argv is the agent's whole command line */
	int status;    /* that was already explained, or 0 */
};

/* Exit status: the command's own, or 125..127 after saying why. */
int cli_start(const struct cli *cli, struct start *start);

/* Makes the sandbox's record without running anything. Exit status. */
int cli_create(const struct cli *cli, struct plan *plan);

/* Runs argv in the sandbox called name as `exec` does; for other commands. Exit status. */
int cli_exec_in(const struct cli *cli, const char *command, const char *name, struct strvec *argv);

/* bailey-init beside this program or where it was installed. */
char *cli_init_path(void) MUST_CHECK;

/* Ends a command with what the session ended with; says what is to be said. */
struct client_end;
int cli_end(const char *name, struct client_end *end);

#endif
