/* Words that only the running system knows: names of agents, sandboxes, classes. */
#include "commands.h"

#include "agent/prepare.h"
#include "agents.h"
#include "where.h"
#include "workspace/surface.h"

static char agent_name[64];
static char agent_summary[128];

static int run_agent(struct cli *cli, struct cmd_args *args)
{
	return cli_run_agent(cli, agent_name, args);
}

const struct command *cli_agent_command(const char *name)
{
	AUTO_AGENT_PLACES struct agent_places places = {0};
	static struct command command = {
		.name = agent_name,
		.usage = "[NAME] [OPTIONS] [-- AGENT-ARGS]",
		.summary = agent_summary,
		.run_opts = true,
		.complete = "sandbox",
		.max_operands = 1,
		.takes_rest = CMD_REST_OPTIONAL,
		.run = run_agent,
	};

	cli_agent_places(&places);
	if (strlen(name) >= sizeof(agent_name) || !agent_exists(&places, name))
		return NULL;
	snprintf(agent_name, sizeof(agent_name), "%s", name);
	snprintf(agent_summary, sizeof(agent_summary), "Start the agent %s in a sandbox, or return to it", name);
	command.opts = cli_agent_options();
	return &command;
}

void cli_agent_words(struct strvec *ret)
{
	AUTO_AGENT_PLACES struct agent_places places = {0};

	cli_agent_places(&places);
	agent_list(&places, ret);
}

void cli_sandbox_words(struct strvec *ret)
{
	AUTO_FREE char *project = cli_project();
	struct state **list;
	size_t n;

	if (!project || state_list(project, &list, &n, NULL) < 0)
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
