#include "lab.h"

#include "sys/fs.h"
#include "workspace/rename.h"
#include "workspace/surface.h"

#include <fcntl.h>

#define BIT(x) (1U << SURFACE_##x)

TEST(surface_paths)
{
	static const struct {
		const char *path;
		unsigned classes;
	} rows[] = {
		{"src/main.c", 0},
		{"README.md", 0},
		{"git", 0},
		{"gitattributes", 0},
		{".gitignore", 0},
		{".git", BIT(GIT)},
		{".git/hooks/pre-commit", BIT(GIT)},
		{"vendor/x/.git/config", BIT(GIT)},
		{".GIT/config", BIT(GIT)},
		{".git./config", BIT(GIT)},
		{".git /config", BIT(GIT)},
		{"GIT~1/config", BIT(GIT)},
		{".g\xe2\x80\x8cit/config", BIT(GIT) | BIT(NAME)},
		{"a/.gitattributes", BIT(GIT)},
		{".gitmodules", BIT(GIT)},
		{".vscode/tasks.json", BIT(EDITOR)},
		{".v\xc5\xbf"
		 "code/tasks.json",
			BIT(EDITOR)},
		{"x.code-workspace", BIT(EDITOR)},
		{".idea/workspace.xml", BIT(EDITOR)},
		{".nvim.lua", BIT(EDITOR)},
		{".envrc", BIT(SHELL)},
		{"sub/.bashrc", BIT(SHELL)},
		{"mise.toml", BIT(SHELL)},
		{"CLAUDE.md", BIT(AGENT)},
		{"docs/claude.MD", BIT(AGENT)},
		{".claude/settings.json", BIT(AGENT)},
		{".mcp.json", BIT(AGENT)},
		{".github/copilot-instructions.md", BIT(AGENT)},
		{".aider.conf.yml", BIT(AGENT)},
		{".codex/config.toml", BIT(AGENT)},
		{"bailey.toml", BIT(BAILEY)},
		{"bailey.local.toml", BIT(BAILEY)},
		{"package.json", BIT(PACKAGE)},
		{"a/b/conftest.py", BIT(PACKAGE)},
		{"build.rs", BIT(PACKAGE)},
		{".cargo/config.toml", BIT(PACKAGE)},
		{"Makefile", BIT(BUILD)},
		{"makefile", BIT(BUILD)},
		{"rules.mk", BIT(BUILD)},
		{"Dockerfile.dev", BIT(BUILD)},
		{"flake.nix", BIT(BUILD)},
		{"gradle/wrapper/gradle-wrapper.properties", BIT(BUILD)},
		{".github/workflows/ci.yml", BIT(CI)},
		{".github/ISSUE_TEMPLATE.md", 0},
		{".gitlab-ci.yml", BIT(CI)},
		{"package-lock.json", BIT(LOCKFILE)},
		{"Cargo.lock", BIT(LOCKFILE)},
		{"a.ipynb", BIT(NOTEBOOK)},
		{"a\nb", BIT(NAME)},
		{"a\x1b[31mb", BIT(NAME)},
		{"\xe2\x80\xae"
		 "txt.sh",
			BIT(NAME)},
		{"\xff", BIT(NAME)},
		{"...", 0},
		{"", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned got = surface_of_path(rows[i].path);

		if (got != rows[i].classes)
			tap_fail(__FILE__, __LINE__, "'%s': %x, not %x", rows[i].path, got,
				rows[i].classes);
	}
}

/* Every pattern matches itself, with its stars as a letter, at any depth, in capitals. */
TEST(surface_patterns_match_themselves)
{
	for (size_t i = 0; i < n_surface_patterns; i++) {
		const struct surface_pattern *p = &surface_patterns[i];
		AUTO_FREE char *path = xasprintf(
			"deep/%s%s", p->pattern, str_ends(p->pattern, "/") ? "inside" : "");

		for (char *c = path; *c; c++) {
			*c = *c == '*' ? 'x' : *c;
			*c = *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c;
		}
		if (!(surface_of_path(path) & 1U << p->class))
			tap_fail(__FILE__, __LINE__, "'%s' is not %s", path,
				surface_classes[p->class].name);
	}
}

TEST(surface_links)
{
	static const struct {
		const char *path, *target;
		bool leaves;
	} rows[] = {
		{"l", "a", false},
		{"l", "./a/b", false},
		{"l", "/etc/passwd", true},
		{"l", "..", true},
		{"d/l", "../a", false},
		{"d/l", "../../a", true},
		{"d/e/l", "../../a", false},
		{"d/l", "./.././a", false},
		{"l", "a/../b", true}, /* a may be a link itself */
		{"l", "a/..", true},
		{"l", "..a", false},
		{"l", "...", false},
		{"l", ".git/hooks/pre-commit", true},
		{"d/l", "../.git", true},
		{"l", "", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (surface_link_leaves(rows[i].path, rows[i].target) != rows[i].leaves)
			tap_fail(__FILE__, __LINE__, "%s -> %s", rows[i].path, rows[i].target);
}

TEST(surface_names)
{
	for (size_t i = 0; i < SURFACE_N; i++) {
		CHECK_INT(surface_parse(surface_classes[i].name), 1U << i);
		CHECK(strlen(surface_classes[i].why) > 10);
	}
	CHECK_INT(surface_parse("all"), SURFACE_ALL);
	CHECK_INT(surface_parse("GIT"), 0);
	CHECK_INT(surface_parse(""), 0);
}

static unsigned classes_of(const struct change_list *list, const char *path)
{
	struct change *c = change_list_find(list, path);

	if (!c)
		tap_fail(__FILE__, __LINE__, "no change '%s'", path);
	return c->classes;
}

TEST(surface_contents)
{
	AUTO_CHANGES struct change_list *list = NULL;
	struct lab l;

	lab_init(&l);
	lab_put(l.s.upper, "run", "x", 0755);
	lab_put(l.s.upper, "plain", "x", 0644);
	lab_put(l.s.lower, "was-x", "x", 0755);
	lab_put(l.s.upper, "was-x", "y", 0755);
	lab_put(l.s.lower, "gets-x", "x", 0644);
	lab_put(l.s.upper, "gets-x", "x", 0755);
	lab_put(l.s.upper, "trojan", "if (\xe2\x80\xae x)", 0644);
	lab_link(l.s.upper, "out", "/etc");
	lab_link(l.s.upper, "in", "plain");
	lab_put(l.s.lower, "Makefile", "x", 0644);
	lab_whiteout(l.s.upper, "Makefile");
	list = lab_changes(&l);
	surface_classify(list, &l.s);
	CHECK_INT(classes_of(list, "run"), BIT(EXEC_MODE));
	CHECK_INT(classes_of(list, "plain"), 0);
	CHECK_INT(classes_of(list, "was-x"), 0);
	CHECK_INT(classes_of(list, "gets-x"), BIT(EXEC_MODE));
	CHECK_INT(classes_of(list, "trojan"), BIT(TEXT));
	CHECK_INT(classes_of(list, "out"), BIT(SYMLINK));
	CHECK_INT(classes_of(list, "in"), 0);
	CHECK_INT(classes_of(list, "Makefile"), BIT(BUILD));
	lab_done(&l);
}

TEST(surface_bare_repository)
{
	AUTO_CHANGES struct change_list *list = NULL;
	struct lab l;

	lab_init(&l);
	lab_put(l.s.upper, "sub/HEAD", "ref: x", 0644);
	lab_put(l.s.upper, "sub/config", "x", 0644);
	lab_put(l.s.upper, "sub/hooks/post-checkout", "x", 0644);
	lab_put(l.s.upper, "sub/zz", "x", 0644);
	lab_mkdir(l.s.upper, "sub/objects", 0755);
	/* its last part is on the host already */
	lab_mkdir(l.s.lower, "sub/refs", 0755);
	lab_put(l.s.upper, "not/HEAD", "x", 0644);
	lab_put(l.s.upper, "not/config", "x", 0644);
	lab_put(l.s.upper, "not/sub/config", "x", 0644);
	/* a repository of the host whose config changes */
	lab_put(l.s.lower, "a/host/HEAD", "x", 0644);
	lab_mkdir(l.s.lower, "a/host/objects", 0755);
	lab_mkdir(l.s.lower, "a/host/refs", 0755);
	lab_put(l.s.upper, "a/host/config", "x", 0644);
	lab_put(l.s.upper, "a/host/info/attributes", "x", 0644);
	/* the project itself */
	list = lab_changes(&l);
	surface_classify(list, &l.s);
	CHECK_INT(classes_of(list, "sub/HEAD"), BIT(GIT));
	CHECK_INT(classes_of(list, "sub/config"), BIT(GIT));
	CHECK_INT(classes_of(list, "sub/hooks/post-checkout"), BIT(GIT));
	CHECK_INT(classes_of(list, "sub/zz"), 0);
	CHECK_INT(classes_of(list, "not/HEAD"), 0);
	CHECK_INT(classes_of(list, "not/config"), 0);
	CHECK_INT(classes_of(list, "not/sub/config"), 0);
	CHECK_INT(classes_of(list, "a/host/config"), BIT(GIT));
	CHECK_INT(classes_of(list, "a/host/info/attributes"), BIT(GIT));
	lab_done(&l);
}

TEST(surface_bare_repository_at_the_top)
{
	AUTO_CHANGES struct change_list *list = NULL;
	struct lab l;

	lab_init(&l);
	lab_put(l.s.upper, "HEAD", "x", 0644);
	lab_put(l.s.upper, "config", "x", 0644);
	lab_put(l.s.upper, "objects/x", "x", 0644);
	lab_put(l.s.upper, "refs/x", "x", 0644);
	list = lab_changes(&l);
	surface_classify(list, &l.s);
	CHECK_INT(classes_of(list, "config"), BIT(GIT));
	CHECK_INT(classes_of(list, "refs/x"), BIT(GIT));
	lab_done(&l);
}

TEST(rename_exact)
{
	AUTO_CHANGES struct change_list *list = NULL;
	struct lab l;

	lab_init(&l);
	lab_put(l.s.lower, "old/a", "the content", 0644);
	lab_put(l.s.lower, "old/b", "other stuff", 0644);
	lab_whiteout(l.s.upper, "old");
	lab_put(l.s.upper, "new/copy", "the content", 0644);
	lab_put(l.s.upper, "new/a", "the content", 0644);
	lab_put(l.s.upper, "new/c", "third stuff", 0644);
	list = lab_changes(&l);
	rename_detect(list, l.s.lower);
	CHECK_STR(list->v[change_list_find(list, "new/a")->rename - 1].path, "old/a");
	CHECK_STR(list->v[change_list_find(list, "old/a")->rename - 1].path, "new/a");
	CHECK_INT(change_list_find(list, "new/copy")->rename, 0);
	CHECK_INT(change_list_find(list, "new/c")->rename, 0);
	CHECK_INT(change_list_find(list, "old/b")->rename, 0);
	lab_done(&l);
}

/* docs/review.md has a row for each class: its name, why, and exactly its patterns. */
TEST(surface_manual)
{
	AUTO_BUF struct buf page = BUF_INIT(1 << 20);

	CHECK_INT(fs_read_at(AT_FDCWD, BAILEY_SOURCE "/docs/review.md", &page), 0);
	for (unsigned c = 0; c < SURFACE_N; c++) {
		AUTO_FREE char *start = xasprintf(
			"\n| `%s` | %s | ", surface_classes[c].name, surface_classes[c].why);
		AUTO_FREE char *row = NULL;
		const char *at = strstr(page.data, start);
		size_t ticks = 0, patterns = 0;

		if (!at)
			tap_fail(__FILE__, __LINE__, "no row '%s'", start);
		row = xstrndup(at + 1, strcspn(at + 1, "\n"));
		for (size_t i = 0; i < n_surface_patterns; i++) {
			AUTO_FREE char *quoted = xasprintf("`%s`", surface_patterns[i].pattern);

			if (surface_patterns[i].class != c)
				continue;
			patterns++;
			if (!strstr(row, quoted))
				tap_fail(__FILE__, __LINE__, "%s: the page has no %s",
					surface_classes[c].name, quoted);
		}
		for (const char *p = row; (p = strchr(p, '`')); p++)
			ticks++;
		if (ticks != 2 * (patterns + 1))
			tap_fail(__FILE__, __LINE__, "%s: the page has %zu patterns, not %zu",
				surface_classes[c].name, ticks / 2 - 1, patterns);
	}
}
