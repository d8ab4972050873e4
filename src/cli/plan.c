#include "plan.h"

#include "session/state.h"

#include "base/log.h"
#include "cell/cgroup.h"
#include "sys/fs.h"
#include "sys/kernel.h"

#include <fcntl.h>

/* Whether dir holds something that makes it a project, left there by someone who may. */
static bool has_marker(const char *dir, uid_t owner)
{
	static const char *const markers[] = {".git", "bailey.toml"};

	for (size_t i = 0; i < ARRAY_SIZE(markers); i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", dir, markers[i]);
		struct stat st;

		if (lstat(path, &st) == 0 &&
			(st.st_uid == geteuid() || st.st_uid == 0 || st.st_uid == owner))
			return true;
	}
	return false;
}

static char *find_project(const struct caller *c)
{
	AUTO_FREE char *dir = xstrdup(c->cwd);
	struct stat st;

	if (stat(".", &st) < 0)
		return xstrdup(c->cwd);
	while (!fs_path_within(c->home, dir)) {
		if (has_marker(dir, st.st_uid))
			return TAKE_PTR(dir);
		*strrchr(dir, '/') = '\0';
		if (!*dir)
			break;
	}
	return xstrdup(c->cwd);
}

int plan_begin(struct plan *plan, struct err **err)
{
	int r = caller_find(&plan->caller, err);

	if (r == 0)
		plan->project = find_project(&plan->caller);
	return r;
}

struct conf_load_args plan_conf_args(const struct plan *plan, const char *const *settings)
{
	bool may_ask = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);

	return (struct conf_load_args){.project = plan->project,
		.cwd = plan->caller.cwd,
		.home = plan->caller.home,
		.cli = settings,
		.environ = environ,
		.approve = may_ask ? cli_approve : NULL};
}

/* Where the sources of mounts really are: what is judged must be what is mounted. */
static void resolve_mounts(struct conf *conf)
{
	for (size_t i = 0; i < conf->n_mounts; i++) {
		char *real = realpath(conf->mounts[i].src, NULL);

		if (!real)
			continue; /* not there: for `missing` to decide */
		free(conf->mounts[i].src);
		conf->mounts[i].src = real;
	}
}

/* Options of the environment may be secrets, and are no walls: they are not kept. */
static void collect_settings(struct plan *plan, const char *name, const struct run_opts *opts)
{
	AUTO_STATE struct state *state = NULL;

	if (name && state_find(plan->project, name, &state, NULL) == 0)
		for (size_t i = 0; i < state->settings.n; i++)
			strvec_push(&plan->settings, state->settings.v[i]);
	for (size_t i = 0; i < opts->settings.n; i++)
		if (!str_after(opts->settings.v[i], "env") &&
			!strvec_has(&plan->settings, opts->settings.v[i]))
			strvec_push(&plan->settings, opts->settings.v[i]);
}

static int make(const struct run_opts *opts, const char *name, bool ephemeral, struct plan *plan,
	struct err **err)
{
	const struct caller *c = &plan->caller;
	AUTO_STRVEC struct strvec all = {0};
	struct conf_load_args args;
	struct policy_context ctx;
	int r = plan_begin(plan, err);

	if (r < 0)
		return r;
	collect_settings(plan, ephemeral ? NULL : name, opts);
	strvec_extend(&all, (const char *const *)strvec_argv(&plan->settings));
	for (size_t i = 0; i < opts->settings.n; i++)
		if (str_after(opts->settings.v[i], "env"))
			strvec_push(&all, opts->settings.v[i]);
	args = plan_conf_args(plan, (const char *const *)strvec_argv(&all));
	r = conf_load(&args, &plan->conf, &plan->origins, err);
	if (r < 0)
		return r;
	resolve_mounts(plan->conf);
	ctx = (struct policy_context){.project = plan->project,
		.cwd = c->cwd,
		.name = name,
		.ephemeral = ephemeral,
		.uid = c->uid,
		.gid = c->gid,
		.user = c->user,
		.home = c->home,
		.shell = c->shell,
		.environ = environ};
	return policy_compile(plan->conf, &ctx, &plan->policy, err);
}

int cli_plan(const struct cli *cli UNUSED, const struct run_opts *opts, const char *command UNUSED,
	const char *name, bool ephemeral, struct plan *ret)
{
	struct err *err = NULL;
	int r = make(opts, name, ephemeral, ret, &err);

	if (r == 0)
		return 0;
	return r == -EINVAL ? cli_wrong(err) : cli_fail(err);
}

static bool sysctl_is_zero(const char *path)
{
	AUTO_BUF struct buf b = BUF_INIT(64);

	return fs_read_at(AT_FDCWD, path, &b) == 0 && b.len && b.data[0] == '0';
}

void plan_enforcement(struct strvec *ret)
{
	static const char *const controllers[] = {"memory", "cpu", "pids"};

	if (geteuid() == 0 || (!sysctl_is_zero("/proc/sys/kernel/unprivileged_userns_clone") &&
				      !sysctl_is_zero("/proc/sys/user/max_user_namespaces")))
		strvec_push(ret, "userns");
	if (ll_abi() > 0)
		strvec_push(ret, "landlock");
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
		if (cgroup_has(controllers[i]))
			strvec_pushf(ret, "cgroup.%s", controllers[i]);
}

int cli_plan_print(const struct plan *plan, bool json)
{
	AUTO_STRVEC struct strvec enforce = {0};
	AUTO_FREE char *text = NULL;

	plan_enforcement(&enforce);
	if (!json) {
		policy_print(plan->policy, &enforce, stdout);
		return 0;
	}
	text = policy_to_json(plan->policy, &enforce);
	puts(text);
	return 0;
}

void plan_done(struct plan *plan)
{
	strvec_done(&plan->settings);
	caller_done(&plan->caller);
	free(plan->project);
	conf_free(plan->conf);
	conf_origins_free(plan->origins);
	policy_free(plan->policy);
	*plan = (struct plan){0};
}
