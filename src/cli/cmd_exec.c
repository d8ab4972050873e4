/* bailey exec, bailey shell: a command in a sandbox that exists. */
#include "cli.h"
#include "start.h"

#include "session/proto.h"

static bool opt_detach;

static const struct opt options[] = {
	OPT_FLAG('d', "detach", &opt_detach, "Do not wait: output goes to 'bailey logs'"),
	OPT_DONE,
};

/* Plans with the settings of now for the sandbox that is meant. */
static int plan_existing(
	const struct cli *cli, const char *command, const char *name, struct plan *plan)
{
	AUTO_STATE struct state *state = NULL;
	struct plan where = {0};
	struct err *err = NULL;
	int r = plan_begin(&where, &err);

	if (r == 0)
		r = state_find(where.project, name, &state, &err);
	plan_done(&where);
	if (r || !state)
		return cli_fail(err);
	return cli_plan(cli, &run_opts, command, state->name, state->ephemeral, plan);
}

int cli_exec_in(const struct cli *cli, const char *command, const char *name, struct strvec *argv)
{
	AUTO_PLAN struct plan plan = {0};
	struct start start = {
		.plan = &plan, .argv = argv, .flags = opt_detach ? SUP_DETACH : SUP_HANGUP};
	int status = plan_existing(cli, command, name, &plan);

	if (status || !plan.policy)
		return status;
	if (run_opts.dry_run)
		return cli_plan_print(&plan, run_opts.json);
	if (str_eq(command, "shell"))
		strvec_push(argv, plan.policy->shell ? plan.policy->shell : "/bin/sh");
	return cli_start(cli, &start);
}

static int run_exec(struct cli *cli, struct cmd_args *args)
{
	return cli_exec_in(cli, "exec", args->operands.n ? args->operands.v[0] : NULL, &args->rest);
}

static int run_shell(struct cli *cli, struct cmd_args *args)
{
	return cli_exec_in(
		cli, "shell", args->operands.n ? args->operands.v[0] : NULL, &args->rest);
}

const struct command cmd_exec = {
	.name = "exec",
	.usage = "[NAME] -- CMD [ARGS]",
	.summary = "Run a command in a sandbox, starting it if need be",
	.text = "It ends with the terminal it was started from, unless detached.",
	.opts = options,
	.complete = "sandbox",
	.max_operands = 1,
	.takes_rest = CMD_REST_NEEDED,
	.run = run_exec,
};

const struct command cmd_shell = {
	.name = "shell",
	.usage = "[NAME]",
	.summary = "Open your shell in a sandbox, starting it if need be",
	.complete = "sandbox",
	.max_operands = 1,
	.run = run_shell,
};
