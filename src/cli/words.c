#include "commands.h"
#include "plan.h"
#include "session/state.h"

const struct command *cli_agent_command(const char *name UNUSED)
{
	return NULL;
}

void cli_agent_words(struct strvec *ret UNUSED)
{
}

void cli_sandbox_words(struct strvec *ret)
{
	AUTO_PLAN struct plan here = {0};
	struct state **list = NULL;
	size_t n = 0;

	/* Completion never complains. */
	if (plan_begin(&here, NULL) < 0 || state_list(here.project, &list, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		strvec_push(ret, list[i]->name);
	state_list_free(list, n);
}

void cli_class_words(struct strvec *ret UNUSED)
{
}
