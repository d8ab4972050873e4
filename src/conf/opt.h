/*
 * The command line: one table per command drives parsing, --help, completion and
 * the manual page. Options may stand before, between and after operands until
 * "--". "--name=value", "--name value", "-nvalue", "-n value", "-abc" for flags.
 * Unknown options name the nearest one. Values are not interpreted here beyond
 * their type.
 */
#ifndef BAILEY_CONF_OPT_H
#define BAILEY_CONF_OPT_H

#include "base/err.h"
#include "base/strvec.h"

enum opt_type {
	OPT_END_,
	OPT_GROUP_, /* a heading in --help */
	OPT_BOOL,   /* bool *: --name, and --no-name when negatable */
	OPT_STR,    /* const char **: the last one wins */
	OPT_STRS,   /* struct strvec *: repeatable */
	OPT_UINT,   /* uint64_t * */
	OPT_CONF,   /* struct strvec *: "key=value" is pushed for the settings table; see conf.h.
		       A flag (arg NULL) pushes "key=true", or "key=false" for --no-name. */
};

struct opt {
	enum opt_type type;
	char short_name; /* 0: none */
	const char *name;
	void *dest;
	const char *arg; /* what --help calls the value; NULL for flags */
	const char *help;
	const char
		*complete; /* for shells: "file", "dir", "sandbox", "agent", "class", or "a|b|c" */
	bool negatable;
	const char *key; /* OPT_CONF: the setting */
};

/* Gives the pointer type a check: a wrong type is "pointer type mismatch". */
#define OPT_CHECKED(p, type) ((void *)(1 ? (p) : (type)0))
#define OPT_GROUP(text)                                                                            \
	{                                                                                          \
		.type = OPT_GROUP_, .help = (text)                                                 \
	}
#define OPT_FLAG(s, n, p, h)                                                                       \
	{                                                                                          \
		.type = OPT_BOOL, .short_name = (s), .name = (n), .dest = OPT_CHECKED(p, bool *),  \
		.help = (h)                                                                        \
	}
#define OPT_STRING(s, n, p, a, h, c)                                                               \
	{                                                                                          \
		.type = OPT_STR, .short_name = (s), .name = (n),                                   \
		.dest = OPT_CHECKED(p, const char **), .arg = (a), .help = (h), .complete = (c)    \
	}
#define OPT_LIST(s, n, p, a, h, c)                                                                 \
	{                                                                                          \
		.type = OPT_STRS, .short_name = (s), .name = (n),                                  \
		.dest = OPT_CHECKED(p, struct strvec *), .arg = (a), .help = (h), .complete = (c)  \
	}
#define OPT_NUMBER(s, n, p, a, h)                                                                  \
	{                                                                                          \
		.type = OPT_UINT, .short_name = (s), .name = (n),                                  \
		.dest = OPT_CHECKED(p, uint64_t *), .arg = (a), .help = (h)                        \
	}
/* A setting (conf/settings.h) as an option. arg NULL: a flag. */
#define OPT_SETTING(s, n, p, k, a, h, c)                                                           \
	{                                                                                          \
		.type = OPT_CONF, .short_name = (s), .name = (n),                                  \
		.dest = OPT_CHECKED(p, struct strvec *), .key = (k), .arg = (a), .help = (h),      \
		.complete = (c)                                                                    \
	}
#define OPT_DONE                                                                                   \
	{                                                                                          \
		.type = OPT_END_                                                                   \
	}

/*
 * Parses argv (argv[0] is the first argument, not a program name). Operands end up
 * in *operands; everything after "--" in *rest, and *has_rest says whether "--" was
 * there. stop_at_operand: parsing stops at the first operand (global options before
 * the command). Returns how many arguments were consumed, or -errno with *err:
 * wrong usage, exit status 2.
 */
struct opt_result {
	struct strvec operands;
	struct strvec rest;
	bool has_rest;
};
int opt_parse(const struct opt *const *tables, size_t n_tables, int argc, char *const *argv,
	bool stop_at_operand, struct opt_result *ret, struct err **err) MUST_CHECK;
void opt_result_done(struct opt_result *r);
/* The OPTIONS part of --help, at most 80 columns. */
void opt_help(const struct opt *const *tables, size_t n_tables, FILE *out);
/* The option called name (without dashes; "no-x" finds a negatable x), or NULL. */
const struct opt *opt_find(
	const struct opt *const *tables, size_t n_tables, const char *name, bool *ret_negated);

/*
 * A word of the user's as an error may show it: escaped, in quotes, and cut when it
 * is long. Fit for anything from outside.
 */
char *opt_quote(const char *word) MUST_CHECK;
/* Prints text between the columns, broken at spaces, with a newline at the end. */
void opt_wrap(FILE *out, const char *text, size_t indent, size_t column, size_t width);

#endif
