#include "conf/dirs.h"
#include "conf/opt.h"
#include "policy.h"
#include "sys/fs.h"

#define QUOTED(var, text) AUTO_FREE char *var = opt_quote(text)

struct compile {
	const struct conf *conf;
	const struct policy_context *ctx;
	struct policy *p;
	struct strvec own; /* bailey's own directories on the host */
	struct err **err;
};

/* "This version cannot": not wrong usage, so not -EINVAL. */
static int refuse(struct compile *c, const char *hint, const char *what)
{
	err_set(c->err, 0, "%s", what);
	if (hint)
		err_hint(c->err, "%s", hint);
	if (c->err && *c->err)
		(*c->err)->code = EOPNOTSUPP;
	return -EOPNOTSUPP;
}

static void find_own_dirs(struct compile *c)
{
	const char *home = c->ctx->home;
	char *const *env = c->ctx->environ;
	char *runtime = dirs_runtime(env);

	strvec_push_take(&c->own, dirs_config(home, env));
	strvec_push_take(&c->own, dirs_state(home, env));
	strvec_push_take(&c->own, dirs_data(home, env));
	strvec_push_take(&c->own, dirs_cache(home, env));
	if (runtime)
		strvec_push_take(&c->own, runtime);
	strvec_push(&c->own, BAILEY_ETC);
}

/* The directory of ours that path shows or lies in, or NULL. */
static const char *touches_own(const struct compile *c, const char *path)
{
	for (size_t i = 0; i < c->own.n; i++)
		if (fs_path_within(c->own.v[i], path) || fs_path_within(path, c->own.v[i]))
			return c->own.v[i];
	return NULL;
}

static int check_project(struct compile *c)
{
	/* Their contents are made afresh inside, or are the system itself. */
	static const char *const system[] = {"/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib",
		"/lib32", "/lib64", "/media", "/mnt", "/opt", "/proc", "/root", "/run", "/sbin",
		"/srv", "/sys", "/tmp", "/usr", "/var", "/var/tmp"};
	static const char *const kernel[] = {"/dev", "/proc", "/sys"};
	const char *project = c->ctx->project, *own;
	QUOTED(quoted, project);

	if (project[0] != '/')
		return err_set(c->err, 0, "the project %s is not an absolute path", quoted);
	if (fs_path_within(c->ctx->home, project)) {
		err_set(c->err, 0, "the project would be %s, which holds your home directory",
			quoted);
		return err_hint(c->err, "start it in a directory of your project, or give one "
					"with -C");
	}
	for (size_t i = 0; i < ARRAY_SIZE(system); i++) {
		if (!str_eq(project, system[i]))
			continue;
		err_set(c->err, 0, "the project would be %s, a directory of the system", quoted);
		return err_hint(c->err, "start it in a directory of your project, or give one "
					"with -C");
	}
	for (size_t i = 0; i < ARRAY_SIZE(kernel); i++)
		if (fs_path_within(project, kernel[i]))
			return err_set(c->err, 0, "the project %s is in %s", quoted, kernel[i]);
	own = touches_own(c, project);
	if (own) {
		QUOTED(dir, own);
		return err_set(c->err, 0, "the project %s and Bailey's own directory %s overlap",
			quoted, dir);
	}
	c->p->project = xstrdup(project);
	return 0;
}

static int decide_kinds(struct compile *c)
{
	const struct conf *conf = c->conf;

	if (conf->isolation == CONF_ISOLATION_VM)
		return refuse(c, "use --isolation container",
			"isolation vm: this version cannot start virtual machines");
	if (conf->isolation == CONF_ISOLATION_JAIL)
		return refuse(c, "use --isolation container",
			"isolation jail: this version has no jail without namespaces");
	c->p->isolation = CONF_ISOLATION_CONTAINER;
	if (conf->workspace != CONF_WORKSPACE_AUTO && conf->workspace != CONF_WORKSPACE_STAGED) {
		static const char *const names[] = {
			"auto", "staged", "worktree", "clone", "direct"};
		AUTO_FREE char *what = xasprintf("workspace %s: this version has only staged, in "
						 "which changes wait for 'bailey apply'",
			names[conf->workspace]);

		return refuse(c, "use --workspace staged", what);
	}
	c->p->workspace = CONF_WORKSPACE_STAGED;
	if (!str_eq(conf->image, "host")) {
		QUOTED(image, conf->image);
		AUTO_FREE char *what =
			xasprintf("image %s: this version has only 'host', this machine's own "
				  "root file system, read-only",
				image);

		return refuse(c, "use --image host", what);
	}
	return 0;
}

static int decide_network(struct compile *c)
{
	const struct conf *conf = c->conf;

	if (conf->network.policy != CONF_NET_NONE)
		return refuse(c, "use --net none, and --host-port for services of this machine",
			"this version has no gateway, so the network policy can only be none");
	if (conf->network.allow.n)
		return refuse(c, "grant services of this machine with --host-port",
			"network.allow: this version has no gateway, so no host can be allowed");
	c->p->net = CONF_NET_NONE;
	c->p->n_host_ports = conf->network.n_host_ports;
	if (c->p->n_host_ports)
		c->p->host_ports = xmemdup(
			conf->network.host_ports, c->p->n_host_ports * sizeof(*c->p->host_ports));
	return 0;
}

static int decide_identity(struct compile *c)
{
	const struct policy_context *ctx = c->ctx;
	const char *user = c->conf->user;
	AUTO_FREE char *number = xasprintf("%u", ctx->uid);
	bool want_root = user && (str_eq(user, "root") || str_eq(user, "0"));
	bool self = !user || str_eq(user, ctx->user) || str_eq(user, number);
	struct policy *p = c->p;

	p->ids = c->conf->ids;
	if (!self && !want_root) {
		QUOTED(quoted, user);
		err_set(c->err, 0, "user %s: only yourself (%s) or root can be the user inside",
			quoted, ctx->user);
		return err_hint(c->err, "leave --user out, or use --user root");
	}
	if (want_root && ctx->uid != 0 && p->ids != CONF_IDS_RANGE) {
		err_set(c->err, 0, "user root needs more than one user number inside");
		return err_hint(c->err, "add --ids range");
	}
	if (ctx->uid == 0 || want_root) {
		p->user = xstrdup("root");
		p->home = xstrdup(ctx->uid == 0 ? ctx->home : "/root");
	} else {
		p->uid = ctx->uid;
		p->gid = ctx->gid;
		p->user = xstrdup(ctx->user);
		p->home = xstrdup(ctx->home);
	}
	if (p->home[0] != '/' || p->home[1] == '\0') {
		QUOTED(home, p->home);
		return err_set(c->err, 0, "the home directory %s cannot be used inside", home);
	}
	/* Only a shell of the system itself is sure to be inside. */
	if (ctx->shell && (str_after(ctx->shell, "/bin/") || str_after(ctx->shell, "/usr/bin/")) &&
		!str_ends(ctx->shell, "/false") && !str_ends(ctx->shell, "/nologin") &&
		!strstr(ctx->shell, ".."))
		p->shell = xstrdup(ctx->shell);
	else
		p->shell = xstrdup("/bin/sh");
	return 0;
}

static int decide_name(struct compile *c)
{
	const char *name = c->ctx->name, *want = name ? policy_check_name(name) : NULL;

	if (want) {
		QUOTED(quoted, name);
		return err_set(c->err, 0, "%s cannot name a sandbox: use %s", quoted, want);
	}
	c->p->name = name ? xstrdup(name) : policy_make_name(c->ctx->ephemeral);
	c->p->id = policy_make_id(c->p->name, c->p->project);
	c->p->hostname = xstrdup(c->p->name);
	c->p->ephemeral = c->ctx->ephemeral;
	return 0;
}

/* Variables of the caller that are taken over, and the bytes that they may have. */
static const struct {
	const char *name; /* a trailing '_' stands for all that start so */
	const char *more; /* beside letters and digits */
} taken_over[] = {
	{"TERM", "+-._"},
	{"COLORTERM", "+-._"},
	{"LANG", "._@-"},
	{"LANGUAGE", "._@-:"},
	{"LC_", "._@-"},
	{"TZ", "_+-/:."},
};
#define TAKEN_MAX 64

static bool sane(const char *value, const char *more)
{
	size_t n = 0;

	for (; value[n]; n++) {
		bool plain = (value[n] >= 'a' && value[n] <= 'z') ||
			     (value[n] >= 'A' && value[n] <= 'Z') ||
			     (value[n] >= '0' && value[n] <= '9');

		if (n >= TAKEN_MAX || (!plain && !strchr(more, value[n])))
			return false;
	}
	return n > 0 && !strstr(value, "..");
}

static void take_over(struct compile *c, const char *entry)
{
	const char *equals = strchr(entry, '=');
	AUTO_FREE char *name = equals ? xstrndup(entry, (size_t)(equals - entry)) : NULL;

	for (size_t i = 0; name && i < ARRAY_SIZE(taken_over); i++) {
		const char *rest = str_after(name, taken_over[i].name);
		bool family = str_ends(taken_over[i].name, "_");

		if (!rest || (!family && *rest) || (family && !sane(rest, "_")))
			continue;
		if (sane(equals + 1, taken_over[i].more))
			strvec_env_set(&c->p->env, name, equals + 1);
	}
}

/* From nothing: what is not set here is not inside. */
static void build_env(struct compile *c)
{
	struct policy *p = c->p;
	AUTO_FREE char *path = xasprintf("%s/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:"
					 "/usr/bin:/sbin:/bin",
		p->home);

	strvec_env_set(&p->env, "PATH", path);
	strvec_env_set(&p->env, "HOME", p->home);
	strvec_env_set(&p->env, "USER", p->user);
	strvec_env_set(&p->env, "LOGNAME", p->user);
	strvec_env_set(&p->env, "SHELL", p->shell);
	for (size_t i = 0; c->ctx->environ[i]; i++)
		take_over(c, c->ctx->environ[i]);
	strvec_env_set(&p->env, "BAILEY", "1");
	strvec_env_set(&p->env, "BAILEY_SANDBOX", p->name);
	for (size_t i = 0; i < c->conf->env.n; i++) {
		const char *entry = c->conf->env.v[i], *equals = strchr(entry, '=');
		AUTO_FREE char *name = xstrndup(entry, (size_t)(equals - entry));

		strvec_env_set(&p->env, name, equals + 1);
	}
}

static int check_target(struct compile *c, const struct conf_mount *m)
{
	static const char *const kernel[] = {"/dev", "/proc", "/sys"};
	QUOTED(dst, m->dst);

	for (size_t i = 0; i < ARRAY_SIZE(kernel); i++)
		if (fs_path_within(m->dst, kernel[i]))
			return err_set(c->err, 0, "%s: nothing can be mounted in %s inside (%s)",
				m->origin, kernel[i], dst);
	if (fs_path_within(c->p->project, m->dst))
		return err_set(
			c->err, 0, "%s: mounted at %s it would hide the project", m->origin, dst);
	if (fs_path_within(c->p->home, m->dst))
		return err_set(c->err, 0, "%s: mounted at %s it would hide the home directory",
			m->origin, dst);
	/* Above them is fine: inside, they are not there to be hidden. */
	for (size_t i = 0; i < c->own.n; i++)
		if (fs_path_within(m->dst, c->own.v[i]))
			return err_set(c->err, 0, "%s: %s is where Bailey keeps its own files",
				m->origin, dst);
	return 0;
}

static int add_mounts(struct compile *c)
{
	for (size_t i = 0; i < c->conf->n_mounts; i++) {
		const struct conf_mount *m = &c->conf->mounts[i];
		const char *own = touches_own(c, m->src);
		int r;

		if (own) {
			QUOTED(src, m->src);
			QUOTED(dir, own);

			err_set(c->err, 0, "%s: %s would show Bailey's own directory %s inside",
				m->origin, src, dir);
			return err_hint(c->err, "mount something smaller");
		}
		if (fs_path_within(c->p->project, m->src) && !str_eq(m->src, m->dst) &&
			m->writable) {
			QUOTED(src, m->src);
			err_set(c->err, 0,
				"%s: %s holds the project, writable: nothing would be "
				"staged",
				m->origin, src);
			return err_hint(c->err, "mount it read-only, or something smaller");
		}
		r = check_target(c, m);
		if (r < 0)
			return r;
		policy_add_mount(c->p, m->src, m->dst, m->writable, m->missing == CONF_MISSING_SKIP,
			m->origin);
	}
	return 0;
}

static int add_masks(struct compile *c)
{
	for (size_t i = 0; i < c->conf->mask.n; i++) {
		AUTO_FREE char *path = fs_path_clean(c->p->project, c->conf->mask.v[i]);

		if (fs_path_within(c->p->project, path) || fs_path_within(c->p->home, path)) {
			QUOTED(quoted, path);
			return err_set(c->err, 0,
				"mask %s would hide all of the project or of "
				"the home directory",
				quoted);
		}
		strvec_push(&c->p->masks, path);
	}
	return 0;
}

static int decide_workdir(struct compile *c)
{
	const char *project = c->p->project, *cwd = c->ctx->cwd;

	if (c->conf->workdir)
		c->p->workdir = fs_path_clean(project, c->conf->workdir);
	else
		c->p->workdir = xstrdup(cwd && fs_path_within(cwd, project) ? cwd : project);
	return 0;
}

static int copy_rest(struct compile *c)
{
	const struct conf *conf = c->conf;
	struct policy *p = c->p;

	p->limits.memory = conf->limits.memory;
	p->limits.cpus_milli = conf->limits.cpus_milli;
	p->limits.pids = conf->limits.pids;
	p->limits.files = conf->limits.files;
	p->limits.tmp = conf->limits.tmp;
	p->limits.timeout = conf->limits.timeout;
	strvec_extend(&p->allow_degraded,
		(const char *const *)strvec_argv((struct strvec *)&conf->allow_degraded));
	p->filter = conf->filter;
	p->detach_keys = xstrdup(conf->detach_keys ? conf->detach_keys : "");
	return 0;
}

int policy_compile(const struct conf *conf, const struct policy_context *ctx, struct policy **ret,
	struct err **err)
{
	static int (*const steps[])(struct compile *) = {check_project, decide_kinds,
		decide_network, decide_identity, decide_name, add_mounts, add_masks, decide_workdir,
		copy_rest};
	AUTO_POLICY struct policy *p = xcalloc(1, sizeof(*p));
	struct compile c = {.conf = conf, .ctx = ctx, .p = p, .err = err};
	int r = 0;

	find_own_dirs(&c);
	for (size_t i = 0; i < ARRAY_SIZE(steps) && r == 0; i++)
		r = steps[i](&c);
	if (r == 0)
		build_env(&c);
	strvec_done(&c.own);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}

void policy_add_mount(struct policy *p, const char *src, const char *dst, bool writable,
	bool optional, const char *why)
{
	p->mounts = xrealloc(p->mounts, p->n_mounts + 1, sizeof(*p->mounts));
	p->mounts[p->n_mounts++] = (struct policy_mount){.src = xstrdup(src),
		.dst = xstrdup(dst),
		.writable = writable,
		.optional = optional,
		.why = xstrdup(why)};
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_mounts; i++) {
		free(p->mounts[i].src);
		free(p->mounts[i].dst);
		free(p->mounts[i].why);
	}
	free(p->mounts);
	free(p->name);
	free(p->id);
	free(p->project);
	free(p->hostname);
	free(p->user);
	free(p->home);
	free(p->shell);
	strvec_done(&p->env);
	free(p->workdir);
	strvec_done(&p->masks);
	free(p->host_ports);
	strvec_done(&p->allow_degraded);
	free(p->detach_keys);
	free(p->agent);
	free(p);
}
