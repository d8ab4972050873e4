/*
 * Policies as they are compiled from fixed settings for a fixed caller, compared byte
 * for byte with what is checked in: CASE/bailey.toml gives CASE/policy.txt and
 * CASE/policy.json. Lines "# cli: KEY=VALUE" at the top are the command line's, and
 * "# root" makes the caller root. `golden --update DIR` writes the files anew; read
 * the difference before committing it.
 */
#include "policy/policy.h"
#include "sys/fs.h"

#include <fcntl.h>

static const char *const cases[] = {
	"defaults",
	"everything",
	"masks",
	"refused-image",
	"refused-mount",
	"refused-network",
	"refused-vm",
	"root",
	"root-by-range",
};

static char *slurp(const char *path)
{
	AUTO_BUF struct buf b = BUF_INIT(1024 * 1024);

	return fs_read_at(AT_FDCWD, path, &b) < 0 ? NULL : buf_take(&b);
}

/* What the comments at the top of the settings say. */
static void read_head(const char *text, struct strvec *cli, bool *root)
{
	AUTO_FREE char *copy = xstrdup(text);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")) && *line == '#') {
		const char *setting = str_after(line, "# cli: ");

		if (setting)
			strvec_push(cli, setting);
		else if (str_eq(line, "# root"))
			*root = true;
	}
}

static int compile(const char *dir, struct policy **ret, struct err **err)
{
	static char *vars[] = {(char *)"TERM=xterm-256color", (char *)"LANG=de_DE.UTF-8",
		(char *)"LC_TIME=C", (char *)"LC_ALL=bad value", (char *)"TZ=../../etc/passwd",
		(char *)"SSH_AUTH_SOCK=/tmp/agent", (char *)"API_TOKEN=abc",
		/* No file of this machine is read. */
		(char *)"XDG_CONFIG_HOME=/home/alice/.config", NULL};
	AUTO_FREE char *file = xasprintf("%s/bailey.toml", dir);
	AUTO_FREE char *text = slurp(file);
	AUTO_STRVEC struct strvec cli = {0};
	AUTO_CONF struct conf *conf = NULL;
	AUTO_ORIGINS struct conf_origins *origins = NULL;
	struct conf_load_args args = {.project = dir,
		.cwd = "/home/alice/src/demo",
		.home = "/home/alice",
		.environ = vars,
		.etc = "/nonexistent",
		.no_trust = true};
	struct policy_context ctx = {.project = "/home/alice/src/demo",
		.cwd = "/home/alice/src/demo/sub",
		.name = "fix-42",
		.uid = 1000,
		.gid = 1000,
		.user = "alice",
		.home = "/home/alice",
		.shell = "/bin/bash",
		.environ = vars};
	bool root = false;
	int r;

	if (!text)
		return err_set(err, ENOENT, "read %s", file);
	read_head(text, &cli, &root);
	if (root) {
		ctx.uid = ctx.gid = 0;
		ctx.user = "root";
		ctx.home = args.home = "/root";
	}
	args.cli = (const char *const *)strvec_argv(&cli);
	r = conf_load(&args, &conf, &origins, err);
	return r < 0 ? r : policy_compile(conf, &ctx, ret, err);
}

/* Both forms, or the refusal in place of both. */
static void describe(const char *dir, char **ret_text, char **ret_json)
{
	AUTO_STRVEC struct strvec enforce = {0};
	AUTO_POLICY struct policy *p = NULL;
	AUTO_ERR struct err *err = NULL;
	size_t size;
	FILE *f;

	if (compile(dir, &p, &err) < 0) {
		*ret_text = err->hint ? xasprintf("refused: %s (%s)\n", err->text, err->hint)
				      : xasprintf("refused: %s\n", err->text);
		*ret_json = xstrdup("null\n");
		return;
	}
	strvec_push(&enforce, "userns");
	strvec_push(&enforce, "landlock");
	f = open_memstream(ret_text, &size);
	policy_print(p, &enforce, f);
	(void)fclose(f);
	f = open_memstream(ret_json, &size);
	{
		AUTO_FREE char *json = policy_to_json(p, &enforce);

		fprintf(f, "%s\n", json);
	}
	(void)fclose(f);
}

static bool same(const char *dir, const char *name, const char *now, bool update)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	AUTO_FREE char *want = slurp(path);
	size_t line = 1;

	if (update)
		return fs_write_at(AT_FDCWD, path, now, strlen(now), 0644) == 0;
	if (want && str_eq(want, now))
		return true;
	for (size_t i = 0; want && want[i] && want[i] == now[i]; i++)
		line += want[i] == '\n';
	printf("# %s differs, first in line %zu\n", path, line);
	return false;
}

int main(int argc, char **argv)
{
	bool update = argc == 3 && str_eq(argv[1], "--update"), all = true;

	if (argc != 2 + update) {
		fputs("usage: golden [--update] DIR\n", stderr);
		return 2;
	}
	printf("1..%zu\n", ARRAY_SIZE(cases));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE char *dir = xasprintf("%s/%s", argv[1 + update], cases[i]);
		AUTO_FREE char *text = NULL, *json = NULL;
		bool good;

		describe(dir, &text, &json);
		good = same(dir, "policy.txt", text, update);
		good = same(dir, "policy.json", json, update) && good;
		all = all && good;
		printf("%sok %zu - %s\n", good ? "" : "not ", i + 1, cases[i]);
	}
	return all ? 0 : 1;
}
