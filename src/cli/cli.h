/*
 * The commands: one file each (cmd_NAME.c), one record each, one table (commands.c).
 * Only this directory prints for people and holds globals (opt_ statics).
 */
#ifndef BAILEY_CLI_CLI_H
#define BAILEY_CLI_CLI_H

#include "conf/conf.h"
#include "conf/opt.h"

/* 0..124 are a command's own. */
enum exit_status {
	EXIT_USAGE = 2,
	EXIT_FAILED = 125,
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127
};

struct cli {
	const char *directory; /* -C, or NULL */
	bool quiet, verbose;
	const char *color;	   /* auto, always, never */
	bool color_out, color_err; /* decided */
	bool help, version;
};

struct cmd_args {
	struct strvec operands;
	struct strvec rest; /* after -- */
	bool has_rest;
};

struct command {
	const char *name;
	const char *usage;	/* after "bailey NAME ": "[NAME] -- CMD [ARGS]" */
	const char *summary;	/* one line */
	const char *text;	/* more, for --help and the manual; NULL */
	const struct opt *opts; /* own */
	bool run_opts;		/* also takes the options of everything that starts something */
	/* Operands, as in struct opt; several kinds in order, with a space between; or NULL. */
	const char *complete;
	int (*run)(struct cli *cli, struct cmd_args *args); /* exit status */
	bool hidden;
	const char *group; /* heading in `bailey help`; NULL: that of the command before */
	/* Operand counts that the dispatcher checks: 0 means none, CMD_ANY no limit. */
	unsigned min_operands, max_operands;
	enum { CMD_REST_NONE, CMD_REST_OPTIONAL, CMD_REST_NEEDED } takes_rest; /* "-- ARGS" */
};
#define CMD_ANY 1024u

/* Wrong usage: "bailey: text (see 'bailey NAME --help')"; returns EXIT_USAGE. */
int cli_usage(const char *command, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same for a story that is wrong usage. Takes ownership. */
int cli_usage_err(const char *command, struct err *err);
/* The same for wrong settings, which say themselves where to look: EXIT_USAGE. */
int cli_wrong(struct err *err);
/* Prints the error once; returns EXIT_FAILED. Takes ownership. */
int cli_fail(struct err *err);

#endif
