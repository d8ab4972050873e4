#include "agents.h"

#include "base/log.h"

int cli_agent_prepare(const char *agent, bool resume UNUSED, struct plan *plan UNUSED,
	const struct state *state UNUSED, struct strvec *argv UNUSED)
{
	log_error("there is no agent '%s'", agent);
	return EXIT_NOT_FOUND;
}

void cli_agent_collect(const struct state *state UNUSED, enum conf_credentials mode UNUSED)
{
}
