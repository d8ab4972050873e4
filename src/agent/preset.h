/*
 * Agent presets: what Bailey knows of one coding agent, as data. Shipped ones are
 * DATA/agents/NAME.toml; the user's CONFIG/agents/NAME.toml changes single keys of
 * the shipped one of that name, or of the one that it `extends`, or stands alone.
 * A project never defines presets. Every complaint names file, line and column.
 *
 * Strings may hold ${home}, ${project}, ${uid} (all of the inside) and ${env.NAME}
 * (of the session's environment); preset_expand() puts them in.
 */
#ifndef BAILEY_AGENT_PRESET_H
#define BAILEY_AGENT_PRESET_H

#include "base/err.h"
#include "base/strvec.h"

#include <sys/types.h>

enum preset_format { PRESET_TEXT, PRESET_JSON, PRESET_TOML };

/* A file that the agent's home must have. */
struct preset_file {
	char *path; /* relative to the home */
	char *content;
	enum preset_format format; /* how values are quoted when they are put in */
	bool merge;		   /* JSON: what is missing or different is set, all else stays */
	char *when_env;		   /* only when the session has this variable; or NULL */
	mode_t mode;
};

/* A login that the agent keeps in a file. */
struct preset_credential {
	char *path; /* relative to the home */
	struct strvec
		keys; /* a JSON object with at least one of these; none: any object of objects */
};

/* What the inside sees in place of a secret that the gateway puts in. */
struct preset_placeholder {
	char *env, *value, *header;
	struct strvec hosts;
};

struct preset {
	char *name, *summary;
	char *program;		     /* looked for in the caller's PATH; absolute: that one */
	char *install;		     /* the command that installs it, for a hint */
	struct strvec args;	     /* always; switch permission prompts off */
	struct strvec headless;	     /* ${prompt} is the task */
	struct strvec resume;	     /* continue the last conversation */
	struct strvec env, env_root; /* NAME=VALUE; the latter when root inside */
	struct strvec seed;	     /* paths relative to the home */
	struct strvec api_keys;	     /* variables that hold a key */
	struct strvec hosts;
	char *note; /* the instructions file that it reads, relative to the home; or NULL */
	struct preset_file *files;
	size_t n_files, cap_files;
	struct preset_credential *credentials;
	size_t n_credentials, cap_credentials;
	struct preset_placeholder *placeholders;
	size_t n_placeholders, cap_placeholders;
};

/* A preset's name: lower-case letters, digits and dashes, at most 32. */
bool preset_name_valid(const char *name);

/* data, config: see agent_places. -ENOENT with the nearest name when there is none. */
int preset_load(const char *data, const char *config, const char *name, struct preset **ret,
	struct err **err) MUST_CHECK;
void preset_list(const char *data, const char *config, struct strvec *ret);
void preset_free(struct preset *p);
DEFINE_AUTO(struct preset *, preset_free)
#define AUTO_PRESET CLEANUP(preset_freep)

struct preset_values {
	const char *home, *project, *uid, *prompt, *ports, *work; /* NULL: not to be used here */
	const struct strvec *env;
};
/*
 * Puts the values in, quoted for the format. -EINVAL: a value cannot be written in it
 * (not UTF-8), or the name is unknown; "$" not followed by "{" is itself.
 */
int preset_expand(const char *text, enum preset_format format, const struct preset_values *values,
	char **ret, struct err **err) MUST_CHECK;

#endif
