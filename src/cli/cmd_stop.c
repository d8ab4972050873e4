/* bailey stop, rm, prune, new: the rest of a sandbox's life. */
#include "agents.h"
#include "cli.h"
#include "review.h"
#include "start.h"
#include "where.h"

#include "base/log.h"
#include "session/client.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <time.h>

static uint64_t opt_grace = 5;
static bool opt_yes, opt_all;

static const struct opt stop_options[] = {
	OPT_NUMBER('t', "time", &opt_grace, "SECONDS",
		"Let sessions end by themselves for so long (5)"),
	OPT_DONE,
};

static const struct opt rm_options[] = {
	OPT_FLAG('y', "yes", &opt_yes, "Do not ask, also when staged changes would be lost"),
	OPT_DONE,
};

static const struct opt prune_options[] = {
	OPT_FLAG('a', "all", &opt_all, "Of all projects"),
	OPT_FLAG('y', "yes", &opt_yes, "Also those with staged changes, without asking"),
	OPT_DONE,
};

/* 0 when nothing of it runs afterwards. */
static int stop(const struct state *state)
{
	struct timespec wait = {.tv_nsec = 2 * 1000 * 1000};
	struct err *err = NULL;
	AUTO_FD int conn = state_connect(state);

	if (conn >= 0 && client_stop(conn, (uint32_t)opt_grace, &err) < 0)
		return cli_fail(err);
	/* A supervisor that was ending by itself takes the connection's place. */
	for (int tries = 0; tries < 5000 && state_running(state); tries++)
		nanosleep(&wait, NULL);
	if (!state_running(state)) {
		cli_agent_collect(state, CONF_CREDENTIALS_BAILEY);
		return 0;
	}
	log_error("'%s' does not stop: its supervisor does not answer", state->name);
	return EXIT_FAILED;
}

static int run_stop(struct cli *cli, struct cmd_args *args)
{
	AUTO_STATE struct state *state = NULL;
	int status;

	(void)cli;
	if (opt_grace > 3600)
		return cli_usage("stop", "--time is at most 3600 seconds");
	status = cli_find(args->operands.n ? args->operands.v[0] : NULL, &state);
	if (status)
		return status;
	if (!state_running(state)) {
		log_note("'%s' is not running", state->name);
		return 0;
	}
	return stop(state);
}

static int remove_sandbox(struct state *state)
{
	struct err *err = NULL;
	int r;

	if (state_running(state) && stop(state) != 0)
		return EXIT_FAILED;
	/* A session may have ended while nobody was there to do this. */
	cli_agent_collect(state, CONF_CREDENTIALS_BAILEY);
	r = state_lock(state);
	if (r == 0)
		r = state_remove(state, &err);
	else
		err_set(&err, r, "lock '%s'", state->name);
	return r < 0 ? cli_fail(err) : 0;
}

static int run_rm(struct cli *cli, struct cmd_args *args)
{
	AUTO_STATE struct state *state = NULL;
	int status = cli_find(args->operands.n ? args->operands.v[0] : NULL, &state);

	(void)cli;
	if (status)
		return status;
	if (!opt_yes && review_has_changes(state)) {
		AUTO_FREE char *question = xasprintf(
			"remove '%s' with its staged changes ('bailey diff %s' shows them)?",
			state->name, state->name);

		if (!cli_confirm(question))
			return EXIT_FAILED;
	}
	return remove_sandbox(state);
}

static int run_prune(struct cli *cli, struct cmd_args *args)
{
	AUTO_FREE char *project = opt_all ? NULL : cli_project();
	struct state **list;
	struct err *err = NULL;
	size_t n, removed = 0, kept = 0;
	int status = 0;

	(void)cli;
	(void)args;
	if (!opt_all && !project)
		return EXIT_FAILED;
	state_sweep(0);
	if (state_list(project, &list, &n, &err) < 0)
		return cli_fail(err);
	for (size_t i = 0; i < n; i++) {
		if (state_running(list[i]))
			continue;
		if (review_has_changes(list[i]) && !opt_yes) {
			kept++;
			continue;
		}
		if (remove_sandbox(list[i]) == 0)
			removed++;
		else
			status = EXIT_FAILED;
	}
	log_note("%zu removed", removed);
	if (kept)
		log_note("%zu kept because they have staged changes ('--yes' removes them too)",
			kept);
	state_list_free(list, n);
	return status;
}

static int run_new(struct cli *cli, struct cmd_args *args)
{
	AUTO_PLAN struct plan plan = {0};
	int status = cli_plan(cli, &run_opts, "new", args->operands.v[0], false, &plan);

	if (status)
		return status;
	if (run_opts.dry_run)
		return cli_plan_print(&plan, run_opts.json);
	return cli_create(cli, &plan);
}

const struct command cmd_new = {
	.name = "new",
	.usage = "NAME [OPTIONS]",
	.summary = "Make a sandbox without starting anything in it",
	.text = "The options hold whenever it starts; what they leave open is settled by the "
		"settings of that time.",
	.run_opts = true,
	.min_operands = 1,
	.max_operands = 1,
	.run = run_new,
};

const struct command cmd_stop = {
	.name = "stop",
	.usage = "[NAME]",
	.summary = "End everything that runs in a sandbox; its files are kept",
	.opts = stop_options,
	.complete = "sandbox",
	.max_operands = 1,
	.run = run_stop,
};

const struct command cmd_rm = {
	.name = "rm",
	.usage = "[NAME]",
	.summary = "Remove a sandbox and all that is recorded of it",
	.opts = rm_options,
	.complete = "sandbox",
	.max_operands = 1,
	.run = run_rm,
};

const struct command cmd_prune = {
	.name = "prune",
	.usage = "",
	.summary = "Remove stopped sandboxes that have nothing staged, and leftovers of crashes",
	.opts = prune_options,
	.run = run_prune,
};
