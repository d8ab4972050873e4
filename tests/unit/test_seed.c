#include "tap.h"

#include "agent/seed.h"
#include "lab.h"
#include "sys/fs.h"

#include <fcntl.h>

struct place {
	char root[32];
	int dir, user, inside;
	char *home;
	struct seed_report report;
};

static void place_init(struct place *p)
{
	*p = (struct place){};
	memcpy(p->root, "/tmp/bailey-unit-XXXXXX", 24);
	CHECK(mkdtemp(p->root));
	p->dir = open(p->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->user = fs_mkdir_beneath(p->dir, "user", 0755);
	p->inside = fs_mkdir_beneath(p->dir, "inside", 0755);
	p->home = xasprintf("%s/user", p->root);
}

static void place_done(struct place *p)
{
	fd_close(p->dir);
	fd_close(p->user);
	fd_close(p->inside);
	CHECK_INT(fs_remove_tree(AT_FDCWD, p->root), 0);
	free(p->home);
	seed_report_done(&p->report);
}

static void seed(struct place *p, const char *path)
{
	const struct agent_home home = {.fd = p->inside, .uid = (uid_t)-1, .gid = (gid_t)-1};
	struct strvec paths AUTO_STRVEC = {};

	strvec_push(&paths, path);
	CHECK_INT(seed_copy(p->home, &paths, &home, &p->report, NULL), 0);
}

static void check_got(struct place *p, const char *path, const char *want)
{
	AUTO_FREE char *got = lab_get(p->inside, path);

	if (want)
		CHECK_STR(got, want);
	else
		CHECK(!got);
}

static void check_line(const struct place *p, const char *want)
{
	if (!strvec_has(&p->report.lines, want))
		tap_fail(__FILE__, __LINE__, "no line \"%s\" among %zu, first \"%s\"", want,
			p->report.lines.n, p->report.lines.n ? p->report.lines.v[0] : "");
}

TEST(seed_tree)
{
	struct place p;
	struct stat st;

	place_init(&p);
	lab_put(p.user, ".a/CLAUDE.md", "words", 0644);
	lab_put(p.user, ".a/skills/s/SKILL.md", "skill", 0644);
	lab_put(p.user, ".a/skills/s/run.sh", "#!/bin/sh", 0755);
	seed(&p, ".a/CLAUDE.md");
	seed(&p, ".a/skills");
	seed(&p, ".a/not-there");
	check_got(&p, ".a/CLAUDE.md", "words");
	check_got(&p, ".a/skills/s/SKILL.md", "skill");
	CHECK_INT(fstatat(p.inside, ".a/skills/s/run.sh", &st, 0), 0);
	CHECK_INT(st.st_mode & 07777, 0700);
	CHECK_INT(p.report.files, 3);
	CHECK_INT(p.report.skipped, 0);
	place_done(&p);
}

TEST(seed_denied_names)
{
	static const char *const denied[] = {"auth.json", "AUTH.JSON", ".credentials.json",
		"my-credential", "token", "refresh_tokens.json", "x.key", "x.PEM", "id_rsa",
		"id_ed25519.pub", ".env", ".env.local", "history.jsonl", "history", "x.log", "logs",
		"cache", "node_modules", "projects", "todos", "statsig", "shell-snapshots",
		"sessions", "settings.json", "settings.local.json", ".mcp.json", "hooks", ".git",
		"state.sqlite-wal"};
	static const char *const allowed[] = {"CLAUDE.md", "tokenizer.md", "keys.md", "commands",
		"environment.md", "author.md", "identity.md", "logging.md", "project.md"};

	for (size_t i = 0; i < ARRAY_SIZE(denied); i++) {
		if (!seed_denied_name(denied[i]))
			tap_fail(__FILE__, __LINE__, "'%s' is not denied", denied[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
		if (seed_denied_name(allowed[i]))
			tap_fail(__FILE__, __LINE__, "'%s' is denied: %s", allowed[i],
				seed_denied_name(allowed[i]));
	}
}

/* Denied at any depth, and what is below a denied directory too. */
TEST(seed_denied_deep)
{
	struct place p;

	place_init(&p);
	lab_put(p.user, ".a/skills/s/good.md", "x", 0644);
	lab_put(p.user, ".a/skills/s/deep/er/id_rsa", "x", 0600);
	lab_put(p.user, ".a/skills/s/cache/x.md", "x", 0644);
	lab_put(p.user, ".a/skills/auth.json", "x", 0600);
	seed(&p, ".a/skills");
	check_got(&p, ".a/skills/s/good.md", "x");
	check_got(&p, ".a/skills/s/deep/er/id_rsa", NULL);
	check_got(&p, ".a/skills/s/cache/x.md", NULL);
	check_got(&p, ".a/skills/auth.json", NULL);
	check_line(&p, "skipped ~/.a/skills/s/deep/er/id_rsa: a key");
	check_line(&p, "skipped ~/.a/skills/s/cache: a cache");
	CHECK_INT(p.report.files, 1);
	place_done(&p);
}

TEST(seed_links)
{
	struct place p;

	place_init(&p);
	lab_put(p.user, ".ssh/id_rsa", "key", 0600);
	lab_put(p.user, "plain.md", "outside", 0644);
	lab_put(p.user, ".a/skills/real.md", "real", 0644);
	lab_put(p.user, ".a/skills/auth.json", "login", 0600);
	lab_link(p.user, ".a/skills/good.md", "real.md");
	lab_link(p.user, ".a/skills/up.md", "../../plain.md");
	lab_link(p.user, ".a/skills/abs.md", "/etc/passwd");
	lab_link(p.user, ".a/skills/dir", "../../.ssh");
	lab_link(p.user, ".a/skills/innocent.md", "auth.json");
	lab_link(p.user, ".a/skills/loop", ".");
	lab_link(p.user, ".a/skills/dangling", "nowhere");
	seed(&p, ".a/skills");
	check_got(&p, ".a/skills/good.md", "real");
	check_got(&p, ".a/skills/up.md", NULL);
	check_got(&p, ".a/skills/abs.md", NULL);
	check_got(&p, ".a/skills/dir/id_rsa", NULL);
	check_got(&p, ".a/skills/innocent.md", NULL);
	check_line(&p, "skipped ~/.a/skills/up.md: a link that leads out of what is seeded");
	check_line(&p, "skipped ~/.a/skills/abs.md: a link that leads out of what is seeded");
	check_line(&p, "skipped ~/.a/skills/dir: a link that leads out of what is seeded");
	check_line(&p, "skipped ~/.a/skills/innocent.md: a login");
	check_line(&p, "skipped ~/.a/skills/dangling: No such file or directory");
	/* The loop ends at the depth limit. */
	CHECK(p.report.files < 64);
	place_done(&p);
}

/* The seed path itself may be a link to elsewhere in the home, as dotfiles are kept. */
TEST(seed_top_links)
{
	struct place p;

	place_init(&p);
	lab_put(p.user, "dotfiles/claude.md", "words", 0644);
	lab_put(p.user, "dotfiles/commands/c.md", "command", 0644);
	lab_put(p.user, ".ssh/config", "Host x", 0644);
	lab_put(p.dir, "elsewhere.md", "not the user's", 0644);
	lab_link(p.user, ".a/ok.md", "../dotfiles/claude.md");
	lab_link(p.user, ".a/commands", "../dotfiles/commands");
	lab_link(p.user, ".a/ssh.md", "../.ssh/config");
	lab_link(p.user, ".a/all", "..");
	lab_link(p.user, ".a/out.md", "../../elsewhere.md");
	seed(&p, ".a/ok.md");
	seed(&p, ".a/commands");
	seed(&p, ".a/ssh.md");
	seed(&p, ".a/all");
	seed(&p, ".a/out.md");
	check_got(&p, ".a/ok.md", "words");
	check_got(&p, ".a/commands/c.md", "command");
	check_line(&p, "skipped ~/.a/ssh.md: keys");
	check_line(&p, "skipped ~/.a/all: a link to the whole home directory");
	check_line(&p, "skipped ~/.a/out.md: a link that leads out of what is seeded");
	CHECK_INT(p.report.files, 2);
	place_done(&p);
}

TEST(seed_contents)
{
	static const char *const denied[] = {"key: sk-ant-api03-abcdefghijklmnop",
		"sk-0123456789abcdefghijklmnopqrstuvwxyz",
		"ghp_0123456789abcdefghijklmnopqrstuvwxyz", "AKIAIOSFODNN7EXAMPLEXYZ",
		"-----BEGIN OPENSSH PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----"};
	static const char *const allowed[] = {"", "sk-",
		"a task-0123456789abcdefghijklmnopqrstuvwxyz", "use sk-ant-... as the key", "AKIA",
		"ghp_short", "the PRIVATE KEY of"};

	for (size_t i = 0; i < ARRAY_SIZE(denied); i++) {
		if (!seed_denied_content(denied[i], strlen(denied[i])))
			tap_fail(__FILE__, __LINE__, "'%s' is not denied", denied[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
		if (seed_denied_content(allowed[i], strlen(allowed[i])))
			tap_fail(__FILE__, __LINE__, "'%s' is denied", allowed[i]);
	}
}

TEST(seed_odd_files)
{
	struct place p;
	AUTO_FD int big = -1;

	place_init(&p);
	lab_mkdir(p.user, ".a", 0755);
	lab_mkdir(p.user, ".a/c", 0755);
	lab_mknod(p.user, ".a/c/fifo", S_IFIFO | 0644);
	lab_put(p.user, ".a/c/key.md", "mine is sk-ant-api03-0123456789abcdef", 0644);
	lab_put(p.user, ".a/c/\033]0;x\a.md", "x", 0644);
	big = openat(p.user, ".a/c/big.md", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	CHECK_INT(ftruncate(big, SEED_FILE_MAX + 1), 0);
	seed(&p, ".a/c");
	check_line(&p, "skipped ~/.a/c/fifo: neither a file nor a directory");
	check_line(&p, "skipped ~/.a/c/key.md: an API key");
	check_line(&p, "skipped ~/.a/c/big.md: too large");
	check_line(&p, "seeded ~/.a/c/\\e]0;x\\x07.md");
	CHECK_INT(p.report.files, 1);
	place_done(&p);
}

/* The sandbox's own files stay; links planted in its home lead nowhere. */
TEST(seed_hostile_home)
{
	struct place p;

	place_init(&p);
	lab_put(p.user, ".a/CLAUDE.md", "theirs", 0644);
	lab_put(p.user, ".b/CLAUDE.md", "theirs", 0644);
	lab_put(p.user, ".c/CLAUDE.md", "theirs", 0644);
	lab_mkdir(p.dir, "victim", 0755);
	lab_put(p.inside, ".a/CLAUDE.md", "mine", 0644);
	lab_link(p.inside, ".b", "../victim");
	lab_mkdir(p.inside, ".c", 0755);
	lab_link(p.inside, ".c/CLAUDE.md", "../../victim/x");
	seed(&p, ".a/CLAUDE.md");
	seed(&p, ".b/CLAUDE.md");
	seed(&p, ".c/CLAUDE.md");
	check_got(&p, ".a/CLAUDE.md", "mine");
	CHECK(faccessat(p.dir, "victim/CLAUDE.md", F_OK, 0) < 0);
	CHECK(faccessat(p.dir, "victim/x", F_OK, 0) < 0);
	CHECK_INT(p.report.files, 0);
	CHECK_INT(p.report.skipped, 3);
	place_done(&p);
}
