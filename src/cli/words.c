#include "commands.h"

const struct command *cli_agent_command(const char *name UNUSED)
{
	return NULL;
}

void cli_agent_words(struct strvec *ret UNUSED)
{
}

void cli_sandbox_words(struct strvec *ret UNUSED)
{
}

void cli_class_words(struct strvec *ret UNUSED)
{
}
