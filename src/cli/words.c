#include "agents.h"
#include "commands.h"
#include "plan.h"
#include "session/state.h"
#include "workspace/surface.h"

#include "agent/prepare.h"

/* The agent that the command line names; a process runs one command. */
static char *agent_name;

static int run_named_agent(struct cli *cli, struct cmd_args *args)
{
	return cli_run_agent(cli, agent_name, args);
}

const struct command *cli_agent_command(const char *name)
{
	static struct command agent = {
		.usage = "[NAME] [OPTIONS] [-- AGENT-ARGS]",
		.summary = "Run this agent in a sandbox of its own, or return to it",
		.text = "What the agent changes is staged: 'bailey diff' shows it, 'bailey apply' "
			"lands it. Arguments after '--' go to the agent.",
		.run_opts = true,
		.complete = "sandbox",
		.max_operands = 1,
		.takes_rest = CMD_REST_OPTIONAL,
		.run = run_named_agent,
	};
	struct agent_places AUTO_AGENT_PLACES places = {0};

	cli_agent_places(&places);
	if (!agent_exists(&places, name))
		return NULL;
	free(agent_name);
	agent_name = xstrdup(name);
	agent.name = agent_name;
	agent.opts = cli_agent_options();
	return &agent;
}

void cli_agent_words(struct strvec *ret)
{
	struct agent_places AUTO_AGENT_PLACES places = {0};

	cli_agent_places(&places);
	agent_list(&places, ret);
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

void cli_class_words(struct strvec *ret)
{
	for (size_t i = 0; i < SURFACE_N; i++)
		strvec_push(ret, surface_classes[i].name);
	strvec_push(ret, "all");
}
