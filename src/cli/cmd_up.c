/* bailey up, bailey AGENT: an agent at work in a sandbox of its own. */
#include "agents.h"
#include "cli.h"
#include "commands.h"
#include "start.h"

#include "session/proto.h"

static const char *opt_agent;
static bool opt_resume;

static const struct opt up_options[] = {
	OPT_STRING('a', "agent", &opt_agent, "AGENT", "Which agent (default: the setting 'agent')",
		"agent"),
	OPT_FLAG('r', "resume", &opt_resume, "Go on with the agent's last conversation"),
	OPT_DONE,
};

static const struct opt agent_options[] = {
	OPT_FLAG('r', "resume", &opt_resume, "Go on with the agent's last conversation"),
	OPT_DONE,
};

static int run_agent(
	const struct cli *cli, const char *command, const char *agent, struct cmd_args *args)
{
	AUTO_PLAN struct plan plan = {0};
	struct start start = {.plan = &plan, .argv = &args->rest, .resume = opt_resume};
	const char *name = args->operands.n ? args->operands.v[0] : NULL;
	int status;

	if (!agent) {
		/* The setting decides, so the settings come first; then the plan once more under
		 * its name. */
		AUTO_PLAN struct plan settings = {0};

		status = cli_plan(cli, &run_opts, command, name ? name : "agent", false, &settings);
		if (status)
			return status;
		if (!settings.conf->agent)
			return cli_usage(
				command, "which agent? (--agent NAME, or the setting 'agent')");
		agent = settings.conf->agent;
		status = cli_plan(cli, &run_opts, command, name ? name : agent, false, &plan);
		start.agent = plan.conf ? plan.conf->agent : NULL;
	} else {
		status = cli_plan(cli, &run_opts, command, name ? name : agent, false, &plan);
		start.agent = agent;
	}
	if (status)
		return status;
	free(plan.policy->agent);
	plan.policy->agent = xstrdup(start.agent);
	start.label = start.agent;
	/* Without arguments of its own it is the agent that may be at work already. */
	start.join = !args->rest.n && !opt_resume;
	start.flags = run_opts.detach ? SUP_DETACH : 0;
	/* A headless run has nobody to come back to it. */
	if (!run_opts.detach && !(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
		start.flags |= SUP_HANGUP;
	if (run_opts.dry_run) {
		status = cli_agent_prepare(start.agent, opt_resume, &plan, NULL, start.argv);
		return status ? status : cli_plan_print(&plan, run_opts.json);
	}
	return cli_start(cli, &start);
}

static int run_up(struct cli *cli, struct cmd_args *args)
{
	return run_agent(cli, "up", opt_agent, args);
}

int cli_run_agent(struct cli *cli, const char *agent, struct cmd_args *args)
{
	return run_agent(cli, agent, agent, args);
}

const struct opt *cli_agent_options(void)
{
	return agent_options;
}

const struct command cmd_up = {
	.name = "up",
	.usage = "[NAME] [--agent AGENT] [OPTIONS] [-- AGENT-ARGS]",
	.summary = "Start an agent in a sandbox, or return to it",
	.text = "'bailey AGENT [NAME]' is the short form. What the agent changes is staged: "
		"'bailey diff' shows it, 'bailey apply' lands it. "
		"Arguments after '--' go to the agent: bailey claude -- -p \"fix the tests\".",
	.opts = up_options,
	.run_opts = true,
	.complete = "sandbox",
	.max_operands = 1,
	.takes_rest = CMD_REST_OPTIONAL,
	.run = run_up,
	.group = "Agents",
};
