#include "tap.h"

#include "policy/policy.h"

static char *no_vars[] = {NULL};

static struct policy_context context(void)
{
	return (struct policy_context){.project = "/home/a/p",
		.cwd = "/home/a/p",
		.name = "x",
		.uid = 1000,
		.gid = 100,
		.user = "a",
		.home = "/home/a",
		.shell = "/usr/sbin/nologin",
		.environ = no_vars};
}

static struct conf *settings_of(const char *const *cli)
{
	struct conf_load_args args = {.project = "/home/a/p",
		.home = "/home/a",
		.cli = cli,
		.environ = no_vars,
		.etc = "/nonexistent"};
	struct conf *conf = NULL;
	struct conf_origins *origins = NULL;
	struct err *err = NULL;

	if (conf_load(&args, &conf, &origins, &err) < 0)
		tap_fail(__FILE__, __LINE__, "%s", err->text);
	conf_origins_free(origins);
	return conf;
}

/* NULL: compiles. Else the start of what is said. */
static void expect(const struct policy_context *ctx, const char *const *cli, const char *start)
{
	AUTO_CONF struct conf *conf = settings_of(cli);
	AUTO_POLICY struct policy *p = NULL;
	AUTO_ERR struct err *err = NULL;
	int r = policy_compile(conf, ctx, &p, &err);

	if (!start) {
		if (r < 0)
			tap_fail(__FILE__, __LINE__, "%s", err->text);
		return;
	}
	CHECK(r < 0 && err && !p);
	if (!str_after(err->text, start))
		tap_fail(__FILE__, __LINE__, "\"%s\", not \"%s\"", err->text, start);
}

#define CLI(...) ((const char *const[]){__VA_ARGS__, NULL})

TEST(policy_projects)
{
	static const struct {
		const char *project, *why;
	} cases[] = {
		{"/home/a/p", NULL},
		{"/work", NULL},
		{"/tmp/x", NULL},
		{"/home/b", NULL},
		{"/", "the project would be '/', which holds your home"},
		{"/home", "the project would be '/home', which holds your home"},
		{"/home/a", "the project would be '/home/a', which holds your home"},
		{"/tmp", "the project would be '/tmp', a directory of the system"},
		{"/usr", "the project would be '/usr', a directory of the system"},
		{"/proc/self", "the project '/proc/self' is in /proc"},
		{"/home/a/.config", "the project '/home/a/.config' and Bailey's own directory"},
		{"/home/a/.local/state/bailey/x",
			"the project '/home/a/.local/state/bailey/x' and"},
		{"relative", "the project 'relative' is not an absolute path"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy_context ctx = context();

		ctx.project = cases[i].project;
		expect(&ctx, NULL, cases[i].why);
	}
}

TEST(policy_mounts)
{
	static const struct {
		const char *mount, *why;
	} cases[] = {
		{"mounts=/data", NULL},
		{"mounts=/data:/home/a/.cache", NULL},
		{"mounts=/data:/home/a/p/sub:rw", NULL},
		{"mounts=/:/host", "--mount: '/' would show Bailey's own directory"},
		{"mounts=/home/a", "--mount: '/home/a' would show Bailey's own directory"},
		{"mounts=/data:/", "--mount: mounted at '/' it would hide the project"},
		{"mounts=/data:/proc/x", "--mount: nothing can be mounted in /proc"},
		{"mounts=/data:/dev", "--mount: nothing can be mounted in /dev"},
		{"mounts=/data:/home/a/p",
			"--mount: mounted at '/home/a/p' it would hide the proj"},
		{"mounts=/data:/home/a/p/..",
			"--mount: mounted at '/home/a' it would hide the proj"},
		{"mounts=/data:/home/a/.config/bailey",
			"--mount: '/home/a/.config/bailey' is where"},
		{"mounts=/home/a/p:/x:rw", "--mount: '/home/a/p' holds the project, writable"},
		{"mounts=/home/a/p:/x", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy_context ctx = context();

		expect(&ctx, CLI(cases[i].mount), cases[i].why);
	}
}

TEST(policy_refusals)
{
	struct policy_context ctx = context();

	expect(&ctx, CLI("isolation=vm"), "isolation vm: this version");
	expect(&ctx, CLI("isolation=jail"), "isolation jail: this version");
	expect(&ctx, CLI("workspace=direct"), "workspace direct: this version");
	expect(&ctx, CLI("image=debian:12"), "image 'debian:12': this version");
	expect(&ctx, CLI("network.policy=deny"), "this version has no gateway");
	expect(&ctx, CLI("network.allow=a.b"), "network.allow: this version has no gateway");
	expect(&ctx, CLI("user=root"), "user root needs more than one user number");
	expect(&ctx, CLI("user=bob"), "user 'bob': only yourself (a) or root");
	expect(&ctx, CLI("user=a"), NULL);
	expect(&ctx, CLI("user=1000"), NULL);
	expect(&ctx, CLI("mask=."), "mask '/home/a/p' would hide all of the project");
	ctx.name = "../x";
	expect(&ctx, NULL, "'../x' cannot name a sandbox");
}

TEST(policy_names)
{
	AUTO_FREE char *run = policy_make_name(true), *kept = policy_make_name(false);
	AUTO_FREE char *one = policy_make_id("a", "/p"), *same = policy_make_id("a", "/p");
	AUTO_FREE char *other = policy_make_id("a", "/q");

	CHECK(str_after(run, "run-"));
	CHECK(!policy_check_name(run) && !policy_check_name(kept));
	CHECK(policy_check_name("") && policy_check_name("-a") && policy_check_name("A") &&
		policy_check_name("a/b") && policy_check_name("..") &&
		policy_check_name("a23456789012345678901234567890123456789012"));
	CHECK_STR(one, same);
	CHECK(!str_eq(one, other));
}

TEST(policy_environment)
{
	AUTO_CONF struct conf *conf = settings_of(CLI("env=LANG=mine", "env=X=1"));
	AUTO_POLICY struct policy *p = NULL;
	AUTO_STRVEC struct strvec vars = {0};
	struct policy_context ctx = context();
	char big[80] = "TZ=";

	memset(big + 3, 'a', sizeof(big) - 4);
	big[79] = '\0';
	strvec_push(&vars, "TERM=xterm\x1b[31m");
	strvec_push(&vars, "COLORTERM=truecolor");
	strvec_push(&vars, "LANG=C");
	strvec_push(&vars, "LC_TIME=de_DE.UTF-8@euro");
	strvec_push(&vars, "LC_../x=y");
	strvec_push(&vars, big);
	strvec_push(&vars, "LD_PRELOAD=/evil.so");
	strvec_push(&vars, "garbage");
	ctx.environ = strvec_argv(&vars);
	CHECK_INT(policy_compile(conf, &ctx, &p, NULL), 0);
	CHECK(!strvec_env_get(&p->env, "TERM"));
	CHECK_STR(strvec_env_get(&p->env, "COLORTERM"), "truecolor");
	CHECK_STR(strvec_env_get(&p->env, "LANG"), "mine");
	CHECK_STR(strvec_env_get(&p->env, "LC_TIME"), "de_DE.UTF-8@euro");
	CHECK(!strvec_env_get(&p->env, "LC_../x"));
	CHECK(!strvec_env_get(&p->env, "TZ"));
	CHECK(!strvec_env_get(&p->env, "LD_PRELOAD"));
	CHECK_STR(strvec_env_get(&p->env, "BAILEY_SANDBOX"), "x");
	CHECK_STR(p->shell, "/bin/sh");
	CHECK_INT(p->env.n, 11);
}

TEST(policy_identity)
{
	AUTO_CONF struct conf *conf = settings_of(NULL);
	AUTO_CONF struct conf *range = settings_of(CLI("user=root", "ids=range"));
	AUTO_POLICY struct policy *self = NULL, *root = NULL, *mapped = NULL;
	struct policy_context ctx = context();

	CHECK_INT(policy_compile(conf, &ctx, &self, NULL), 0);
	CHECK_INT(self->uid, 1000);
	CHECK_INT(self->gid, 100);
	CHECK_STR(self->home, "/home/a");
	CHECK_INT(policy_compile(range, &ctx, &mapped, NULL), 0);
	CHECK_INT(mapped->uid, 0);
	CHECK_STR(mapped->home, "/root");
	ctx.uid = ctx.gid = 0;
	ctx.user = "root";
	CHECK_INT(policy_compile(conf, &ctx, &root, NULL), 0);
	CHECK_INT(root->uid, 0);
	CHECK_STR(root->user, "root");
}
