/* The agents' library (agent/prepare.h) as commands use it. */
#ifndef BAILEY_CLI_AGENTS_H
#define BAILEY_CLI_AGENTS_H

#include "plan.h"
#include "session/state.h"

/* Where presets and logins are for this caller. */
struct agent_places;
void cli_agent_places(struct agent_places *ret);

/*
 * Prepares the agent's session: argv holds the user's arguments before, all of it
 * after. state NULL: for a dry run, nothing is written. 0 or an exit status, said.
 */
int cli_agent_prepare(const char *agent, bool resume, struct plan *plan, const struct state *state,
	struct strvec *argv);

/* Takes refreshed logins back out of the sandbox's home; says what is worth saying. */
void cli_agent_collect(const struct state *state, enum conf_credentials mode);

#endif
