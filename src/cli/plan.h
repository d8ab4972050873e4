/*
 * From a command line to a policy: which project, which settings, what may be done.
 * Shared by everything that starts something, by --dry-run and by `explain`, so what
 * is printed is what is enforced.
 */
#ifndef BAILEY_CLI_PLAN_H
#define BAILEY_CLI_PLAN_H

#include "policy/policy.h"
#include "run_opts.h"

/* The caller. Owned strings, absolute paths. */
struct caller {
	char *user, *home, *shell; /* of the account */
	char *cwd;
	uint32_t uid, gid; /* effective */
};

/* 0, or -errno. */
int caller_find(struct caller *c, struct err **err) MUST_CHECK;
void caller_done(struct caller *c);

struct plan {
	struct caller caller;
	char *project; /* absolute, clean, no symlink in it */
	struct conf *conf;
	struct conf_origins *origins;
	struct policy *policy;
	/* What the command line set, now and when the sandbox was made; but for the environment. */
	struct strvec settings;
};

/*
 * Settles who calls, and the project: the nearest directory, from the current one
 * upward, that holds .git or bailey.toml, but neither the home directory nor
 * anything above it; without one, the current directory. For commands that only
 * look a sandbox up. 0, or -errno.
 */
int plan_begin(struct plan *plan, struct err **err) MUST_CHECK;

/*
 * plan_begin, then conf_load and policy_compile. The options that a kept sandbox was
 * made with hold for its later starts, too: a mask does not go away by itself. name: of the sandbox
 * as the user said it, or NULL for a made one; ephemeral: nothing of it is kept. Returns 0, or an
 * exit status after having said why (EXIT_USAGE for wrong settings, else EXIT_FAILED). command: for
 * the "see 'bailey COMMAND --help'".
 */
int cli_plan(const struct cli *cli, const struct run_opts *opts, const char *command,
	const char *name, bool ephemeral, struct plan *ret) MUST_CHECK;

/*
 * The whole of a --dry-run: prints the plan (which the caller may have added to, for
 * an agent) as text or JSON. Returns an exit status.
 */
int cli_plan_print(const struct plan *plan, bool json);

void plan_done(struct plan *plan);
#define AUTO_PLAN CLEANUP(plan_done)

/*
 * What conf_load needs, of a plan that plan_begin has filled; asks on the terminal
 * where there is one. For commands that read settings without starting anything.
 */
struct conf_load_args plan_conf_args(const struct plan *plan, const char *const *settings);
/* For conf_load_args.approve: shows the clauses, asks, and says whether the answer is yes. */
bool cli_approve(void *ctx, const char *file, const struct strvec *clauses);
/* Which mechanisms that not every machine has are in force here; see policy_print. */
void plan_enforcement(struct strvec *ret);

#endif
