/* Finding the sandbox that a command means. */
#ifndef BAILEY_CLI_WHERE_H
#define BAILEY_CLI_WHERE_H

#include "cli.h"
#include "session/state.h"

/*
 * The sandbox called name of this project, or without a name the only one of it.
 * 0, or an exit status after having said why.
 */
int cli_find(const char *name, struct state **ret);
/* A connection to its supervisor, or -1 after having said that it is not running. */
int cli_connect(const struct state *state);
/* The project of the current directory; NULL after having said why not. */
char *cli_project(void);
/* "y" on the terminal; without a terminal no, after saying that --yes is needed. */
bool cli_confirm(const char *question);

#endif
