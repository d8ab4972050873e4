/*
 * The options of everything that starts something (`run`, `up`, `explain`, an
 * agent's name, ...). They only collect settings: what they mean is the settings
 * table's business, so the command line and the files cannot drift apart.
 *
 * A command with .run_opts = true finds them parsed and checked in `run_opts` when
 * its run() is called; it hands them to cli_plan (plan.h).
 */
#ifndef BAILEY_CLI_RUN_OPTS_H
#define BAILEY_CLI_RUN_OPTS_H

#include "cli.h"

struct run_opts {
	struct strvec settings; /* "key=value", in order; for conf_load */
	struct strvec publish, secrets;
	bool detach;
	bool dry_run; /* print the plan and start nothing */
	bool json;    /* the plan as JSON */
	bool assure;
};

extern struct run_opts run_opts;
extern const struct opt run_opts_table[];

/* 0, or EXIT_USAGE or EXIT_FAILED after saying which options contradict each other. */
int run_opts_check(const struct run_opts *opts, const char *command);
/* The last value that the command line gives to a setting, or NULL. */
const char *run_opts_setting(const struct run_opts *opts, const char *key);

#endif
