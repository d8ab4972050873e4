/* bailey ls, bailey status: what there is, and what it does. */
#include "cli.h"
#include "where.h"

#include "session/client.h"

#include <jansson.h>

static bool opt_all, opt_json;

static const struct opt ls_options[] = {
	OPT_FLAG('a', "all", &opt_all, "Sandboxes of all projects"),
	OPT_FLAG(0, "json", &opt_json, "As JSON"),
	OPT_DONE,
};

static const struct opt status_options[] = {
	OPT_FLAG(0, "json", &opt_json, "As JSON"),
	OPT_DONE,
};

static json_t *sessions_of(const struct state *s)
{
	AUTO_FD int conn = state_connect(s);
	AUTO_FREE char *text = NULL;
	json_t *list = NULL;

	if (conn >= 0 && client_list(conn, &text, NULL) == 0)
		list = json_loads(text, 0, NULL);
	return list ? list : json_array();
}

static json_t *describe(const struct state *s)
{
	static const char *const workspaces[] = {[CONF_WORKSPACE_AUTO] = "auto",
		[CONF_WORKSPACE_STAGED] = "staged",
		[CONF_WORKSPACE_WORKTREE] = "worktree",
		[CONF_WORKSPACE_CLONE] = "clone",
		[CONF_WORKSPACE_DIRECT] = "direct"};
	bool running = state_running(s);
	unsigned w = s->workspace < ARRAY_SIZE(workspaces) ? s->workspace : 0;

	return json_pack("{s:s s:s s:s s:s? s:b s:s s:I s:o}", "name", s->name, "project",
		s->project, "state", running ? "running" : "stopped", "agent", s->agent, "one_shot",
		s->ephemeral, "workspace", workspaces[w], "created", (json_int_t)s->since.tv_sec,
		"sessions", running ? sessions_of(s) : json_array());
}

static void print_json(json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(2));

	puts(text ? text : "null");
	free(text);
	json_decref(value);
}

static char *age(time_t since)
{
	long long s = (long long)(time(NULL) - since);

	if (s < 120)
		return xasprintf("%llds", s < 0 ? 0 : s);
	if (s < 7200)
		return xasprintf("%lldm", s / 60);
	return s < 172800 ? xasprintf("%lldh", s / 3600) : xasprintf("%lldd", s / 86400);
}

static int run_ls(struct cli *cli, struct cmd_args *args)
{
	AUTO_FREE char *project = opt_all ? NULL : cli_project();
	struct state **list;
	struct err *err = NULL;
	json_t *all = json_array();
	size_t n;

	(void)args;
	if (!opt_all && !project)
		return EXIT_FAILED;
	state_sweep(0);
	if (state_list(project, &list, &n, &err) < 0)
		return cli_fail(err);
	if (!opt_json && n == 0)
		printf("no sandboxes%s\n",
			opt_all ? "" : " of this project ('--all' shows the others)");
	else if (!opt_json)
		printf("%-20s %-8s %-9s %-10s %5s  %s\n", "NAME", "STATE", "AGENT", "WORKSPACE",
			"AGE", "PROJECT");
	for (size_t i = 0; i < n; i++) {
		json_t *d = describe(list[i]);
		AUTO_FREE char *where = str_escape0(list[i]->project);
		AUTO_FREE char *old = age(list[i]->since.tv_sec);
		bool running =
			d && str_eq(json_string_value(json_object_get(d, "state")), "running");

		if (!d)
			continue;
		if (opt_json) {
			json_array_append_new(all, d);
			continue;
		}
		printf("%-20s %s%-8s%s %-9s %-10s %5s  %s\n", list[i]->name,
			cli->color_out && running ? "\033[32m" : "",
			running ? "running" : "stopped", cli->color_out && running ? "\033[0m" : "",
			list[i]->agent ? list[i]->agent : "-",
			json_string_value(json_object_get(d, "workspace")), old, where);
		json_decref(d);
	}
	if (opt_json)
		print_json(all);
	else
		json_decref(all);
	state_list_free(list, n);
	return 0;
}

static void print_session(json_t *x)
{
	AUTO_FREE char *command = str_escape0(json_string_value(json_object_get(x, "command")));
	AUTO_FREE char *old = age((time_t)json_integer_value(json_object_get(x, "started")));
	json_int_t clients = json_integer_value(json_object_get(x, "clients"));

	printf("  session %lld: %s (%s%s, %lld attached, %s)\n",
		(long long)json_integer_value(json_object_get(x, "session")), command,
		json_is_true(json_object_get(x, "stopped")) ? "stopped, " : "",
		json_is_true(json_object_get(x, "terminal")) ? "terminal" : "pipes",
		(long long)clients, old);
}

static int run_status(struct cli *cli, struct cmd_args *args)
{
	AUTO_STATE struct state *state = NULL;
	AUTO_FREE char *where = NULL;
	json_t *d, *x;
	size_t i;
	int status = cli_find(args->operands.n ? args->operands.v[0] : NULL, &state);

	(void)cli;
	if (status)
		return status;
	d = describe(state);
	if (opt_json) {
		print_json(d);
		return 0;
	}
	where = str_escape0(state->project);
	printf("%s: %s, %s workspace of %s%s%s\n", state->name,
		json_string_value(json_object_get(d, "state")),
		json_string_value(json_object_get(d, "workspace")), where,
		state->agent ? ", agent " : "", state->agent ? state->agent : "");
	json_array_foreach(json_object_get(d, "sessions"), i, x) print_session(x);
	json_decref(d);
	return 0;
}

const struct command cmd_ls = {
	.name = "ls",
	.usage = "[--all]",
	.summary = "List sandboxes",
	.opts = ls_options,
	.run = run_ls,
};

const struct command cmd_status = {
	.name = "status",
	.usage = "[NAME]",
	.summary = "Show a sandbox and its sessions",
	.opts = status_options,
	.complete = "sandbox",
	.max_operands = 1,
	.run = run_status,
};
