/*
 * The table of settings: everything that Bailey can be told, once. Reading files and
 * command lines, `config show`, `config schema`, completion and the manual are all
 * loops over it. Adding a setting is one row here and a field in struct conf.
 */
#ifndef BAILEY_CONF_SETTINGS_H
#define BAILEY_CONF_SETTINGS_H

#include "conf.h"

enum setting_type {
	SETTING_BOOL,	  /* bool */
	SETTING_ENUM,	  /* an enum of its own, as unsigned */
	SETTING_STRING,	  /* char *, NULL when unset */
	SETTING_SIZE,	  /* uint64_t, bytes */
	SETTING_MILLI,	  /* uint64_t, thousandths */
	SETTING_COUNT,	  /* uint64_t */
	SETTING_DURATION, /* uint64_t, seconds */
	SETTING_STRINGS,  /* struct strvec: later layers append */
	SETTING_PORTS,	  /* network.host_ports: later layers append */
	/* Blocks with names of the user's; a later layer changes the block of the same name. */
	SETTING_MOUNT, /* a field of [mounts.NAME] */
	SETTING_AGENT, /* a field of [agents.NAME] */
	SETTING_ENV,   /* a variable of [env] */
};

/* When a project's file that changes the setting needs approval. */
enum setting_widen {
	WIDEN_NEVER,
	WIDEN_RANK,   /* ranks[new] > ranks[old] */
	WIDEN_TRUE,   /* from false to true */
	WIDEN_FALSE,  /* from true to false */
	WIDEN_MORE,   /* a greater number; 0 is none, the greatest of all */
	WIDEN_CHANGE, /* any change */
	WIDEN_ITEMS,  /* any new item */
};

struct setting {
	const char *key; /* "limits.memory"; NAME stands for a name of the user's */
	enum setting_type type;
	size_t offset;		  /* in struct conf */
	const char *const *names; /* of an enum, NULL-terminated */
	const char *dflt;	  /* as text; NULL: unset, empty */
	uint64_t min, max;	  /* of numbers; 0 is always allowed where zero_is is set */
	const char *zero_is;	  /* what 0 means, or NULL */
	const char *option;	  /* "--memory", or NULL */
	enum setting_widen widen;
	const unsigned char *ranks;
	/* Further rules on one string: NULL when good, or what it should be. */
	const char *(*check)(const char *text);
	const char *help;
};

extern const struct setting settings[];
extern const size_t settings_n;

/* The row of key, or NULL. Rows of named blocks are found by their NAME form only. */
const struct setting *setting_find(const char *key);
/* Whether some key starts with "block.". */
bool setting_is_block(const char *block);

/*
 * Sets (or, for lists, appends) what text says. 0, or -EINVAL and *why, a new string,
 * which completes "KEY: ". Not for the types of named blocks.
 */
int setting_set(const struct setting *s, struct conf *conf, const char *text, char **why)
	MUST_CHECK;
/* The value as TOML ("\"2G\"", "true", "[1, 2]"), or NULL when unset. Not for named blocks. */
char *setting_show(const struct setting *s, const struct conf *conf) MUST_CHECK;
/* A string as a TOML basic string. */
char *setting_quote(const char *text) MUST_CHECK;

/* Rules that others need too. */
const char *setting_check_env_name(const char *name);
const char *setting_check_agent(const char *name);

/* The words between commas: for messages and help. */
char *setting_names(const struct setting *s, const char *separator) MUST_CHECK;
/* The JSON schema of bailey.toml is made by cli/; it needs the kind of value as words. */
const char *setting_type_words(const struct setting *s);

#endif
