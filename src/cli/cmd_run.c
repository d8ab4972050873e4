/* bailey run: one command in a sandbox of its own. */
#include "cli.h"
#include "start.h"

#include "base/log.h"
#include "session/proto.h"

static const char *opt_name;
static bool opt_keep;

static const struct opt options[] = {
	OPT_STRING('n', "name", &opt_name, "NAME", "Name of the sandbox", NULL),
	OPT_FLAG('k', "keep", &opt_keep, "Keep the sandbox and what it changed"),
	OPT_DONE,
};

static int run(struct cli *cli, struct cmd_args *args)
{
	AUTO_PLAN struct plan plan = {0};
	bool ephemeral = !opt_keep && !run_opts.detach;
	struct start start = {.plan = &plan, .argv = &args->rest, .flags = SUP_MAIN | SUP_HANGUP};
	int status = cli_plan(cli, &run_opts, "run", opt_name, ephemeral, &plan);

	if (status)
		return status;
	if (run_opts.dry_run)
		return cli_plan_print(&plan, run_opts.json);
	if (run_opts.detach)
		start.flags = SUP_MAIN | SUP_DETACH;
	status = cli_start(cli, &start);
	if (opt_keep || run_opts.detach)
		log_note("kept as '%s' (bailey diff %s)", plan.policy->name, plan.policy->name);
	return status;
}

const struct command cmd_run = {
	.name = "run",
	.usage = "[OPTIONS] -- CMD [ARGS]",
	.summary = "Run one command in a sandbox of its own",
	.text = "The sandbox is removed afterwards, with what the command changed in the project, "
		"unless --keep is given. "
		"The exit status is the command's own: 128+n when signal n ended it, 125 when "
		"Bailey failed, 126 when the command cannot be "
		"executed, 127 when it is not found.",
	.opts = options,
	.run_opts = true,
	.takes_rest = CMD_REST_NEEDED,
	.run = run,
	.group = "Sandboxes",
};
