#include "tap.h"

#include "agent/config.h"
#include "agent/prepare.h"
#include "lab.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <jansson.h>

struct place {
	char root[32];
	int dir, inside;
	struct agent_places places;
	struct conf conf;
	struct policy policy;
	struct strvec env, argv, notes, details;
	const char *const *args;
	bool resume;
};

static const char preset_text[] =
	"program = 'agent'\n"
	"install = 'npm install -g agent'\n"
	"args = ['--unleash', '--read', '${home}/x']\n"
	"headless = ['exec', '${prompt}']\n"
	"resume = ['resume', '--last']\n"
	"note = '.agent/AGENTS.md'\n"
	"seed = ['.agent/AGENTS.md', '.agent/skills']\n"
	"api_keys = ['AGENT_KEY']\n"
	"[env]\nNO_UPDATE = '1'\nPLACE = '${project}'\n"
	"[env_root]\nAS_ROOT = '1'\n"
	"[[files]]\npath = '.agent.json'\nformat = 'json'\nmerge = true\n"
	"content = '{\"trust\": {\"${project}\": true}, \"list\": [1]}'\n"
	"[[files]]\npath = '.agent.json'\nformat = 'json'\nmerge = true\nwhen_env = 'AGENT_KEY'\n"
	"content = '{\"key\": \"${tail.AGENT_KEY}\"}'\n"
	"[[files]]\npath = '.agent/config.toml'\nformat = 'toml'\n"
	"content = '''[\"${project}\"]\n'''\n"
	"[[credentials]]\npath = '.agent/auth.json'\nkeys = ['login']\n";

static void place_init(struct place *p)
{
	AUTO_FREE char *text = xstrdup(preset_text);

	*p = (struct place){};
	memcpy(p->root, "/tmp/bailey-unit-XXXXXX", 24);
	CHECK(mkdtemp(p->root));
	p->dir = open(p->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->inside = fs_mkdir_beneath(p->dir, "inside", 0755);
	p->places = (struct agent_places){
		.data = xasprintf("%s/data", p->root),
		.config = xasprintf("%s/config", p->root),
		.store = xasprintf("%s/store", p->root),
		.home = xasprintf("%s/user", p->root),
	};
	p->policy = (struct policy){.project = (char *)"/p/\"q\"",
		.home = (char *)"/home/u",
		.uid = 1000,
		.workspace = CONF_WORKSPACE_STAGED};
	p->conf.seed = true;
	lab_put(p->dir, "data/agents/agent.toml", text, 0644);
	lab_put(p->dir, "data/agents/note.md", "In ${project}. ${work} ${ports}\n", 0644);
	lab_put(p->dir, "user/bin/agent", "\177ELF", 0755);
	strvec_pushf(&p->env, "PATH=%s/user/bin:/usr/bin", p->root);
}

static void place_done(struct place *p)
{
	fd_close(p->dir);
	fd_close(p->inside);
	CHECK_INT(fs_remove_tree(AT_FDCWD, p->root), 0);
	agent_places_done(&p->places);
	strvec_done(&p->env);
	strvec_done(&p->argv);
	strvec_done(&p->notes);
	strvec_done(&p->details);
	strvec_done(&p->policy.env);
	for (size_t i = 0; i < p->policy.n_mounts; i++) {
		free(p->policy.mounts[i].src);
		free(p->policy.mounts[i].dst);
		free(p->policy.mounts[i].why);
	}
	free(p->policy.mounts);
	free(p->policy.agent);
}

static int prepare(struct place *p, struct err **err)
{
	const struct agent_prepare_args args = {
		.agent = "agent",
		.conf = &p->conf,
		.places = &p->places,
		.environ = strvec_argv(&p->env),
		.args = p->args,
		.resume = p->resume,
		.home = p->inside,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.notes = &p->notes,
		.details = &p->details,
	};

	strvec_done(&p->argv);
	return agent_prepare(&args, &p->policy, &p->argv, err);
}

static char *joined(const struct strvec *v)
{
	struct buf b AUTO_BUF = {};

	for (size_t i = 1; i < v->n; i++)
		buf_printf(&b, "%s%s", i > 1 ? " " : "", v->v[i]);
	return buf_take(&b);
}

TEST(agent_prepare_all)
{
	static const char *const args[] = {"exec", "do it", NULL};
	struct place p;
	AUTO_FREE char *line = NULL;
	AUTO_FREE char *config = NULL;
	AUTO_FREE char *json = NULL;
	AUTO_FREE char *note = NULL;
	AUTO_FREE char *skill = NULL;
	json_t *root;

	place_init(&p);
	lab_put(p.dir, "user/.agent/AGENTS.md", "Be brief.\n", 0644);
	lab_put(p.dir, "user/.agent/skills/s.md", "skill", 0644);
	p.args = args;
	CHECK_INT(prepare(&p, NULL), 0);
	CHECK(str_ends(p.argv.v[0], "/user/bin/agent"));
	line = joined(&p.argv);
	CHECK_STR(line, "--unleash --read /home/u/x exec do it");
	CHECK_STR(p.policy.agent, "agent");
	CHECK_INT(p.policy.n_mounts, 1);
	CHECK_STR(p.policy.mounts[0].src, p.argv.v[0]);
	CHECK_STR(p.policy.mounts[0].dst, p.argv.v[0]);
	CHECK(!p.policy.mounts[0].writable);
	CHECK_STR(strvec_env_get(&p.policy.env, "NO_UPDATE"), "1");
	CHECK_STR(strvec_env_get(&p.policy.env, "PLACE"), "/p/\"q\"");
	CHECK(!strvec_env_get(&p.policy.env, "AS_ROOT"));
	config = lab_get(p.inside, ".agent/config.toml");
	CHECK_STR(config, "[\"/p/\\\"q\\\"\"]\n");
	json = lab_get(p.inside, ".agent.json");
	root = json_loads(json, 0, NULL);
	CHECK(json_is_true(json_object_get(json_object_get(root, "trust"), "/p/\"q\"")));
	CHECK(!json_object_get(root, "key"));
	json_decref(root);
	note = lab_get(p.inside, ".agent/AGENTS.md");
	CHECK(str_after(note, "Be brief.\n\n<!-- bailey: begin -->\nIn /p/\"q\". Your changes"));
	CHECK(str_ends(note, " none\n<!-- bailey: end -->\n"));
	skill = lab_get(p.inside, ".agent/skills/s.md");
	CHECK_STR(skill, "skill");
	CHECK_INT(p.notes.n, 0);
	place_done(&p);
}

/* The second start changes nothing that is as it should be, and keeps what the agent wrote. */
TEST(agent_prepare_again)
{
	struct place p;
	AUTO_FREE char *config = NULL;
	AUTO_FREE char *note = NULL;
	AUTO_FREE char *json = NULL;
	struct stat before, after;
	json_t *root;

	place_init(&p);
	CHECK_INT(prepare(&p, NULL), 0);
	lab_put(p.inside, ".agent/config.toml", "mine", 0600);
	lab_put(p.inside, ".agent.json",
		"{\"mine\": 1, \"trust\": {\"/other\": true}, \"list\": [2]}", 0600);
	note = lab_get(p.inside, ".agent/AGENTS.md");
	CHECK_INT(fstatat(p.inside, ".agent/AGENTS.md", &before, 0), 0);
	CHECK_INT(prepare(&p, NULL), 0);
	CHECK_INT(fstatat(p.inside, ".agent/AGENTS.md", &after, 0), 0);
	CHECK_INT(before.st_ino, after.st_ino);
	config = lab_get(p.inside, ".agent/config.toml");
	CHECK_STR(config, "mine");
	json = lab_get(p.inside, ".agent.json");
	root = json_loads(json, 0, NULL);
	CHECK_INT(json_integer_value(json_object_get(root, "mine")), 1);
	CHECK_INT(json_object_size(json_object_get(root, "trust")), 2);
	CHECK_INT(json_array_size(json_object_get(root, "list")), 2);
	json_decref(root);
	CHECK_INT(fstatat(p.inside, ".agent.json", &before, 0), 0);
	CHECK_INT(prepare(&p, NULL), 0);
	CHECK_INT(fstatat(p.inside, ".agent.json", &after, 0), 0);
	CHECK_INT(before.st_ino, after.st_ino);
	place_done(&p);
}

TEST(agent_resume)
{
	static const char *const hello[] = {"hello", NULL};
	static const char *const exec[] = {"exec", "hello", NULL};
	const struct {
		const char *const *args;
		const char *want;
	} rows[] = {
		{NULL, "--unleash --read /home/u/x resume --last"},
		{hello, "--unleash --read /home/u/x resume --last hello"},
		{exec, "--unleash --read /home/u/x exec resume --last hello"},
	};
	struct place p;

	place_init(&p);
	p.resume = true;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE char *line = NULL;

		p.args = rows[i].args;
		CHECK_INT(prepare(&p, NULL), 0);
		line = joined(&p.argv);
		CHECK_STR(line, rows[i].want);
	}
	place_done(&p);
}

TEST(agent_environment)
{
	struct place p;
	AUTO_FREE char *json = NULL;

	place_init(&p);
	strvec_push(&p.env, "AGENT_KEY=secret-0123456789abcdefghij");
	strvec_env_set(&p.policy.env, "NO_UPDATE", "0");
	p.policy.uid = 0;
	CHECK_INT(prepare(&p, NULL), 0);
	CHECK_STR(strvec_env_get(&p.policy.env, "NO_UPDATE"), "0"); /* the user's word */
	CHECK_STR(strvec_env_get(&p.policy.env, "AS_ROOT"), "1");
	CHECK(!strvec_env_get(&p.policy.env, "AGENT_KEY"));
	CHECK_INT(p.notes.n, 1);
	CHECK(!strstr(p.notes.v[0], "secret"));
	p.conf.credentials = CONF_CREDENTIALS_HOST;
	CHECK_INT(prepare(&p, NULL), 0);
	CHECK_STR(strvec_env_get(&p.policy.env, "AGENT_KEY"), "secret-0123456789abcdefghij");
	json = lab_get(p.inside, ".agent.json");
	CHECK(strstr(json, "\"0123456789abcdefghij\""));
	CHECK(!strstr(json, "secret"));
	place_done(&p);
}

TEST(agent_missing)
{
	struct place p;
	AUTO_ERR struct err *err = NULL;
	AUTO_ERR struct err *none = NULL;
	struct agent_prepare_args args;

	place_init(&p);
	CHECK_INT(unlinkat(p.dir, "user/bin/agent", 0), 0);
	CHECK_INT(prepare(&p, &err), -ENOENT);
	CHECK_STR(err->text, "'agent' is not installed");
	CHECK_STR(err->hint, "install it: npm install -g agent");
	args = (struct agent_prepare_args){.agent = "agnt",
		.conf = &p.conf,
		.places = &p.places,
		.environ = strvec_argv(&p.env),
		.home = -1};
	CHECK_INT(agent_prepare(&args, &p.policy, &p.argv, &none), -ENOENT);
	CHECK_STR(none->text, "no agent is called 'agnt'");
	CHECK_STR(none->hint, "did you mean 'agent'?");
	CHECK(agent_exists(&p.places, "agent"));
	CHECK(!agent_exists(&p.places, "agnt"));
	CHECK(!agent_exists(&p.places, "../agents/agent"));
	place_done(&p);
}

/* Whatever an earlier run has left in its home: nothing outside is touched, and it starts. */
TEST(agent_hostile_home)
{
	static const char deep[] = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[";
	struct place p;
	AUTO_FD int big = -1;
	AUTO_FD int victim = -1;

	place_init(&p);
	victim = fs_mkdir_beneath(p.dir, "victim", 0755);
	lab_put(p.dir, "user/.agent/AGENTS.md", "Be brief.\n", 0644);
	lab_put(p.dir, "user/.agent/auth.json", "{\"login\":{}}", 0600);
	p.conf.credentials = CONF_CREDENTIALS_HOST;
	lab_put(victim, "file", "untouched", 0644);
	/* a directory that is a link, a file that is a link */
	lab_link(p.inside, ".agent", "../victim");
	lab_link(p.inside, ".agent.json", "../victim/file");
	CHECK_INT(prepare(&p, NULL), 0);
	CHECK(p.notes.n > 0);
	/* an absolute link, and one through /proc */
	CHECK_INT(unlinkat(p.inside, ".agent", 0), 0);
	CHECK_INT(unlinkat(p.inside, ".agent.json", 0), 0);
	lab_link(p.inside, ".agent", "/proc/self/cwd");
	lab_mknod(p.inside, ".agent.json", S_IFIFO | 0600);
	CHECK_INT(prepare(&p, NULL), 0);
	/* a file for a directory, JSON that is none */
	CHECK_INT(unlinkat(p.inside, ".agent", 0), 0);
	CHECK_INT(unlinkat(p.inside, ".agent.json", 0), 0);
	lab_put(p.inside, ".agent", "x", 0600);
	lab_put(p.inside, ".agent.json", deep, 0600);
	CHECK_INT(prepare(&p, NULL), 0);
	/* a directory for a file, a huge file */
	CHECK_INT(unlinkat(p.inside, ".agent", 0), 0);
	CHECK_INT(unlinkat(p.inside, ".agent.json", 0), 0);
	lab_mkdir(p.inside, ".agent", 0755);
	lab_mkdir(p.inside, ".agent/AGENTS.md", 0755);
	big = openat(p.inside, ".agent.json", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK_INT(ftruncate(big, CONFIG_MAX + 1L), 0);
	CHECK_INT(prepare(&p, NULL), 0);
	{
		AUTO_FREE char *file = lab_get(victim, "file");
		AUTO_FD int copy = openat(victim, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		AUTO_DIR DIR *d = fdopendir(TAKE_FD(copy));
		size_t n = 0;

		CHECK_STR(file, "untouched");
		while (readdir(d))
			n++;
		CHECK_INT(n, 3);
	}
	place_done(&p);
}

TEST(agent_collect)
{
	struct place p;
	AUTO_FREE char *got = NULL;

	place_init(&p);
	lab_put(p.inside, ".agent/auth.json", "{\"login\":{\"t\":1}}", 0600);
	lab_put(p.inside, ".agent/other.json", "{\"login\":{\"t\":1}}", 0600);
	CHECK_INT(agent_collect(
			  "agent", CONF_CREDENTIALS_BAILEY, &p.places, p.inside, &p.notes, NULL),
		1);
	got = lab_get(p.dir, "store/credentials/agent/auth.json");
	CHECK_STR(got, "{\"login\":{\"t\":1}}");
	CHECK(faccessat(p.dir, "store/credentials/agent/other.json", F_OK, 0) < 0);
	CHECK_INT(agent_collect("nobody", CONF_CREDENTIALS_BAILEY, &p.places, p.inside, NULL, NULL),
		-ENOENT);
	place_done(&p);
}

TEST(config_merge_json)
{
	static const struct {
		const char *old, *set;
		const char *want; /* NULL: unchanged */
	} rows[] = {
		{NULL, "{}", "{}\n"},
		{"{}", "{}", NULL},
		{"{\"a\":1}", "{\"a\":1}", NULL},
		{"{\"a\":[1,2]}", "{\"a\":[2]}", NULL},
		{"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1}}", NULL},
		{"{\"a\":1}", "{\"a\":{\"b\":1}}", "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n"},
	};
	AUTO_FREE char *out = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE char *got = NULL;

		CHECK_INT(config_merge_json(rows[i].old, rows[i].old ? strlen(rows[i].old) : 0,
				  rows[i].set, &got, NULL),
			0);
		if (rows[i].want)
			CHECK_STR(got, rows[i].want);
		else
			CHECK(!got);
	}
	CHECK_INT(config_merge_json("[]", 2, "{}", &out, NULL), -EBADMSG);
	CHECK_INT(config_merge_json("", 0, "{}", &out, NULL), -EBADMSG);
	CHECK_INT(config_merge_json(NULL, 0, "[", &out, NULL), -EINVAL);
}
