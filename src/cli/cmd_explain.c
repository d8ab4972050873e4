#include "agents.h"
#include "plan.h"

static const char *opt_agent;

static const struct opt opts[] = {
	OPT_GROUP("Options"),
	OPT_STRING('a', "agent", &opt_agent, "AGENT", "Also what this agent needs", "agent"),
	OPT_DONE,
};

/* What `up` would do short of starting it. */
static int add_agent(struct plan *plan)
{
	AUTO_STRVEC struct strvec argv = {0};

	free(plan->policy->agent);
	plan->policy->agent = xstrdup(opt_agent);
	return cli_agent_prepare(opt_agent, false, plan, NULL, &argv);
}

static int run_explain(struct cli *cli, struct cmd_args *args)
{
	AUTO_PLAN struct plan plan = {0};
	const char *name = args->operands.n ? args->operands.v[0] : NULL;
	int status = cli_plan(cli, &run_opts, "explain", name, !name, &plan);

	if (status == 0 && opt_agent)
		status = add_agent(&plan);
	return status ? status : cli_plan_print(&plan, run_opts.json);
}

extern const struct command cmd_explain;
const struct command cmd_explain = {
	.name = "explain",
	.usage = "[NAME] [OPTIONS]",
	.summary = "Print what a sandbox here may do, and what enforces it",
	.text = "Takes the options of 'bailey run' and prints the policy that they would compile "
		"to, clause by clause. Nothing is started.",
	.opts = opts,
	.run_opts = true,
	.max_operands = 1,
	.complete = "sandbox",
	.run = run_explain,
};
