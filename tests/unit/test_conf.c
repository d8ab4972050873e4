#include "tap.h"

#include "conf/conf.h"
#include "conf/settings.h"
#include "sys/fs.h"

#include <fcntl.h>

/* A home, an administrator's directory and a project, all empty. */
static char root[] = "/tmp/test-conf-XXXXXX";
static char *home, *project, *etc;
static bool answer;
static struct strvec asked;
static char *vars[] = {(char *)"TOKEN=secret", (char *)"EMPTY=", NULL};

static bool approve(void *ctx, const char *file, const struct strvec *clauses)
{
	(void)ctx;
	strvec_push(&asked, file);
	strvec_extend(&asked, (const char *const *)clauses->v);
	return answer;
}

static void setup(void)
{
	CHECK(mkdtemp(root));
	home = xasprintf("%s/home", root);
	project = xasprintf("%s/home/src/proj", root);
	etc = xasprintf("%s/etc", root);
	CHECK_INT(fs_mkdir_p(project, 0755), 0);
	CHECK_INT(fs_mkdir_p(etc, 0755), 0);
}

static void teardown(void)
{
	CHECK_INT(fs_remove_tree(AT_FDCWD, root), 0);
	free(home);
	free(project);
	free(etc);
	strvec_done(&asked);
}

/* which: "etc", "home" or a path below the root. */
static void put(const char *which, const char *text)
{
	AUTO_FREE char *path = str_eq(which, "etc") ? xasprintf("%s/config.toml", etc)
			       : str_eq(which, "home")
				       ? xasprintf("%s/.config/bailey/config.toml", home)
			       : str_eq(which, "project") ? xasprintf("%s/bailey.toml", project)
							  : xasprintf("%s/%s", root, which);
	AUTO_FREE char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));

	CHECK_INT(fs_mkdir_p(dir, 0755), 0);
	CHECK_INT(fs_write_at(AT_FDCWD, path, text, strlen(text), 0644), 0);
}

static struct conf_load_args load_args(const char *const *cli)
{
	return (struct conf_load_args){.project = project,
		.cwd = "/work",
		.home = home,
		.etc = etc,
		.cli = cli,
		.environ = vars};
}

static struct conf_origins *origins;

static struct conf *load(const char *const *cli, bool may_ask)
{
	struct conf_load_args args = load_args(cli);
	struct conf *c = NULL;
	struct err *err = NULL;

	if (may_ask)
		args.approve = approve;
	if (conf_load(&args, &c, &origins, &err) < 0)
		tap_fail(__FILE__, __LINE__, "%s", err->text);
	return c;
}

static void unload(struct conf *c)
{
	conf_free(c);
	conf_origins_free(origins);
	origins = NULL;
}

static void refused(const char *const *cli, int code, const char *text, const char *hint)
{
	struct conf_load_args args = load_args(cli);
	struct conf_origins *o = NULL;
	struct conf *c = NULL;
	AUTO_ERR struct err *err = NULL;

	CHECK_INT(conf_load(&args, &c, &o, &err), code);
	CHECK(err);
	CHECK_STR(err->text, text);
	if (hint)
		CHECK_STR(err->hint, hint);
}

#define CLI(...) ((const char *const[]){__VA_ARGS__, NULL})

TEST(conf_defaults)
{
	struct conf *c;

	setup();
	c = load(NULL, false);
	CHECK_INT(c->isolation, CONF_ISOLATION_AUTO);
	CHECK_INT(c->network.policy, CONF_NET_NONE);
	CHECK_INT(c->limits.pids, 4096);
	CHECK_INT(c->limits.tmp, 2LL << 30);
	CHECK(c->seed && c->filter);
	CHECK_STR(c->image, "host");
	CHECK_STR(c->detach_keys, "ctrl-p,ctrl-q");
	CHECK_STR(conf_origin(origins, "limits.pids"), "built-in");
	CHECK(!conf_origin(origins, "user"));
	unload(c);
	teardown();
}

TEST(conf_layers)
{
	struct conf *c;

	setup();
	put("etc", "[limits]\nmemory = \"4G\"\npids = 100\n");
	put("home", "mask = [\"/a\"]\n[limits]\nmemory = \"3G\"\ncpus = 1.5\n");
	put("project", "mask = [\"b\", \"/a\"]\n[limits]\nmemory = \"2G\"\n");
	c = load(CLI("limits.timeout=15m", "mask=c", "network.host_ports=9100:80"), false);
	CHECK_INT(c->limits.memory, 2LL << 30);
	CHECK_INT(c->limits.pids, 100);
	CHECK_INT(c->limits.cpus_milli, 1500);
	CHECK_INT(c->limits.timeout, 900);
	CHECK_INT(c->mask.n, 3);
	CHECK_STR(c->mask.v[2], "c");
	CHECK_INT(c->network.host_ports[0].guest, 9100);
	CHECK_INT(c->network.host_ports[0].host, 80);
	CHECK_STR(conf_origin(origins, "limits.memory"), "bailey.toml:3:1");
	CHECK_STR(conf_origin(origins, "limits.timeout"), "--timeout");
	CHECK(strstr(conf_origin(origins, "mask"), "bailey.toml:1:9, bailey.toml:1:14, --mask"));
	unload(c);
	teardown();
}

TEST(conf_named_blocks)
{
	struct conf *c;

	setup();
	put("home", "[mounts.cache]\nsource = \"~/.cache/x/\"\ntarget = \"/cache\"\nmode = \"rw\"\n"
		    "missing = \"skip\"\n[mounts.off]\nsource = \"/x\"\n"
		    "[env]\nA = \"${TOKEN}-${NONE:-d}-$$-$x\"\nB = \"${EMPTY:-e}\"\n"
		    "[agents.claude]\nargs = [\"--model\", \"x\"]\n[agents.pi]\nargs=[]\n"
		    "enabled = false\n");
	put("project", "[mounts.off]\nenabled = false\n[limits]\nenabled = false\npids = 9\n");
	c = load(CLI("mounts=src:/dst:rw", "mounts=/ro", "env=C=1", "env=TOKEN", "env.D=x=y"),
		false);
	CHECK_INT(c->n_mounts, 3);
	CHECK(strstr(c->mounts[0].src, "/home/.cache/x"));
	CHECK_STR(c->mounts[0].dst, "/cache");
	CHECK(c->mounts[0].writable && c->mounts[0].missing == CONF_MISSING_SKIP);
	CHECK_STR(c->mounts[1].src, "/work/src");
	CHECK_STR(c->mounts[1].dst, "/dst");
	CHECK_STR(c->mounts[1].origin, "--mount");
	CHECK(c->mounts[1].writable && !c->mounts[2].writable);
	CHECK_STR(c->mounts[2].dst, "/ro");
	CHECK_STR(strvec_env_get(&c->env, "A"), "secret-d-$-$x");
	CHECK_STR(strvec_env_get(&c->env, "B"), "e");
	CHECK_STR(strvec_env_get(&c->env, "TOKEN"), "secret");
	CHECK_STR(strvec_env_get(&c->env, "D"), "x=y");
	CHECK_INT(c->n_agent_args, 1);
	CHECK_STR(c->agent_args[0].args.v[1], "x");
	CHECK_INT(c->limits.pids, 4096);
	CHECK_STR(conf_origin(origins, "env.C"), "--env");
	unload(c);
	teardown();
}

/* One line of bailey.toml, and what is said about it. */
static const struct {
	const char *text, *why, *hint;
} wrong[] = {
	{"isolatoin = 'vm'", "bailey.toml:1:1: unknown key 'isolatoin'",
		"did you mean 'isolation'?"},
	{"memory = '1G'", "bailey.toml:1:1: unknown key 'memory'", "did you mean 'limits.memory'?"},
	{"[limits]\nmemry = 1", "bailey.toml:2:1: unknown key 'limits.memry'",
		"did you mean 'limits.memory'?"},
	{"[netwrok]", "bailey.toml:1:2: unknown key 'netwrok'", "did you mean 'network'?"},
	{"NAME = 1", "bailey.toml:1:1: unknown key 'NAME'", NULL},
	{"[mounts]\nNAME.source = 1",
		"bailey.toml:2:1: mounts: 'NAME' is not a name of small "
		"letters, digits and '-'",
		NULL},
	{"isolation = 3", "bailey.toml:1:1: isolation: this is an integer, not a word", NULL},
	{"isolation = 'vmm'",
		"bailey.toml:1:1: isolation: 'vmm' is not one of auto, container, vm, jail; did "
		"you mean 'vm'?",
		NULL},
	{"seed = 'yes'", "bailey.toml:1:1: seed: this is a string, not true or false", NULL},
	{"limits = 1", "bailey.toml:1:1: limits: this is an integer, not a table", NULL},
	{"limits.pids = 1", "bailey.toml:1:8: limits.pids: '1' is too small; the least is 8", NULL},
	{"limits.memory = -1",
		"bailey.toml:1:8: limits.memory: '-1' is not a size like \"512M\" or \"2G\"", NULL},
	{"limits.enabled = 0", "bailey.toml:1:8: enabled: this is an integer, not true or false",
		NULL},
	{"seed = true\nseed = false",
		"bailey.toml:2:8: Error while parsing key-value pair: cannot redefine existing "
		"boolean 'seed'",
		NULL},
	{"network.host_ports = [1, 70000]",
		"bailey.toml:1:26: network.host_ports: '70000' is not a port (1 to 65535) or a "
		"pair of them (N:M)",
		NULL},
	{"network.host_ports = [1, '1:2']",
		"bailey.toml:1:26: network.host_ports: port 1 inside is already granted to port 1 "
		"of the host",
		NULL},
	{"mounts.x.target = '/x'", "bailey.toml:1:8: mounts.x: source is missing", NULL},
	{"mounts.x.source = '/x'\nmounts.x.target = 'x'",
		"bailey.toml:2:10: the target 'x' is not an absolute path", NULL},
	{"mounts.x.mod = 'ro'", "bailey.toml:1:10: unknown key 'mounts.NAME.mod'",
		"did you mean 'mounts.NAME.mode'?"},
	{"env.A-B = 'x'", "bailey.toml:1:5: env: 'A-B' is not a name of letters, digits and '_'",
		NULL},
	{"env.A = '${NOPE}'",
		"bailey.toml:1:5: env.A: NOPE is not set in your environment; ${NOPE:-...} gives a "
		"default",
		NULL},
	{"env.A = '${x'", "bailey.toml:1:5: env.A: '${' without '}'", NULL},
	{"locked = ['seed']", "bailey.toml:1:1: locked: only the administrator's file may lock",
		NULL},
	{"detach_keys = 'ctrl-'",
		"bailey.toml:1:1: detach_keys: 'ctrl-' is not up to 8 keys like 'ctrl-p,ctrl-q', "
		"or '' for "
		"none",
		NULL},
	{"mask = ['a\\u001bb', 3]", NULL, NULL},
};

TEST(conf_wrong_lines)
{
	setup();
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		put("project", wrong[i].text);
		if (wrong[i].why)
			refused(NULL, -EINVAL, wrong[i].why, wrong[i].hint);
	}
	teardown();
}

TEST(conf_wrong_options)
{
	setup();
	refused(CLI("limits.memory=lots"), -EINVAL,
		"option --memory: limits.memory: 'lots' is not a size like \"512M\" or \"2G\"",
		NULL);
	refused(CLI("limits.memroy=1"), -EINVAL, "option --set: unknown key 'limits.memroy'",
		"did you mean 'limits.memory'?");
	refused(CLI("mounts=a:b:c:d"), -EINVAL,
		"option --mount: 'a:b:c:d' is not SRC[:DST][:ro|:rw]", NULL);
	refused(CLI("mounts=/a:/x", "mounts=/b:/x"), -EINVAL,
		"--mount: something else is already mounted at '/x'", NULL);
	refused(CLI("env=NOPE"), -EINVAL,
		"option --env: NOPE is not set in your environment; give it a value: NOPE=VALUE",
		NULL);
	refused(CLI("env=\x1b=1"), -EINVAL,
		"option --env: '\\e' is not a name of letters, digits and '_'", NULL);
	refused(CLI("env.NAME"), -EINVAL, "option --set: unknown key 'env.NAME'", NULL);
	teardown();
}

TEST(conf_locks)
{
	AUTO_FREE char *why = NULL;

	setup();
	put("etc", "locked = [\"limits\", \"seed\"]\n[limits]\npids = 64\n");
	refused(CLI("limits.pids=9"), -EINVAL,
		"option --pids: limits.pids: the administrator has locked this setting", NULL);
	refused(CLI("seed=false"), -EINVAL,
		"option --seed: seed: the administrator has locked this setting", NULL);
	put("home", "limits.pids = 65\n");
	why = xasprintf("%s/.config/bailey/config.toml:1:8: limits.pids: the administrator has "
			"locked this setting",
		home);
	refused(NULL, -EINVAL, why, NULL);
	teardown();
}

/* What a project's file may not do by itself. */
static const struct {
	const char *text, *clause; /* NULL: it only tightens */
} widening[] = {
	{"isolation = 'jail'", "isolation: from \"auto\" to \"jail\""},
	{"isolation = 'vm'", NULL},
	{"isolation = 'container'", NULL},
	{"seed = false", NULL},
	{"terminal.filter = false", "terminal.filter: from true to false"},
	{"limits.pids = 4096", NULL},
	{"limits.pids = 4097", "limits.pids: from 4096 to 4097"},
	{"limits.pids = 0", "limits.pids: from 4096 to 0"},
	{"limits.memory = '1G'", NULL},
	{"workspace = 'direct'", "workspace: from \"auto\" to \"direct\""},
	{"workspace = 'staged'", NULL},
	{"ids = 'range'", "ids: from \"single\" to \"range\""},
	{"user = 'root'", "user: from nothing to \"root\""},
	{"image = 'debian:12'", "image: from \"host\" to \"debian:12\""},
	{"credentials = 'host'", "credentials: from \"bailey\" to \"host\""},
	{"credentials = 'none'", NULL},
	{"allow_degraded = ['cgroup']", "allow_degraded: 'cgroup'"},
	{"network.policy = 'deny'", "network.policy: from \"none\" to \"deny\""},
	{"network.host_ports = [80]",
		"network.host_ports: port 80 inside reaches port 80 of this machine"},
	{"network.allow = ['*.x.org']", "network.allow: '*.x.org'"},
	{"network.deny = ['*.x.org']", NULL},
	{"mask = ['.env']", NULL},
	{"mounts.x.source = 'sub'", NULL},
	{"mounts.x = {source = 'sub', mode = 'rw'}",
		"mount 'x': shows 'P/sub' at 'P/sub', writable"},
	{"mounts.x.source = '/etc'",
		"mount 'x': shows '/etc' (outside the project) at '/etc', read-only"},
	{"mounts.x.source = 'link'",
		"mount 'x': shows '/etc' (outside the project) at 'P/link', read-only"},
	{"mounts.x = {source = '/etc', enabled = false}", NULL},
	{"env.A = '${TOKEN}'", "sets the variable A to '${TOKEN}'"},
	{"[env]\nenabled = false\nA = '${TOKEN}'", NULL},
	{"agents.pi.args = ['-x']", "gives agent pi the argument '-x'"},
};

TEST(conf_project_may_only_tighten)
{
	AUTO_FREE char *link = NULL, *sub = NULL;

	setup();
	link = xasprintf("%s/link", project);
	sub = xasprintf("%s/sub", project);
	CHECK_INT(symlink("/etc", link), 0);
	CHECK_INT(mkdir(sub, 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(widening); i++) {
		struct conf_load_args args = load_args(NULL);
		AUTO_CONF struct conf *c = NULL;
		AUTO_ORIGINS struct conf_origins *o = NULL;
		AUTO_ERR struct err *err = NULL;
		AUTO_FREE char *want = NULL;
		const char *clause = widening[i].clause;
		int r;

		put("project", widening[i].text);
		strvec_done(&asked);
		args.approve = approve;
		answer = false;
		r = conf_load(&args, &c, &o, &err);
		if (!clause) {
			if (r < 0 || asked.n)
				tap_fail(__FILE__, __LINE__, "%s: %s", widening[i].text,
					asked.n ? asked.v[1] : err->text);
			continue;
		}
		if (r != -EACCES || asked.n != 2)
			tap_fail(__FILE__, __LINE__, "%s: %d, asked %zu", widening[i].text, r,
				asked.n);
		/* P stands for the project. */
		if (strstr(clause, "P/")) {
			struct strvec parts = {0};
			const char *p = clause, *at;

			want = xstrdup("");
			while ((at = strstr(p, "P/"))) {
				char *more = xasprintf("%s%.*s%s", want, (int)(at - p), p, project);
				free(want);
				want = more;
				p = at + 1;
			}
			strvec_push_take(&parts, xasprintf("%s%s", want, p));
			CHECK_STR(asked.v[1], parts.v[0]);
			strvec_done(&parts);
		} else {
			CHECK_STR(asked.v[1], clause);
		}
	}
	teardown();
}

TEST(conf_project_may_not_drop_arguments)
{
	static const char *const texts[] = {"agents.pi.args = []", "agents.pi.enabled = false"};

	setup();
	put("home", "agents.pi.args = [\"--careful\"]");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		put("project", texts[i]);
		refused(NULL, -EACCES,
			"bailey.toml asks for more than you have approved: replaces the arguments "
			"that you give agent pi",
			NULL);
	}
	teardown();
}

TEST(conf_approval_lasts_until_a_change)
{
	setup();
	put("project", "network.host_ports = [80]\n");
	refused(NULL, -EACCES,
		"bailey.toml asks for more than you have approved: network.host_ports: port 80 "
		"inside reaches port 80 of this machine",
		"see and approve it with 'bailey config trust'");
	answer = true;
	unload(load(NULL, true));
	CHECK_INT(asked.n, 2);
	unload(load(NULL, false));
	put("project", "network.host_ports = [80] \n");
	refused(NULL, -EACCES,
		"bailey.toml asks for more than you have approved: network.host_ports: port 80 "
		"inside reaches port 80 of this machine",
		NULL);
	teardown();
}

TEST(conf_approval_follows_what_was_shown)
{
	AUTO_FREE char *link = NULL;

	setup();
	link = xasprintf("%s/link", project);
	CHECK_INT(symlink("/etc", link), 0);
	put("project", "mounts.x.source = 'link'\n");
	answer = true;
	unload(load(NULL, true));
	unload(load(NULL, false));
	/* The file is the same, but the link leads elsewhere now. */
	CHECK_INT(unlink(link), 0);
	CHECK_INT(symlink("/usr", link), 0);
	strvec_done(&asked);
	unload(load(NULL, true));
	CHECK_INT(asked.n, 2);
	teardown();
}

TEST(conf_found_upward_to_home)
{
	struct conf *c;

	setup();
	put("bailey.toml", "limits.pids = 10\n");
	c = load(NULL, false);
	CHECK_INT(c->limits.pids, 4096);
	unload(c);
	put("home/src/bailey.toml", "limits.pids = 11\n");
	put("home/src/bailey.local.toml", "seed = false\n");
	c = load(NULL, false);
	CHECK_INT(c->limits.pids, 11);
	CHECK(!c->seed);
	unload(c);
	teardown();
}

TEST(conf_file_must_be_a_file)
{
	AUTO_FREE char *path = NULL;

	setup();
	path = xasprintf("%s/bailey.toml", project);
	CHECK_INT(mkfifo(path, 0644), 0);
	refused(NULL, -EINVAL, "bailey.toml:1:1: this is not a regular file", NULL);
	CHECK_INT(unlink(path), 0);
	CHECK_INT(symlink("/etc/passwd", path), 0);
	refused(NULL, -EINVAL, "bailey.toml:1:1: a project's settings may not be a symbolic link",
		NULL);
	teardown();
}

TEST(conf_show_reads_back)
{
	struct conf *c;

	setup();
	c = load(CLI("limits.memory=1536M", "limits.cpus=0.25", "limits.timeout=90", "limits.tmp=0",
			 "mask=a\nb", "network.host_ports=1", "network.host_ports=2:3"),
		false);
	for (size_t i = 0; i < settings_n; i++) {
		AUTO_FREE char *text = setting_show(&settings[i], c);

		if (str_eq(settings[i].key, "limits.memory"))
			CHECK_STR(text, "\"1536M\"");
		if (str_eq(settings[i].key, "limits.cpus"))
			CHECK_STR(text, "0.25");
		if (str_eq(settings[i].key, "limits.timeout"))
			CHECK_STR(text, "\"90s\"");
		if (str_eq(settings[i].key, "limits.tmp"))
			CHECK_STR(text, "0");
		if (str_eq(settings[i].key, "mask"))
			CHECK_STR(text, "[\"a\\u000ab\"]");
		if (str_eq(settings[i].key, "network.host_ports"))
			CHECK_STR(text, "[1, \"2:3\"]");
	}
	unload(c);
	teardown();
}
