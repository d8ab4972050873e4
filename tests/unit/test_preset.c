#include "tap.h"

#include "agent/preset.h"
#include "lab.h"
#include "sys/fs.h"

#include <fcntl.h>

/* A place with data/agents and config/agents in it. */
struct place {
	char root[32];
	int dir;
	char *data, *config;
};

static void place_init(struct place *p)
{
	memcpy(p->root, "/tmp/bailey-unit-XXXXXX", 24);
	CHECK(mkdtemp(p->root));
	p->dir = open(p->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(p->dir >= 0);
	p->data = xasprintf("%s/data", p->root);
	p->config = xasprintf("%s/config", p->root);
}

static void place_done(struct place *p)
{
	CHECK_INT(fs_remove_tree(AT_FDCWD, p->root), 0);
	fd_close(p->dir);
	free(p->data);
	free(p->config);
}

/* The complaint about a shipped preset 'x' with this text; "" when it is fine. */
static char *complaint(const char *text)
{
	struct place p;
	AUTO_ERR struct err *err = NULL;
	AUTO_PRESET struct preset *preset = NULL;
	char *out;
	int r;

	place_init(&p);
	lab_put(p.dir, "data/agents/x.toml", text, 0644);
	r = preset_load(p.data, p.config, "x", &preset, &err);
	CHECK((r < 0) == (err != NULL));
	out = xstrdup(err ? err->text : "");
	if (str_after(out, p.root))
		memmove(out, out + strlen(p.root), strlen(out + strlen(p.root)) + 1);
	place_done(&p);
	return out;
}

TEST(preset_complaints)
{
	static const char *const rows[][2] = {
		{"program = 'x'\n", ""},
		{"summary = 'x'\n", "/data/agents/x.toml:1:1: 'program' is missing"},
		{"program = 'x'\nprogam = 1\n",
			"/data/agents/x.toml:2:1: unknown key 'progam' (did you mean 'program'?)"},
		{"program = 1\n",
			"/data/agents/x.toml:1:1: program must be a string, not an integer"},
		{"program = 'x'\nargs = 'y'\n",
			"/data/agents/x.toml:2:1: args must be an array, not a string"},
		{"program = 'x'\nargs = [1]\n",
			"/data/agents/x.toml:2:9: element must be a string, not an integer"},
		{"program = 'x'\nseed = ['../.ssh']\n",
			"/data/agents/x.toml:2:9: '../.ssh' must be a plain path below the home "
			"directory"},
		{"program = 'x'\nseed = ['/etc']\n",
			"/data/agents/x.toml:2:9: '/etc' must be a plain path below the home "
			"directory"},
		{"program = 'x'\nnote = 'a/./b'\n",
			"/data/agents/x.toml:2:1: 'a/./b' must be a plain path below the home "
			"directory"},
		{"program = 'x'\nnote = ''\n",
			"/data/agents/x.toml:2:1: '' must be a plain path below the home "
			"directory"},
		{"program = 'x'\n[env]\n'A=B' = ''\n",
			"/data/agents/x.toml:3:1: 'A=B' is no name for a variable"},
		{"program = 'x'\n[[files]]\npath = 'a'\n",
			"/data/agents/x.toml:2:1: 'content' is missing"},
		{"program = 'x'\n[[files]]\npath = 'a'\ncontent = ''\nmode = '0999'\n",
			"/data/agents/x.toml:5:1: mode must be octal and at most \"0777\""},
		{"program = 'x'\n[[files]]\npath = 'a'\ncontent = ''\nmode = '4755'\n",
			"/data/agents/x.toml:5:1: mode must be octal and at most \"0777\""},
		{"program = 'x'\n[[files]]\npath = 'a'\ncontent = ''\nformat = 'yaml'\n",
			"/data/agents/x.toml:5:1: format must be \"text\", \"json\" or \"toml\""},
		{"program = 'x'\n[[files]]\npath = 'a'\ncontent = ''\nmerge = true\n",
			"/data/agents/x.toml:2:1: only a file with format = \"json\" merges"},
		{"program = 'x'\nextends = 'nobody'\n",
			"/data/agents/x.toml:2:1: there is no agent 'nobody' to extend"},
		{"program = 'x'\nextends = '../y'\n",
			"/data/agents/x.toml:2:1: extends nothing that can be extended"},
		{"program = 'x'\nextends = 'x'\n",
			"/data/agents/x.toml:2:1: extends nothing that can be extended"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE char *got = complaint(rows[i][0]);

		CHECK_STR(got, rows[i][1]);
	}
}

TEST(preset_user_overrides)
{
	struct place p;
	AUTO_PRESET struct preset *one = NULL;
	AUTO_PRESET struct preset *two = NULL;
	struct strvec names AUTO_STRVEC = {};

	place_init(&p);
	lab_put(p.dir, "data/agents/base.toml",
		"program = 'base'\nargs = ['-a']\n[env]\nA = '1'\nB = '2'\n"
		"[[credentials]]\npath = 'x/auth.json'\n",
		0644);
	lab_put(p.dir, "config/agents/base.toml", "args = ['-z']\n[env]\nB = '3'\n", 0644);
	lab_put(p.dir, "config/agents/mine.toml",
		"extends = 'base'\nprogram = '/opt/mine'\nseed = ['s']\n", 0644);
	lab_put(p.dir, "config/agents/Bad Name.toml", "program = 'x'\n", 0644);
	CHECK_INT(preset_load(p.data, p.config, "base", &one, NULL), 0);
	CHECK_STR(one->program, "base");
	CHECK_STR(one->args.v[0], "-z");
	CHECK_INT(one->args.n, 1);
	CHECK_STR(strvec_env_get(&one->env, "A"), "1");
	CHECK_STR(strvec_env_get(&one->env, "B"), "3");
	CHECK_INT(one->n_credentials, 1);
	CHECK_INT(preset_load(p.data, p.config, "mine", &two, NULL), 0);
	CHECK_STR(two->name, "mine");
	CHECK_STR(two->program, "/opt/mine");
	CHECK_STR(two->args.v[0], "-z");
	CHECK_STR(two->credentials[0].path, "x/auth.json");
	CHECK_STR(two->seed.v[0], "s");
	preset_list(p.data, p.config, &names);
	CHECK_INT(names.n, 2);
	CHECK_STR(names.v[0], "base");
	CHECK_STR(names.v[1], "mine");
	place_done(&p);
}

TEST(preset_unknown_names)
{
	struct place p;
	static const char *const names[] = {
		"bose", "../base", "", "BASE", "-x", "a/b", "base.toml"};

	place_init(&p);
	lab_put(p.dir, "data/agents/base.toml", "program = 'base'\n", 0644);
	lab_put(p.dir, "base.toml", "program = 'base'\n", 0644);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		AUTO_ERR struct err *err = NULL;
		struct preset *preset = NULL;

		CHECK_INT(preset_load(p.data, p.config, names[i], &preset, &err), -ENOENT);
		CHECK(!preset);
		if (i == 0)
			CHECK_STR(err->hint, "did you mean 'base'?");
	}
	place_done(&p);
}

/* A chain of presets that stand on one another ends. */
TEST(preset_extends_loop)
{
	struct place p;
	AUTO_ERR struct err *err = NULL;
	struct preset *preset = NULL;

	place_init(&p);
	lab_put(p.dir, "config/agents/a.toml", "extends = 'b'\nprogram = 'a'\n", 0644);
	lab_put(p.dir, "config/agents/b.toml", "extends = 'a'\nprogram = 'b'\n", 0644);
	CHECK_INT(preset_load(p.data, p.config, "a", &preset, &err), -EINVAL);
	place_done(&p);
}

/* What is shipped loads, and holds what every agent needs. */
TEST(preset_shipped)
{
	struct strvec names AUTO_STRVEC = {};

	preset_list(BAILEY_SOURCE "/share", NULL, &names);
	CHECK_INT(names.n, 8);
	for (size_t i = 0; i < names.n; i++) {
		AUTO_PRESET struct preset *p = NULL;
		AUTO_ERR struct err *err = NULL;

		if (preset_load(BAILEY_SOURCE "/share", NULL, names.v[i], &p, &err) < 0)
			tap_fail(__FILE__, __LINE__, "%s", err->text);
		if (str_eq(names.v[i], "shell"))
			continue;
		CHECK(p->install && p->note && p->headless.n > 0 && p->resume.n > 0);
		CHECK(p->hosts.n > 0 && p->api_keys.n > 0);
		/* The note and seeds would collide with logins. */
		for (size_t c = 0; c < p->n_credentials; c++) {
			CHECK(!str_eq(p->note, p->credentials[c].path));
			CHECK(!strvec_has(&p->seed, p->credentials[c].path));
		}
	}
}

TEST(preset_expand)
{
	struct strvec env AUTO_STRVEC = {};
	const struct preset_values v = {.home = "/h", .project = "/a \"b\"\\c\n", .env = &env};
	static const struct {
		const char *text;
		enum preset_format format;
		const char *want;
	} rows[] = {
		{"", PRESET_TEXT, ""},
		{"$ $$ {home} ${home}${home}", PRESET_TEXT, "$ $$ {home} /h/h"},
		{"${project}", PRESET_TEXT, "/a \"b\"\\c\n"},
		{"\"${project}\"", PRESET_JSON, "\"/a \\\"b\\\"\\\\c\\u000a\""},
		{"${env.KEY}", PRESET_TEXT, "0123456789012345678901234"},
		{"${tail.KEY}", PRESET_TEXT, "56789012345678901234"},
		{"${tail.SHORT}", PRESET_TEXT, "abc"},
		{"${prompt}", PRESET_TEXT, NULL},
		{"${env.NONE}", PRESET_TEXT, NULL},
		{"${", PRESET_TEXT, NULL},
		{"${}", PRESET_TEXT, NULL},
	};

	strvec_env_set(&env, "KEY", "0123456789012345678901234");
	strvec_env_set(&env, "SHORT", "abc");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE char *got = NULL;
		AUTO_ERR struct err *err = NULL;
		int r = preset_expand(rows[i].text, rows[i].format, &v, &got, &err);

		if (rows[i].want)
			CHECK_STR(got, rows[i].want);
		else
			CHECK(r == -EINVAL && err && !got);
	}
}

TEST(preset_expand_refuses_invalid_utf8)
{
	const struct preset_values v = {.home = "/h\xff"};
	AUTO_FREE char *got = NULL;

	CHECK_INT(preset_expand("${home}", PRESET_JSON, &v, &got, NULL), -EINVAL);
	CHECK_INT(preset_expand("${home}", PRESET_TOML, &v, &got, NULL), -EINVAL);
	CHECK_INT(preset_expand("${home}", PRESET_TEXT, &v, &got, NULL), 0);
}
