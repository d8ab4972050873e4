/*
 * What one run may do, as plain data. Made from the settings, the project and the
 * agent (compile.c), printed by `explain` and `--dry-run` (print.c), enforced by
 * cell/. Knows nothing of mechanisms: no system call, no mount flag is in here.
 * All paths are absolute and clean. The struct owns everything in it.
 */
#ifndef BAILEY_POLICY_POLICY_H
#define BAILEY_POLICY_POLICY_H

#include "conf/conf.h"

/* The host path src appears at dst. */
struct policy_mount {
	char *src, *dst;
	bool writable;
	bool optional; /* skipped when src does not exist */
	char *why;     /* the clause: "--mount", "bailey.toml:3:1", "agent claude: program" */
};

struct policy {
	char *name;		       /* of the sandbox, as the user says it */
	char *id;		       /* unique per user: NAME-HASH */
	char *project;		       /* the directory, at the same path inside */
	enum conf_isolation isolation; /* decided: never AUTO */
	enum conf_workspace workspace; /* decided: never AUTO */
	bool ephemeral;		       /* one-shot: nothing of it is kept */
	char *hostname;
	/* identity inside */
	enum conf_ids ids;
	char *user, *home, *shell;
	uint32_t uid, gid;
	struct strvec env; /* complete */
	char *workdir;
	struct policy_mount *mounts;
	size_t n_mounts;
	struct strvec masks; /* absolute paths that appear empty */
	enum conf_net net;
	struct conf_port *host_ports;
	size_t n_host_ports;
	struct {
		uint64_t memory, cpus_milli, pids, files, tmp, timeout;
	} limits;
	struct strvec allow_degraded;
	bool filter;
	char *detach_keys;
	/* the agent, or NULL */
	char *agent;
};

/* The caller, gathered by cli/ so that compiling stays pure. */
struct policy_context {
	const char *project, *cwd;
	const char *name; /* wanted name, or NULL for a made one */
	bool ephemeral;
	uint32_t uid, gid; /* effective, on the host */
	const char *user, *home, *shell;
	/* Only TERM, COLORTERM, LANG, LC_*, TZ are taken over; XDG_*_HOME say what is ours. */
	char *const *environ;
};

/* Refuses what this version or the combination cannot do, with the reason and a hint. */
int policy_compile(const struct conf *conf, const struct policy_context *ctx, struct policy **ret,
	struct err **err) MUST_CHECK;
void policy_free(struct policy *p);
DEFINE_AUTO(struct policy *, policy_free)
#define AUTO_POLICY CLEANUP(policy_freep)

/* Appends a mount; for agents and workspaces. Strings are copied. */
void policy_add_mount(struct policy *p, const char *src, const char *dst, bool writable,
	bool optional, const char *why);

/* A name for a sandbox that has none: "run-x7k2m9" when ephemeral, else "quiet-heron". */
char *policy_make_name(bool ephemeral) MUST_CHECK;
/* NULL when name may name a sandbox, else what it should be. */
const char *policy_check_name(const char *name);
/* The id of the sandbox called name of a project. */
char *policy_make_id(const char *name, const char *project) MUST_CHECK;

/*
 * Clause by clause: what is allowed or closed, and what enforces it. enforce: those
 * of the mechanisms that not every machine has which are in force on this one:
 * "userns", "landlock", "cgroup.memory", "cgroup.cpu", "cgroup.pids". A clause that
 * nothing here enforces says so. Values of variables that look like secrets are not
 * printed.
 */
void policy_print(const struct policy *p, const struct strvec *enforce, FILE *out);
char *policy_to_json(const struct policy *p, const struct strvec *enforce) MUST_CHECK;

#endif
