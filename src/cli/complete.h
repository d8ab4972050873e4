/*
 * Completion, from the same tables as everything else. The scripts that
 * `bailey completion SHELL` prints ask `bailey --complete WORD...`: the words of
 * the line after "bailey", the last being the one at the cursor, perhaps empty.
 * The answer is lines of "WORD<tab>DESCRIPTION", or ":file" or ":dir" to have the
 * shell complete names of files.
 */
#ifndef BAILEY_CLI_COMPLETE_H
#define BAILEY_CLI_COMPLETE_H

#include "commands.h"

/* Exit status. */
int cli_complete(int argc, char **argv, FILE *out);

#endif
