/*
 * The table of commands, and how a command line becomes a call. A new command is a
 * file cmd_NAME.c with one record, and one line in commands.c.
 */
#ifndef BAILEY_CLI_COMMANDS_H
#define BAILEY_CLI_COMMANDS_H

#include "cli.h"

/* In the order of `bailey help`; NULL-terminated. */
extern const struct command *const cli_commands[];

/* The command called name, or NULL. Hidden ones too. */
const struct command *cli_find_command(const char *name);
/* The options that a command knows: own, of starting, global. Returns how many tables. */
#define CLI_TABLES 3
size_t cli_tables(const struct command *cmd, const struct opt *ret[CLI_TABLES]);
/* Global options, also accepted after the command. */
extern const struct opt cli_global_opts[];
/* --help of one command, or of all when NULL. */
void cli_help(const struct command *cmd, FILE *out);
/* Says that there is no such command, and which is near; EXIT_USAGE. */
int cli_unknown_command(const char *name);
/* Puts the global options into effect; 0 or EXIT_USAGE, said. */
int cli_globals(struct cli *cli);
/* argv[0] is the command's name. Exit status. */
int cli_dispatch(struct cli *cli, int argc, char **argv);

/*
 * Words that only the running system knows; words.c.
 */
/* The command that stands for the agent preset called name ("claude"), or NULL. Static. */
const struct command *cli_agent_command(const char *name);
/* Runs the agent; its command's options. cmd_up.c. */
int cli_run_agent(struct cli *cli, const char *agent, struct cmd_args *args);
const struct opt *cli_agent_options(void);
/* Names of agent presets, of this project's sandboxes, of classes of the exec surface. */
void cli_agent_words(struct strvec *ret);
void cli_sandbox_words(struct strvec *ret);
void cli_class_words(struct strvec *ret);

#endif
