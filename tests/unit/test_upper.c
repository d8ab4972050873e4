#include "lab.h"

#include "sys/fs.h"
#include "workspace/beneath.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void check_scan(struct lab *l, const char *want)
{
	AUTO_FREE char *got = lab_scan(l);

	CHECK_STR(got, want);
}

TEST(upper_nothing)
{
	struct lab l;

	lab_init(&l);
	check_scan(&l, "");
	lab_put(l.s.lower, "a", "one", 0644);
	lab_put(l.s.upper, "a", "one", 0644); /* copied up, not changed */
	lab_mkdir(l.s.lower, "d", 0755);
	lab_mkdir(l.s.upper, "d", 0755);
	lab_link(l.s.lower, "s", "a");
	lab_link(l.s.upper, "s", "a");
	lab_whiteout(l.s.upper, "never-was");
	check_scan(&l, "");
	lab_done(&l);
}

TEST(upper_kinds)
{
	struct lab l;

	lab_init(&l);
	lab_put(l.s.lower, "content", "one", 0644);
	lab_put(l.s.upper, "content", "two", 0644);
	lab_put(l.s.lower, "mode", "one", 0644);
	lab_put(l.s.upper, "mode", "one", 0755);
	lab_put(l.s.upper, "new/deep/file", "x", 0644);
	lab_put(l.s.lower, "gone", "x", 0644);
	lab_whiteout(l.s.upper, "gone");
	lab_link(l.s.lower, "link", "a");
	lab_link(l.s.upper, "link", "b");
	lab_put(l.s.lower, "file-to-dir", "x", 0644);
	lab_put(l.s.upper, "file-to-dir/x", "x", 0644);
	lab_put(l.s.lower, "dir-to-link/x", "x", 0644);
	lab_link(l.s.upper, "dir-to-link", "/etc");
	lab_mkdir(l.s.lower, "private", 0755);
	lab_mkdir(l.s.upper, "private", 0700);
	check_scan(&l, "modified file content\n"
		       "type-changed symlink dir-to-link\n"
		       "deleted file dir-to-link/x\n"
		       "type-changed directory file-to-dir\n"
		       "added file file-to-dir/x\n"
		       "deleted file gone\n"
		       "modified symlink link\n"
		       "mode-changed file mode\n"
		       "added directory new\n"
		       "added directory new/deep\n"
		       "added file new/deep/file\n"
		       "mode-changed directory private\n");
	lab_done(&l);
}

TEST(upper_opaque_lists_every_deletion)
{
	struct lab l;

	lab_init(&l);
	lab_put(l.s.lower, "d/a", "a", 0644);
	lab_put(l.s.lower, "d/sub/b", "b", 0644);
	lab_put(l.s.lower, "d/sub/c", "c", 0644);
	lab_put(l.s.upper, "d/sub/c", "c", 0644);
	lab_opaque(l.s.upper, "d");
	lab_put(l.s.lower, "w/x/y", "y", 0644);
	lab_whiteout(l.s.upper, "w");
	/* d/sub is not opaque by itself, but d hides everything below it. */
	check_scan(&l, "deleted file d/a\n"
		       "deleted file d/sub/b\n"
		       "deleted directory w\n"
		       "deleted directory w/x\n"
		       "deleted file w/x/y\n");
	lab_done(&l);
}

TEST(upper_xattr_whiteout)
{
	struct lab l;

	lab_init(&l);
	lab_put(l.s.lower, "d/a", "a", 0644);
	lab_put(l.s.lower, "d/b", "b", 0644);
	lab_put(l.s.upper, "d/a", "", 0644);
	lab_xattr(l.s.upper, "d/a", "user.overlay.whiteout", "y");
	lab_xattr(l.s.upper, "d", "user.overlay.opaque", "x");
	lab_put(l.s.lower, "not", "b", 0644);
	lab_put(l.s.upper, "not", "content", 0644); /* not empty: a plain file */
	lab_xattr(l.s.upper, "not", "user.overlay.whiteout", "y");
	check_scan(&l, "deleted file d/a\nmodified file not\n");
	lab_done(&l);
}

TEST(upper_hostile_xattrs)
{
	static const char *const names[] = {"user.overlay.redirect", "user.overlay.metacopy",
		"user.overlay.future", "user.overlay.overlay.opaque"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct lab l;

		lab_init(&l);
		lab_put(l.s.upper, "f", "x", 0644);
		lab_xattr(l.s.upper, "f", names[i], "/etc/passwd");
		lab_put(l.s.lower, "d/kept", "x", 0644);
		lab_put(l.s.upper, "d/new", "x", 0644);
		lab_xattr(l.s.upper, "d", names[i], "/etc");
		lab_put(l.s.upper, "fresh/new", "x", 0644);
		lab_xattr(l.s.upper, "fresh", names[i], "/etc");
		check_scan(&l, "modified directory d refused\n"
			       "added file f refused\n"
			       "added directory fresh refused\n");
		lab_done(&l);
	}
}

TEST(upper_harmless_xattrs)
{
	struct lab l;

	lab_init(&l);
	lab_put(l.s.upper, "f", "x", 0644);
	lab_xattr(l.s.upper, "f", "user.overlay.origin", "abc");
	lab_xattr(l.s.upper, "f", "user.mine", "abc");
	check_scan(&l, "added file f\n");
	lab_done(&l);
}

TEST(upper_refuses_special_files)
{
	struct lab l;
	AUTO_FD int dir = -1;
	const char *name;
	bool root = geteuid() == 0;

	lab_init(&l);
	lab_mknod(l.s.upper, "fifo", S_IFIFO | 0644);
	lab_mknod(l.s.upper, "socket", S_IFSOCK | 0644);
	lab_put(l.s.upper, "setuid", "#!", 06755);
	lab_put(l.s.lower, "was-plain", "#!", 0755);
	lab_put(l.s.upper, "was-plain", "#!", 02755);
	lab_put(l.s.upper, "two", "x", 0644);
	CHECK_INT(linkat(l.s.upper, "two", l.s.upper, "two-more", 0), 0);
	if (root)
		lab_mknod(l.s.upper, "device", S_IFCHR | 0666);
	dir = beneath_parent(l.s.upper, "fifo", &name);
	check_scan(&l, root ? "added device device refused\n"
			      "added fifo fifo refused\n"
			      "added file setuid refused\n"
			      "added socket socket refused\n"
			      "added file two\n"
			      "added file two-more\n"
			      "mode-changed file was-plain refused\n"
			    : "added fifo fifo refused\n"
			      "added file setuid refused\n"
			      "added socket socket refused\n"
			      "added file two\n"
			      "added file two-more\n"
			      "mode-changed file was-plain refused\n");
	lab_done(&l);
}

/* A refused thing where the host has a directory must not take the directory along. */
TEST(upper_refused_keeps_what_is_below)
{
	struct lab l;

	lab_init(&l);
	lab_put(l.s.lower, "d/precious", "x", 0644);
	lab_mknod(l.s.upper, "d", S_IFIFO | 0644);
	check_scan(&l, "type-changed fifo d refused\ndeleted file d/precious refused\n");
	lab_done(&l);
}

TEST(upper_large_and_sparse)
{
	struct scan_limits limits = scan_limits_default;
	AUTO_ERR struct err *err = NULL;
	AUTO_CHANGES struct change_list *list = NULL;
	AUTO_FD int fd = -1;
	struct lab l;

	lab_init(&l);
	lab_put(l.s.upper, "large", "12345678901", 0644);
	lab_put(l.s.upper, "sparse", "", 0644);
	fd = openat(l.s.upper, "sparse", O_WRONLY | O_CLOEXEC);
	CHECK_INT(ftruncate(fd, 2LL << 30), 0);
	check_scan(&l, "added file large\nadded file sparse refused\n");
	CHECK_INT(ftruncate(fd, 8LL << 40), 0);
	check_scan(&l, "added file large\nadded file sparse refused\n");
	limits.file_max = 10;
	CHECK_INT(upper_scan(&l.s, &(struct scan_opts){.limits = &limits}, &list, &err), 0);
	CHECK_INT(list->n, 2);
	CHECK_INT(list->v[0].refusal, REFUSED_LARGE);
	CHECK_INT(list->v[1].refusal, REFUSED_LARGE);
	lab_done(&l);
}

TEST(upper_holes_budget)
{
	struct scan_limits limits = scan_limits_default;
	AUTO_ERR struct err *err = NULL;
	AUTO_CHANGES struct change_list *list = NULL;
	size_t refused = 0;
	struct lab l;

	lab_init(&l);
	for (int i = 0; i < 5; i++) {
		AUTO_FREE char *name = xasprintf("s%d", i);
		AUTO_FD int fd = -1;

		lab_put(l.s.upper, name, "", 0644);
		fd = openat(l.s.upper, name, O_WRONLY | O_CLOEXEC);
		CHECK_INT(ftruncate(fd, 1 << 20), 0);
	}
	limits.holes_max = 3 << 20;
	CHECK_INT(upper_scan(&l.s, &(struct scan_opts){.limits = &limits}, &list, &err), 0);
	for (size_t i = 0; i < list->n; i++)
		refused += list->v[i].refusal == REFUSED_SPARSE;
	CHECK_INT(refused, 2);
	lab_done(&l);
}

TEST(upper_entries_limit)
{
	struct scan_limits limits = scan_limits_default;
	AUTO_ERR struct err *err = NULL;
	AUTO_CHANGES struct change_list *list = NULL;
	struct lab l;

	lab_init(&l);
	for (int i = 0; i < 20; i++) {
		AUTO_FREE char *name = xasprintf("f%d", i);

		lab_put(l.s.upper, name, "", 0644);
	}
	limits.entries = 19;
	CHECK_INT(upper_scan(&l.s, &(struct scan_opts){.limits = &limits}, &list, &err), -E2BIG);
	CHECK(err->hint);
	limits.entries = 20;
	CHECK_INT(upper_scan(&l.s, &(struct scan_opts){.limits = &limits}, &list, NULL), 0);
	CHECK_INT(list->n, 20);
	lab_done(&l);
}

static void make_deep(int at, int depth, const char *name)
{
	AUTO_FD int fd = openat(at, ".", O_PATH | O_CLOEXEC);

	for (int i = 0; i < depth; i++) {
		int next;

		CHECK_INT(mkdirat(fd, name, 0755), 0);
		next = openat(fd, name, O_PATH | O_CLOEXEC);
		CHECK(next >= 0);
		fd_close(fd);
		fd = next;
	}
	lab_put(fd, "file", "deep", 0644);
}

TEST(upper_deep)
{
	AUTO_CHANGES struct change_list *list = NULL;
	AUTO_FD int fd = -1;
	struct lab l;
	struct stat st;

	lab_init(&l);
	make_deep(l.s.upper, 4000, "d");
	list = lab_changes(&l);
	CHECK_INT(list->n, 4001);
	CHECK_INT(strlen(list->v[4000].path), 8004);
	CHECK_INT(beneath_stat(l.s.upper, list->v[4000].path, &st), 0);
	fd = beneath_open(l.s.upper, list->v[4000].path, O_RDONLY, 0);
	CHECK(fd >= 0);
	CHECK_INT(list->v[4000].new.size, 4);
	lab_done(&l);
}

/* Deeper than we go: one refused entry, not an endless or failing scan. */
TEST(upper_too_deep)
{
	AUTO_CHANGES struct change_list *list = NULL;
	char name[256] = "";
	struct lab l;

	memset(name, 'n', 255);
	lab_init(&l);
	make_deep(l.s.upper, 100, name);
	lab_put(l.s.upper, "other", "x", 0644);
	list = lab_changes(&l);
	CHECK(list->n > 60 && list->n < 70);
	CHECK_INT(list->v[list->n - 2].refusal, REFUSED_DEEP);
	CHECK_STR(list->v[list->n - 1].path, "other");
	lab_done(&l);
}

/* What the host has is recorded for deletions too: a diff shows where a link led. */
TEST(upper_deleted_link)
{
	AUTO_CHANGES struct change_list *list = NULL;
	struct lab l;

	lab_init(&l);
	lab_link(l.s.lower, "link", "there");
	lab_link(l.s.lower, "d/link", "elsewhere");
	lab_whiteout(l.s.upper, "link");
	lab_whiteout(l.s.upper, "d");
	list = lab_changes(&l);
	CHECK_INT(list->n, 3);
	CHECK_STR(list->v[1].old.target, "elsewhere");
	CHECK_STR(list->v[2].old.target, "there");
	lab_done(&l);
}

TEST(upper_weird_names)
{
	AUTO_CHANGES struct change_list *list = NULL;
	static const char *const names[] = {"new\nline", "\x1b[2J", "\xe2\x80\xae.exe", "\xff\xfe",
		" ", "-rf", "a\\b", "..x", "..."};
	struct lab l;

	lab_init(&l);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		lab_put(l.s.upper, names[i], "x", 0644);
	list = lab_changes(&l);
	CHECK_INT(list->n, ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CHECK(change_list_find(list, names[i]));
	lab_done(&l);
}

TEST(upper_any)
{
	struct scan_opts any = {.any = true};
	AUTO_CHANGES struct change_list *none = NULL;
	AUTO_CHANGES struct change_list *some = NULL;
	struct lab l;

	lab_init(&l);
	lab_put(l.s.lower, "d/same", "x", 0644);
	lab_put(l.s.upper, "d/same", "x", 0644);
	CHECK_INT(upper_scan(&l.s, &any, &none, NULL), 0);
	CHECK_INT(none->n, 0);
	for (int i = 0; i < 10; i++) {
		AUTO_FREE char *name = xasprintf("d/f%d", i);

		lab_put(l.s.upper, name, "x", 0644);
	}
	CHECK_INT(upper_scan(&l.s, &any, &some, NULL), 0);
	CHECK_INT(some->n, 1);
	lab_done(&l);
}

TEST(upper_filter)
{
	static const char *const paths[] = {"a/b", "gone/x"};
	AUTO_CHANGES struct change_list *list = NULL;
	struct lab l;

	lab_init(&l);
	lab_put(l.s.upper, "a/b/c", "x", 0644);
	lab_put(l.s.upper, "a/bb", "x", 0644);
	lab_put(l.s.upper, "z", "x", 0644);
	lab_put(l.s.lower, "gone/x", "x", 0644);
	lab_put(l.s.lower, "gone/y", "x", 0644);
	lab_whiteout(l.s.upper, "gone");
	CHECK_INT(upper_scan(&l.s, &(struct scan_opts){.paths = paths, .n_paths = 2}, &list, NULL),
		0);
	CHECK_INT(list->n, 3);
	CHECK_STR(list->v[0].path, "a/b");
	CHECK_STR(list->v[1].path, "a/b/c");
	CHECK_STR(list->v[2].path, "gone/x");
	lab_done(&l);
}

TEST(upper_unreadable)
{
	struct lab l;

	if (geteuid() == 0) {
		/* Root can read it; what is tested then is that it is simply read. */
		lab_init(&l);
		lab_put(l.s.upper, "f", "x", 0);
		check_scan(&l, "added file f\n");
		lab_done(&l);
		return;
	}
	lab_init(&l);
	lab_put(l.s.upper, "f", "x", 0);
	lab_mkdir(l.s.upper, "d", 0);
	check_scan(&l, "added directory d refused\nadded file f refused\n");
	lab_done(&l);
}

/*
 * The inside swaps a directory, a link to a place outside and a FIFO while the host
 * scans: nothing outside may be read, nothing may hang, and no descriptor may leak.
 */
TEST(upper_race)
{
	struct lab l;
	pid_t pid;
	int status;

	lab_init(&l);
	lab_put(l.dir, "outside/f", "canary", 0600);
	lab_put(l.s.upper, "real/f", "inside", 0644);
	lab_link(l.s.upper, "link", "../outside");
	lab_mknod(l.s.upper, "pipe", S_IFIFO | 0644);
	pid = fork();
	if (pid == 0) {
		static const char *const from[] = {"real", "link", "pipe"};

		for (size_t i = 0;; i++) {
			renameat(l.s.upper, from[i % 3], l.s.upper, "x");
			sched_yield();
			renameat(l.s.upper, "x", l.s.upper, from[i % 3]);
		}
	}
	CHECK(pid > 0);
	for (int i = 0; i < 300; i++) {
		AUTO_CHANGES struct change_list *list = lab_changes(&l);

		for (size_t k = 0; k < list->n; k++) {
			const struct change *c = &list->v[k];

			if (c->new.type == NODE_FILE && c->new.hashed)
				CHECK_INT(c->new.size, 6);
			if (c->new.type == NODE_FILE)
				CHECK_INT(c->new.mode, 0644);
		}
	}
	CHECK_INT(kill(pid, SIGKILL), 0);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	lab_done(&l);
}
