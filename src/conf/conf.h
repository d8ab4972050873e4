/*
 * Settings: one table (settings.c) of key, option, type, range, default, text and
 * who may set it. The TOML reader, the command line, validation, `config show
 * --origin`, completion and the manual all come from that table.
 *
 * Layers, later wins: built-in, /etc/bailey/config.toml (may lock keys),
 * $XDG_CONFIG_HOME/bailey/config.toml, bailey.toml (found upward from the
 * project), bailey.local.toml, the command line. A project's file (the two
 * bailey*.toml) may only tighten: a value in it that widens counts only after
 * approval, remembered by the hash of the file's content (trust.h).
 */
#ifndef BAILEY_CONF_CONF_H
#define BAILEY_CONF_CONF_H

#include "base/err.h"
#include "base/strvec.h"

enum conf_isolation {
	CONF_ISOLATION_AUTO,
	CONF_ISOLATION_CONTAINER,
	CONF_ISOLATION_VM,
	CONF_ISOLATION_JAIL
};
enum conf_workspace {
	CONF_WORKSPACE_AUTO,
	CONF_WORKSPACE_STAGED,
	CONF_WORKSPACE_WORKTREE,
	CONF_WORKSPACE_CLONE,
	CONF_WORKSPACE_DIRECT
};
enum conf_ids { CONF_IDS_SINGLE, CONF_IDS_RANGE };
/* zero is the safe choice */
enum conf_net {
	CONF_NET_NONE,
	CONF_NET_DENY,
	CONF_NET_BALANCED,
	CONF_NET_ASK,
	CONF_NET_ALLOW,
	CONF_NET_RECORD
};
enum conf_credentials { CONF_CREDENTIALS_BAILEY, CONF_CREDENTIALS_HOST, CONF_CREDENTIALS_NONE };
enum conf_missing { CONF_MISSING_ERROR, CONF_MISSING_SKIP };

struct conf_port {
	uint16_t guest, host;
};

struct conf_mount {
	char *name; /* [mounts.NAME]; "--mount 1" from the command line */
	char *src;  /* absolute, clean */
	char *dst;  /* absolute, clean */
	bool writable;
	enum conf_missing missing;
	bool enabled; /* always true after conf_load */
	char *origin; /* "bailey.toml:3:1", "--mount" */
};

struct conf {
	enum conf_isolation isolation;
	enum conf_workspace workspace;
	enum conf_ids ids;
	char *image;   /* "host" */
	char *user;    /* NULL: the caller; "root"; a name or number inside */
	char *workdir; /* NULL: the project, or the current directory inside it */
	char *agent;   /* default agent, NULL */
	bool seed;
	enum conf_credentials credentials;
	char *detach_keys; /* "ctrl-p,ctrl-q" */
	bool filter;	   /* filter escape sequences in attended sessions */
	struct {
		enum conf_net policy;
		struct conf_port *host_ports;
		size_t n_host_ports;
		struct strvec allow, deny;
	} network;
	struct conf_mount *mounts;
	size_t n_mounts;
	struct strvec mask; /* absolute or project-relative paths */
	struct strvec env;  /* NAME=VALUE, expanded */
	struct {
		uint64_t memory, cpus_milli, pids, files, tmp, timeout;
	} limits; /* 0: none */
	struct strvec allow_degraded;
	/* arguments to put before the user's, per agent: "[agents.claude] args = [..]" */
	struct {
		char *agent;
		struct strvec args;
		bool enabled; /* always true after conf_load */
	} * agent_args;
	size_t n_agent_args;
};

/* What conf_load needs to know of the caller. */
struct conf_load_args {
	const char *project; /* absolute directory of the project */
	const char *cwd;     /* for relative paths of the command line; NULL: project */
	const char *home;    /* of the user, for ~ */
	const char *const
		*cli; /* "key=value" settings of the command line, in order; NULL-terminated */
	char *const *environ; /* for ${VAR:-default} and -e NAME */
	/*
	 * Asks the user whether a project's file may widen: file is its name, escaped;
	 * clauses say what it widens, each escaped. NULL: nobody can be asked, and an
	 * unapproved file is an error.
	 */
	bool (*approve)(void *ctx, const char *file, const struct strvec *clauses);
	void *approve_ctx;
	const char *etc; /* NULL: BAILEY_ETC. For tests: no environment can set it. */
	bool no_project; /* pass over the files of the project */
	bool no_trust;	 /* take the project's files without approval, to look at, never to run */
};

struct conf_origins; /* key -> where its value came from */

/* Caps on what a file or command line may list. */
#define CONF_LIST_MAX 1024
#define CONF_STRING_MAX (128 * 1024)

/*
 * 0, or -errno with *err: -EINVAL is a wrong setting (exit status 2), -EACCES a
 * project's file without approval, others are trouble with files.
 */
int conf_load(const struct conf_load_args *args, struct conf **ret,
	struct conf_origins **ret_origins, struct err **err) MUST_CHECK;
/*
 * "built-in", "bailey.toml:3:1", "--memory"; several joined by ", " for lists. key may
 * also be "mounts.NAME", "env.NAME" or "agents.NAME.args". NULL: never set.
 */
const char *conf_origin(const struct conf_origins *o, const char *key);
void conf_origins_free(struct conf_origins *o);
void conf_free(struct conf *c);
DEFINE_AUTO(struct conf *, conf_free)
DEFINE_AUTO(struct conf_origins *, conf_origins_free)
#define AUTO_CONF CLEANUP(conf_freep)
#define AUTO_ORIGINS CLEANUP(conf_origins_freep)

/*
 * Reads one file as if it were the layer of the user, or of the project when it is
 * called bailey.toml or bailey.local.toml: all checks, no approval. For `config check`.
 */
int conf_check_file(const struct conf_load_args *args, const char *path, struct err **err)
	MUST_CHECK;

/* The files that are read, in order, whether they exist or not. */
struct conf_file {
	char *path;
	const char *what; /* "administrator", "user", "project", "project, yours" */
	bool project;
};
/* Appends at most CONF_FILES; returns how many. Free each path. */
#define CONF_FILES 4
size_t conf_files(const struct conf_load_args *args, struct conf_file ret[CONF_FILES]);

#endif
