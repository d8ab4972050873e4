#include "commands.h"

static int run_help(struct cli *cli UNUSED, struct cmd_args *args)
{
	const struct command *cmd = NULL;

	if (args->operands.n) {
		const char *name = args->operands.v[0];

		cmd = cli_find_command(name);
		if (!cmd)
			cmd = cli_agent_command(name);
		if (!cmd)
			return cli_unknown_command(name);
	}
	cli_help(cmd, stdout);
	return 0;
}

const struct command cmd_help = {
	.name = "help",
	.usage = "[COMMAND]",
	.summary = "Explain a command, or list them all",
	.complete = "command",
	.max_operands = 1,
	.run = run_help,
};
