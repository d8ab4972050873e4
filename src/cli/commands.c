#include "commands.h"

#include "base/log.h"
#include "policy/policy.h"
#include "run_opts.h"

/* One record per command, in the order of `bailey help`. */
#define COMMANDS                                                                                   \
	X(up)                                                                                      \
	X(run)                                                                                     \
	X(exec)                                                                                    \
	X(shell)                                                                                   \
	X(attach)                                                                                  \
	X(logs)                                                                                    \
	X(cp)                                                                                      \
	X(ls)                                                                                      \
	X(status)                                                                                  \
	X(new)                                                                                     \
	X(stop)                                                                                    \
	X(rm)                                                                                      \
	X(prune)                                                                                   \
	X(diff)                                                                                    \
	X(apply)                                                                                   \
	X(discard)                                                                                 \
	X(config)                                                                                  \
	X(explain)                                                                                 \
	X(completion)                                                                              \
	X(help)                                                                                    \
	X(version)

#define X(name) extern const struct command cmd_##name;
COMMANDS
#undef X

#define X(name) &cmd_##name,
const struct command *const cli_commands[] = {COMMANDS NULL};
#undef X

const struct command *cli_find_command(const char *name)
{
	for (size_t i = 0; cli_commands[i]; i++)
		if (str_eq(cli_commands[i]->name, name))
			return cli_commands[i];
	return NULL;
}

size_t cli_tables(const struct command *cmd, const struct opt *ret[CLI_TABLES])
{
	size_t n = 0;

	if (cmd && cmd->opts)
		ret[n++] = cmd->opts;
	if (cmd && cmd->run_opts)
		ret[n++] = run_opts_table;
	ret[n++] = cli_global_opts;
	return n;
}

int cli_unknown_command(const char *name)
{
	AUTO_FREE char *quoted = opt_quote(name);
	AUTO_STRVEC struct strvec names = {0};
	const char *near;

	for (size_t i = 0; cli_commands[i]; i++)
		if (!cli_commands[i]->hidden)
			strvec_push(&names, cli_commands[i]->name);
	cli_agent_words(&names);
	near = str_nearest(name, (const char *const *)strvec_argv(&names), names.n);
	if (near)
		log_error("unknown command %s (did you mean '%s'?)", quoted, near);
	else
		log_error("unknown command %s (see 'bailey --help')", quoted);
	return EXIT_USAGE;
}

static void help_all(FILE *out)
{
	fputs("Usage: bailey [GLOBAL OPTIONS] COMMAND [OPTIONS] [OPERANDS]\n"
	      "       bailey AGENT [NAME] [OPTIONS] [-- AGENT-ARGS]\n"
	      "\n"
	      "Runs coding agents unattended, inside walls that hold.\n",
		out);
	for (size_t i = 0; cli_commands[i]; i++) {
		const struct command *c = cli_commands[i];

		if (c->hidden)
			continue;
		if (c->group || i == 0)
			fprintf(out, "\n%s:\n", c->group ? c->group : "Commands");
		fprintf(out, "  %-12s", c->name);
		opt_wrap(out, c->summary, 15, 14, 79);
	}
	fputs("\nGlobal options:\n", out);
	opt_help((const struct opt *const[]){cli_global_opts + 1}, 1, out);
	fputs("\n'bailey COMMAND --help' explains a command.\n", out);
}

void cli_help(const struct command *cmd, FILE *out)
{
	const struct opt *tables[CLI_TABLES];
	size_t n = cli_tables(cmd, tables);

	if (!cmd) {
		help_all(out);
		return;
	}
	fprintf(out, "Usage: bailey %s", cmd->name);
	opt_wrap(out, cmd->usage, 8, 14 + strlen(cmd->name), 79);
	fputc('\n', out);
	opt_wrap(out, cmd->summary, 0, 0, 79);
	if (cmd->text) {
		fputc('\n', out);
		opt_wrap(out, cmd->text, 0, 0, 79);
	}
	if (cmd->opts && cmd->opts[0].type != OPT_GROUP_)
		fputs("\nOptions:\n", out);
	opt_help(tables, n, out);
}

static int check_operands(const struct command *cmd, const struct cmd_args *args)
{
	size_t n = args->operands.n;
	AUTO_FREE char *quoted = NULL;

	if (n > cmd->max_operands) {
		quoted = opt_quote(args->operands.v[cmd->max_operands]);
		return cli_usage(cmd->name, "too many operands for '%s': %s%s", cmd->name, quoted,
			cmd->takes_rest != CMD_REST_NONE && !args->has_rest
				? "; the command to run goes after '--'"
				: "");
	}
	if (args->has_rest && cmd->takes_rest == CMD_REST_NONE)
		return cli_usage(cmd->name, "'%s' takes nothing after '--'", cmd->name);
	if (cmd->takes_rest == CMD_REST_NEEDED && !args->rest.n)
		return cli_usage(cmd->name, "'%s' needs a command after '--'", cmd->name);
	if (n < cmd->min_operands)
		return cli_usage(cmd->name, "missing operand: bailey %s %s", cmd->name, cmd->usage);
	return 0;
}

/* Names of sandboxes are judged here, before anything looks for them or shows them. */
static int check_names(const struct command *cmd, const struct cmd_args *args)
{
	if (!cmd->complete || !str_eq(cmd->complete, "sandbox"))
		return 0;
	for (size_t i = 0; i < args->operands.n; i++) {
		const char *want = policy_check_name(args->operands.v[i]);
		AUTO_FREE char *quoted = want ? opt_quote(args->operands.v[i]) : NULL;

		if (want)
			return cli_usage(
				cmd->name, "%s cannot name a sandbox: a name is %s", quoted, want);
	}
	return 0;
}

int cli_dispatch(struct cli *cli, int argc, char **argv)
{
	const struct command *cmd = cli_find_command(argv[0]);
	const struct opt *tables[CLI_TABLES];
	struct opt_result parsed = {0};
	struct cmd_args args;
	struct err *err = NULL;
	size_t n;
	int r;

	if (!cmd)
		cmd = cli_agent_command(argv[0]);
	if (!cmd)
		return cli_unknown_command(argv[0]);
	n = cli_tables(cmd, tables);
	r = opt_parse(tables, n, argc - 1, argv + 1, false, &parsed, &err);
	args = (struct cmd_args){
		.operands = parsed.operands, .rest = parsed.rest, .has_rest = parsed.has_rest};
	if (r < 0) {
		r = cli_usage_err(cmd->name, err);
	} else {
		r = cli_globals(cli);
		if (r == 0 && cli->help)
			cli_help(cmd, stdout);
		else if (r == 0)
			r = check_operands(cmd, &args);
		if (r == 0 && !cli->help)
			r = check_names(cmd, &args);
		if (r == 0 && !cli->help && cmd->run_opts)
			r = run_opts_check(&run_opts, cmd->name);
		if (r == 0 && !cli->help)
			r = cmd->run(cli, &args);
	}
	strvec_done(&args.operands);
	strvec_done(&args.rest);
	return r;
}
