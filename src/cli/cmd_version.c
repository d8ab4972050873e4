#include "commands.h"

static int run_version(struct cli *cli UNUSED, struct cmd_args *args UNUSED)
{
	puts("bailey " BAILEY_VERSION);
	return 0;
}

const struct command cmd_version = {
	.name = "version",
	.usage = "",
	.summary = "Print the version",
	.run = run_version,
};
