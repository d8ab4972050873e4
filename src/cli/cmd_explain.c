#include "plan.h"

static int run_explain(struct cli *cli, struct cmd_args *args)
{
	AUTO_PLAN struct plan plan = {0};
	const char *name = args->operands.n ? args->operands.v[0] : NULL;
	int status = cli_plan(cli, &run_opts, "explain", name, !name, &plan);

	return status ? status : cli_plan_print(&plan, run_opts.json);
}

extern const struct command cmd_explain;
const struct command cmd_explain = {
	.name = "explain",
	.usage = "[NAME] [OPTIONS]",
	.summary = "Print what a sandbox here may do, and what enforces it",
	.text = "Takes the options of 'bailey run' and prints the policy that they would compile "
		"to, clause by clause. Nothing is started.",
	.run_opts = true,
	.max_operands = 1,
	.complete = "sandbox",
	.run = run_explain,
};
