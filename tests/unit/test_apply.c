#include "lab.h"

#include "sys/fs.h"
#include "workspace/apply.h"
#include "workspace/beneath.h"
#include "workspace/journal.h"
#include "workspace/manifest.h"
#include "workspace/surface.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#define EVERYTHING ((struct apply_opts){.accept = SURFACE_ALL})

static struct change_list *scan(struct lab *l)
{
	AUTO_ERR struct err *err = NULL;
	struct change_list *list = NULL;

	if (staged_scan(&l->s, &(struct scan_opts){0}, &list, &err) < 0)
		tap_fail(__FILE__, __LINE__, "%s", err->text);
	return list;
}

static struct change_list *apply(struct lab *l, const struct apply_opts *o)
{
	AUTO_ERR struct err *err = NULL;
	struct change_list *list = scan(l);

	apply_plan(list, o);
	if (apply_run(&l->s, list, o, &err) < 0)
		tap_fail(__FILE__, __LINE__, "%s", err->text);
	return list;
}

static enum outcome outcome_of(const struct change_list *list, const char *path)
{
	const struct change *c = change_list_find(list, path);

	if (!c)
		tap_fail(__FILE__, __LINE__, "no change '%s'", path);
	return c->outcome;
}

static void check_file(struct lab *l, const char *path, const char *content, int mode)
{
	AUTO_FREE char *got = lab_get(l->s.lower, path);
	struct stat st;

	if (!content) {
		if (fstatat(l->s.lower, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
			tap_fail(__FILE__, __LINE__, "'%s' exists", path);
		return;
	}
	if (!got)
		tap_fail(__FILE__, __LINE__, "'%s' does not exist", path);
	CHECK_STR(got, content);
	CHECK_INT(fstatat(l->s.lower, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	if (mode >= 0)
		CHECK_INT(st.st_mode & 07777, mode);
}

/* One of everything; used by several tests. */
static void make_changes(struct lab *l)
{
	lab_put(l->s.lower, "edit", "old", 0644);
	lab_put(l->s.lower, "script", "#!", 0644);
	lab_put(l->s.lower, "gone/deep/a", "a", 0644);
	lab_put(l->s.lower, "gone/b", "b", 0644);
	lab_put(l->s.lower, "move-me", "moving content", 0644);
	lab_put(l->s.lower, "to-dir", "x", 0644);
	lab_put(l->s.lower, "to-file/sub/x", "x", 0644);
	lab_put(l->s.lower, "to-link", "x", 0644);
	lab_put(l->s.lower, "opaque/old", "x", 0644);
	lab_put(l->s.lower, "opaque/same", "s", 0644);
	lab_mkdir(l->s.lower, "dirmode", 0755);
	lab_tick(l);
	lab_put(l->s.upper, "edit", "new", 0644);
	lab_put(l->s.upper, "script", "#!", 0755);
	lab_whiteout(l->s.upper, "gone");
	lab_whiteout(l->s.upper, "move-me");
	lab_put(l->s.upper, "sub/moved", "moving content", 0600);
	lab_put(l->s.upper, "to-dir/in", "in", 0666);
	lab_put(l->s.upper, "to-file", "now a file", 0644);
	lab_link(l->s.upper, "to-link", "edit");
	lab_put(l->s.upper, "opaque/same", "s", 0644);
	lab_put(l->s.upper, "opaque/new", "n", 0644);
	lab_opaque(l->s.upper, "opaque");
	lab_mkdir(l->s.upper, "dirmode", 0500);
	lab_mkdir(l->s.upper, "empty", 0711);
	lab_mkdir(l->s.upper, "closed", 0755);
	lab_put(l->s.upper, "closed/in", "x", 0444);
	CHECK_INT(fchmodat(l->s.upper, "closed", 0555, 0), 0);
}

static void check_applied(struct lab *l)
{
	AUTO_FREE char *left = lab_scan(l);
	AUTO_FREE char *target = NULL;
	struct stat st;

	CHECK_STR(left, "");
	check_file(l, "edit", "new", 0644);
	check_file(l, "script", "#!", 0755);
	check_file(l, "gone", NULL, 0);
	check_file(l, "move-me", NULL, 0);
	check_file(l, "sub/moved", "moving content", 0600);
	check_file(l, "to-dir/in", "in", 0666); /* whatever the umask is */
	check_file(l, "to-file", "now a file", 0644);
	check_file(l, "opaque/old", NULL, 0);
	check_file(l, "opaque/same", "s", 0644);
	check_file(l, "opaque/new", "n", 0644);
	check_file(l, "closed/in", "x", 0444);
	CHECK_INT(fs_readlink_at(l->s.lower, "to-link", &target), 0);
	CHECK_STR(target, "edit");
	CHECK_INT(fstatat(l->s.lower, "dirmode", &st, 0), 0);
	CHECK_INT(st.st_mode & 07777, 0500);
	CHECK_INT(fstatat(l->s.lower, "empty", &st, 0), 0);
	CHECK_INT(st.st_mode & 07777, 0711);
	CHECK_INT(fstatat(l->s.lower, "closed", &st, 0), 0);
	CHECK_INT(st.st_mode & 07777, 0555);
}

static size_t count_temps(int dirfd)
{
	AUTO_FD int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR DIR *dir = fdopendir(fd);
	const struct dirent *de;
	size_t n = 0;

	CHECK(dir);
	(void)TAKE_FD(fd);
	while ((de = readdir(dir))) {
		AUTO_FD int sub = -1;

		if (str_eq(de->d_name, ".") || str_eq(de->d_name, ".."))
			continue;
		n += str_after(de->d_name, ".bailey-") != NULL;
		if (de->d_type == DT_DIR) {
			sub = openat(dirfd, de->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			n += sub >= 0 ? count_temps(sub) : 0;
		}
	}
	return n;
}

static bool state_has(struct lab *l, const char *name)
{
	return faccessat(l->s.state, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

TEST(apply_everything)
{
	AUTO_CHANGES struct change_list *list = NULL;
	struct lab l;

	umask(077);
	lab_init(&l);
	make_changes(&l);
	list = apply(&l, &EVERYTHING);
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].outcome != OUTCOME_APPLIED)
			tap_fail(__FILE__, __LINE__, "%s: %s", list->v[i].path,
				outcome_text(list->v[i].outcome));
	check_applied(&l);
	CHECK_INT(count_temps(l.s.lower), 0);
	CHECK(!state_has(&l, "apply.journal"));
	lab_done(&l);
}

struct countdown {
	long left;
};

static void kill_at_zero(void *arg)
{
	struct countdown *c = arg;

	if (c->left-- == 0)
		kill(getpid(), SIGKILL);
}

/* kill -9 at every step there is; then the next command cleans up and finishes. */
TEST(apply_killed_at_every_step)
{
	bool finished = false;

	for (long at = 0; !finished; at++) {
		AUTO_ERR struct err *err = NULL;
		AUTO_CHANGES struct change_list *list = NULL;
		struct countdown c = {at};
		struct lab l;
		int status, r;
		pid_t pid;

		lab_init(&l);
		make_changes(&l);
		pid = fork();
		if (pid == 0) {
			struct apply_opts o = EVERYTHING;

			o.fault = kill_at_zero;
			o.fault_arg = &c;
			change_list_free(apply(&l, &o));
			_exit(0);
		}
		CHECK_INT(waitpid(pid, &status, 0), pid);
		finished = WIFEXITED(status);
		CHECK(finished || WTERMSIG(status) == SIGKILL);
		r = journal_recover(&l.s, NULL, &err);
		CHECK_INT(r, finished ? 0 : state_has(&l, "apply.journal") ? -1 : r);
		CHECK(r >= 0);
		CHECK_INT(count_temps(l.s.lower), 0);
		CHECK(!state_has(&l, "apply.journal"));
		list = apply(&l, &EVERYTHING);
		for (size_t i = 0; i < list->n; i++)
			if (list->v[i].outcome != OUTCOME_APPLIED)
				tap_fail(__FILE__, __LINE__, "killed at %ld: %s: %s", at,
					list->v[i].path, outcome_text(list->v[i].outcome));
		check_applied(&l);
		lab_done(&l);
		CHECK(at < 1000);
	}
}

/* After a kill and a recovery, what we wrote does not count as the user's own change. */
TEST(apply_killed_then_changed_inside)
{
	bool finished = false;

	for (long at = 0; !finished; at++) {
		AUTO_ERR struct err *err = NULL;
		AUTO_CHANGES struct change_list *list = NULL;
		struct countdown c = {at};
		struct lab l;
		int status;
		pid_t pid;

		lab_init(&l);
		lab_put(l.s.lower, "f", "1", 0644);
		lab_tick(&l);
		lab_put(l.s.upper, "f", "2", 0644);
		pid = fork();
		if (pid == 0) {
			struct apply_opts o = EVERYTHING;

			o.fault = kill_at_zero;
			o.fault_arg = &c;
			change_list_free(apply(&l, &o));
			_exit(0);
		}
		CHECK_INT(waitpid(pid, &status, 0), pid);
		finished = WIFEXITED(status);
		CHECK(journal_recover(&l.s, NULL, &err) >= 0);
		lab_put(l.s.upper, "f", "3", 0644);
		list = apply(&l, &EVERYTHING);
		CHECK_INT(outcome_of(list, "f"), OUTCOME_APPLIED);
		check_file(&l, "f", "3", 0644);
		lab_done(&l);
	}
}

TEST(apply_classes)
{
	AUTO_CHANGES struct change_list *list = NULL;
	AUTO_CHANGES struct change_list *again = NULL;
	struct apply_opts o = {.accept = 1U << SURFACE_BUILD};
	struct lab l;

	lab_init(&l);
	lab_put(l.s.lower, "moved.txt", "some content", 0644);
	lab_tick(&l);
	lab_put(l.s.upper, "src.c", "x", 0644);
	lab_put(l.s.upper, "Makefile", "x", 0644);
	lab_put(l.s.upper, ".git/hooks/pre-commit", "x", 0755);
	lab_put(l.s.upper, ".envrc", "some content", 0644);
	lab_whiteout(l.s.upper, "moved.txt");
	list = apply(&l, &o);
	CHECK_INT(outcome_of(list, "src.c"), OUTCOME_APPLIED);
	CHECK_INT(outcome_of(list, "Makefile"), OUTCOME_APPLIED);
	CHECK_INT(outcome_of(list, ".git"), OUTCOME_CLASS);
	CHECK_INT(outcome_of(list, ".git/hooks/pre-commit"), OUTCOME_CLASS);
	CHECK_INT(outcome_of(list, ".envrc"), OUTCOME_CLASS);
	/* Its new name stays out, so the old one must not vanish. */
	CHECK_INT(outcome_of(list, "moved.txt"), OUTCOME_HELD);
	check_file(&l, ".git", NULL, 0);
	check_file(&l, "moved.txt", "some content", 0644);
	o.accept = 1U << SURFACE_GIT | 1U << SURFACE_SHELL;
	again = apply(&l, &o);
	/* It is a program as well: each class needs its own yes. */
	CHECK_INT(outcome_of(again, ".git/hooks/pre-commit"), OUTCOME_CLASS);
	CHECK_INT(outcome_of(again, "moved.txt"), OUTCOME_APPLIED);
	check_file(&l, ".envrc", "some content", 0644);
	check_file(&l, "moved.txt", NULL, 0);
	lab_done(&l);
}

TEST(apply_refuses)
{
	AUTO_CHANGES struct change_list *list = NULL;
	struct stat st;
	struct lab l;

	lab_init(&l);
	lab_put(l.s.lower, "dir/precious", "x", 0644);
	lab_put(l.s.lower, "plain", "x", 0755);
	lab_tick(&l);
	lab_mknod(l.s.upper, "fifo", S_IFIFO | 0644);
	lab_mknod(l.s.upper, "socket", S_IFSOCK | 0644);
	lab_put(l.s.upper, "setuid", "x", 06755);
	lab_put(l.s.upper, "plain", "x", 04755);
	lab_mknod(l.s.upper, "dir", S_IFIFO | 0644);
	lab_put(l.s.upper, "redirected", "x", 0644);
	lab_xattr(l.s.upper, "redirected", "user.overlay.redirect", "/etc/passwd");
	lab_put(l.s.upper, "sticky", "x", 01777);
	list = apply(&l, &EVERYTHING);
	CHECK_INT(outcome_of(list, "fifo"), OUTCOME_REFUSED);
	CHECK_INT(outcome_of(list, "socket"), OUTCOME_REFUSED);
	CHECK_INT(outcome_of(list, "setuid"), OUTCOME_REFUSED);
	CHECK_INT(outcome_of(list, "plain"), OUTCOME_REFUSED);
	CHECK_INT(outcome_of(list, "dir"), OUTCOME_REFUSED);
	CHECK_INT(outcome_of(list, "dir/precious"), OUTCOME_REFUSED);
	CHECK_INT(outcome_of(list, "redirected"), OUTCOME_REFUSED);
	check_file(&l, "fifo", NULL, 0);
	check_file(&l, "setuid", NULL, 0);
	check_file(&l, "plain", "x", 0755);
	check_file(&l, "dir/precious", "x", 0644);
	check_file(&l, "sticky", "x", 0777);
	CHECK_INT(fstatat(l.s.lower, "redirected", &st, 0), -1);
	lab_done(&l);
}

TEST(apply_conflicts)
{
	AUTO_CHANGES struct change_list *list = NULL;
	AUTO_CHANGES struct change_list *forced = NULL;
	struct apply_opts o = EVERYTHING;
	struct lab l;

	lab_init(&l);
	lab_put(l.s.lower, "both", "old", 0644);
	lab_put(l.s.lower, "gone", "old", 0644);
	lab_put(l.s.lower, "dir/x", "old", 0644);
	lab_put(l.s.lower, "fine", "old", 0644);
	lab_tick(&l);
	lab_put(l.s.upper, "both", "inside", 0644);
	lab_whiteout(l.s.upper, "gone");
	lab_whiteout(l.s.upper, "dir");
	lab_put(l.s.upper, "fine", "inside", 0644);
	lab_put(l.s.upper, "new", "inside", 0644);
	lab_put(l.s.upper, "agreed", "same", 0644);
	/* the user, meanwhile */
	lab_put(l.s.lower, "both", "host", 0644);
	lab_put(l.s.lower, "gone", "host", 0644);
	lab_put(l.s.lower, "dir/added", "host", 0644);
	lab_put(l.s.lower, "new", "host", 0644);
	lab_put(l.s.lower, "agreed", "same", 0644);
	list = apply(&l, &o);
	CHECK_INT(outcome_of(list, "both"), OUTCOME_CONFLICT);
	CHECK_INT(outcome_of(list, "gone"), OUTCOME_CONFLICT);
	CHECK_INT(outcome_of(list, "dir/added"), OUTCOME_CONFLICT);
	CHECK_INT(outcome_of(list, "dir"), OUTCOME_HELD);
	CHECK_INT(outcome_of(list, "dir/x"), OUTCOME_APPLIED);
	CHECK_INT(outcome_of(list, "new"), OUTCOME_CONFLICT);
	CHECK_INT(outcome_of(list, "fine"), OUTCOME_APPLIED);
	CHECK(!change_list_find(list, "agreed"));
	check_file(&l, "both", "host", 0644);
	check_file(&l, "gone", "host", 0644);
	check_file(&l, "new", "host", 0644);
	o.overwrite = true;
	forced = apply(&l, &o);
	CHECK_INT(outcome_of(forced, "both"), OUTCOME_APPLIED);
	check_file(&l, "both", "inside", 0644);
	check_file(&l, "gone", NULL, 0);
	check_file(&l, "dir", NULL, 0);
	check_file(&l, "new", "inside", 0644);
	lab_done(&l);
}

/*
 * The user's change came before the last start, the inside's after it: it was made in
 * sight of the user's. A layer's file that is older than the start was not.
 */
TEST(apply_no_conflict_with_what_the_inside_saw)
{
	AUTO_CHANGES struct change_list *list = NULL;
	struct lab l;

	lab_init(&l);
	lab_put(l.s.lower, "before", "old", 0644);
	lab_put(l.s.lower, "after", "old", 0644);
	lab_put(l.s.lower, "gone", "old", 0644);
	lab_tick(&l); /* the sandbox begins */
	lab_put(l.s.upper, "before", "inside", 0644);
	lab_put(l.s.lower, "before", "user", 0644);
	lab_put(l.s.lower, "after", "user", 0644);
	lab_put(l.s.lower, "gone", "user", 0644);
	{
		struct timespec begun = l.s.since;

		lab_tick(&l); /* it is started again */
		l.s.started = l.s.since;
		l.s.since = begun;
	}
	lab_put(l.s.upper, "after", "inside, second", 0644);
	lab_whiteout(l.s.upper, "gone");
	list = apply(&l, &EVERYTHING);
	CHECK_INT(outcome_of(list, "before"), OUTCOME_CONFLICT);
	CHECK_INT(outcome_of(list, "after"), OUTCOME_APPLIED);
	CHECK_INT(outcome_of(list, "gone"), OUTCOME_APPLIED);
	lab_done(&l);
}

/* What we applied ourselves is young, but no conflict; what the user does then is one. */
TEST(apply_again)
{
	struct lab l;

	lab_init(&l);
	lab_tick(&l);
	for (int i = 0; i < 3; i++) {
		AUTO_CHANGES struct change_list *list = NULL;
		AUTO_FREE char *content = xasprintf("version %d", i);

		lab_put(l.s.upper, "f", content, i == 2 ? 0600 : 0644);
		list = apply(&l, &EVERYTHING);
		CHECK_INT(outcome_of(list, "f"), OUTCOME_APPLIED);
		check_file(&l, "f", content, i == 2 ? 0600 : 0644);
	}
	lab_put(l.s.lower, "f", "the user", 0600);
	lab_put(l.s.upper, "f", "the agent", 0600);
	{
		AUTO_CHANGES struct change_list *list = apply(&l, &EVERYTHING);

		CHECK_INT(outcome_of(list, "f"), OUTCOME_CONFLICT);
		check_file(&l, "f", "the user", 0600);
	}
	lab_done(&l);
}

TEST(apply_only_what_was_shown)
{
	AUTO_CHANGES struct change_list *first = NULL;
	AUTO_CHANGES struct change_list *shown = NULL;
	AUTO_CHANGES struct change_list *list = NULL;
	AUTO_CHANGES struct change_list *after = NULL;
	AUTO_ERR struct err *err = NULL;
	struct apply_opts o = EVERYTHING;
	struct lab l;

	lab_init(&l);
	lab_put(l.s.lower, "host", "old", 0644);
	lab_tick(&l);
	lab_put(l.s.upper, "kept", "x", 0644);
	lab_put(l.s.upper, "content", "good", 0644);
	lab_put(l.s.upper, "mode", "x", 0644);
	lab_put(l.s.upper, "type", "x", 0644);
	lab_link(l.s.upper, "link", "kept");
	lab_put(l.s.upper, "host", "x", 0644);
	first = scan(&l);
	CHECK_INT(manifest_show(&l.s, &(struct scan_opts){0}, first, &err), 0);
	CHECK_INT(manifest_load(&l.s, &shown, &err), 0);
	lab_put(l.s.upper, "content", "evil", 0644);
	lab_put(l.s.upper, "late", "x", 0644);
	CHECK_INT(fchmodat(l.s.upper, "mode", 0755, 0), 0);
	CHECK_INT(unlinkat(l.s.upper, "type", 0), 0);
	lab_link(l.s.upper, "type", "x");
	CHECK_INT(unlinkat(l.s.upper, "link", 0), 0);
	lab_link(l.s.upper, "link", "/etc/passwd");
	lab_put(l.s.lower, "host", "the user", 0644);
	o.shown = shown;
	list = apply(&l, &o);
	CHECK_INT(outcome_of(list, "kept"), OUTCOME_APPLIED);
	CHECK_INT(outcome_of(list, "content"), OUTCOME_NOT_SHOWN);
	CHECK_INT(outcome_of(list, "late"), OUTCOME_NOT_SHOWN);
	CHECK_INT(outcome_of(list, "mode"), OUTCOME_NOT_SHOWN);
	CHECK_INT(outcome_of(list, "type"), OUTCOME_NOT_SHOWN);
	CHECK_INT(outcome_of(list, "link"), OUTCOME_NOT_SHOWN);
	CHECK_INT(outcome_of(list, "host"), OUTCOME_CONFLICT);
	check_file(&l, "content", NULL, 0);
	check_file(&l, "late", NULL, 0);
	CHECK_INT(manifest_load(&l.s, &after, &err), 0);
	CHECK(!change_list_find(after, "kept"));
	CHECK(change_list_find(after, "content"));
	lab_done(&l);
}

/* Between the scan and the copy the inside swaps the file: by content, by link, by FIFO. */
TEST(apply_changed_while_applying)
{
	for (int how = 0; how < 5; how++) {
		AUTO_ERR struct err *err = NULL;
		AUTO_CHANGES struct change_list *list = NULL;
		struct apply_opts o = EVERYTHING;
		struct lab l;

		lab_init(&l);
		lab_put(l.dir, "outside", "good", 0644);
		lab_put(l.s.upper, "d/f", "good", 0644);
		list = scan(&l);
		apply_plan(list, &o);
		CHECK_INT(unlinkat(l.s.upper, "d/f", 0), 0);
		if (how == 0)
			lab_put(l.s.upper, "d/f", "evil", 0644);
		else if (how == 1)
			lab_link(l.s.upper, "d/f", "../../outside");
		else if (how == 2)
			lab_mknod(l.s.upper, "d/f", S_IFIFO | 0644);
		else if (how == 3)
			lab_put(l.s.upper, "d/f", "good", 04644);
		else
			lab_put(l.s.upper, "d/f", "good and more", 0644);
		CHECK_INT(apply_run(&l.s, list, &o, &err), 0);
		CHECK_INT(outcome_of(list, "d/f"), OUTCOME_CHANGED);
		check_file(&l, "d/f", NULL, 0);
		CHECK_INT(count_temps(l.s.lower), 0);
		lab_done(&l);
	}
}

/* The project's own links are not followed either, not even by the user's doing. */
TEST(apply_not_through_links)
{
	AUTO_ERR struct err *err = NULL;
	AUTO_CHANGES struct change_list *list = NULL;
	struct apply_opts o = EVERYTHING;
	struct stat st;
	struct lab l;

	lab_init(&l);
	lab_mkdir(l.dir, "outside", 0755);
	lab_mkdir(l.s.lower, "d", 0755);
	lab_put(l.s.upper, "d/f", "x", 0644);
	list = scan(&l);
	apply_plan(list, &o);
	CHECK_INT(unlinkat(l.s.lower, "d", AT_REMOVEDIR), 0);
	lab_link(l.s.lower, "d", "../outside");
	CHECK_INT(apply_run(&l.s, list, &o, &err), 0);
	CHECK_INT(outcome_of(list, "d/f"), OUTCOME_FAILED);
	CHECK_INT(fstatat(l.dir, "outside/f", &st, 0), -1);
	lab_done(&l);
}

TEST(apply_single_file_of_a_new_directory)
{
	static const char *const paths[] = {"a/b/c"};
	AUTO_ERR struct err *err = NULL;
	AUTO_CHANGES struct change_list *list = NULL;
	struct apply_opts o = EVERYTHING;
	struct lab l;

	lab_init(&l);
	lab_put(l.s.upper, "a/b/c", "x", 0644);
	lab_put(l.s.upper, "a/b/d", "x", 0644);
	CHECK_INT(staged_scan(&l.s, &(struct scan_opts){.paths = paths, .n_paths = 1}, &list, &err),
		0);
	apply_plan(list, &o);
	CHECK_INT(apply_run(&l.s, list, &o, &err), 0);
	check_file(&l, "a/b/c", "x", 0644);
	check_file(&l, "a/b/d", NULL, 0);
	lab_done(&l);
}

TEST(apply_deep)
{
	AUTO_CHANGES struct change_list *list = NULL;
	AUTO_FD int fd = -1;
	struct lab l;

	lab_init(&l);
	fd = openat(l.s.upper, ".", O_PATH | O_CLOEXEC);
	for (int i = 0; i < 600; i++) {
		int next;

		CHECK_INT(mkdirat(fd, "deep-name", 0755), 0);
		next = openat(fd, "deep-name", O_PATH | O_CLOEXEC);
		CHECK(next >= 0);
		fd_close(fd);
		fd = next;
	}
	lab_put(fd, "f\n\x1b[2J\xff", "bottom", 0640);
	list = apply(&l, &EVERYTHING);
	for (size_t i = 0; i < list->n; i++)
		CHECK_INT(list->v[i].outcome, OUTCOME_APPLIED);
	{
		AUTO_FREE char *left = lab_scan(&l);

		CHECK_STR(left, "");
	}
	lab_done(&l);
}

/*
 * The inside writes, swaps links and renames directories all the time. Whatever lands
 * is whole, of one of the versions there were, and nothing lands outside.
 */
TEST(apply_race)
{
	struct lab l;
	pid_t pid;
	int status;

	lab_init(&l);
	lab_put(l.dir, "outside/f", "canary", 0600);
	lab_put(l.s.upper, "x/f", "aaaaaaaaaa", 0644);
	pid = fork();
	if (pid == 0) {
		for (unsigned i = 0;; i++) {
			AUTO_FD int fd =
				openat(l.s.upper, "x/f", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

			if (fd >= 0)
				(void)!write(fd, i % 2 ? "aaaaaaaaaa" : "bbbbbbbbbb", 10);
			renameat(l.s.upper, "x", l.s.upper, "y");
			(void)!symlinkat("../outside", l.s.upper, "x");
			sched_yield();
			unlinkat(l.s.upper, "x", 0);
			renameat(l.s.upper, "y", l.s.upper, "x");
		}
	}
	CHECK(pid > 0);
	for (int i = 0; i < 150; i++) {
		AUTO_CHANGES struct change_list *list = apply(&l, &(struct apply_opts){0});
		AUTO_FREE char *a = lab_get(l.s.lower, "x/f");
		AUTO_FREE char *b = lab_get(l.s.lower, "y/f");
		const char *got[] = {a, b};

		for (size_t k = 0; k < 2; k++)
			if (got[k])
				CHECK(str_eq(got[k], "aaaaaaaaaa") ||
					str_eq(got[k], "bbbbbbbbbb") || strspn(got[k], "ab") == 10);
		CHECK_INT(count_temps(l.s.lower), 0);
	}
	CHECK_INT(kill(pid, SIGKILL), 0);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	{
		AUTO_FREE char *canary = lab_get(l.dir, "outside/f");

		CHECK_STR(canary, "canary");
	}
	lab_done(&l);
}

TEST(apply_lock)
{
	AUTO_ERR struct err *err = NULL;
	AUTO_FD int first = -1;
	AUTO_FD int second = -1;
	struct lab l;

	lab_init(&l);
	CHECK_INT(staged_lock(&l.s, &first, &err), 0);
	CHECK_INT(staged_lock(&l.s, &second, &err), -EBUSY);
	first = fd_close(first);
	err_freep(&err);
	CHECK_INT(staged_lock(&l.s, &second, &err), 0);
	lab_done(&l);
}

/* A journal that says to remove things elsewhere is only ever ours; but still. */
TEST(journal_garbage)
{
	static const char dotdot[] = "{\"journal\":1,\"nonce\":\"0000000000000000\"}\n"
				     "{\"plan\":{\"path\":\"../x\",\"kind\":\"added\"},\"i\":0}\n";
	static const char cut[] = "{\"journal\":1,\"nonce\":\"0000000000000000\"}\n{\"pl";
	static const char *const journals[] = {"", "x", "{}\n", "{\"journal\":1}\n", dotdot, cut};

	for (size_t i = 0; i < ARRAY_SIZE(journals); i++) {
		AUTO_ERR struct err *err = NULL;
		struct lab l;

		lab_init(&l);
		lab_put(l.dir, ".bailey-0000000000000000", "not ours", 0644);
		lab_put(l.s.state, "apply.journal", journals[i], 0600);
		CHECK_INT(journal_recover(&l.s, NULL, &err), 1);
		CHECK_INT(faccessat(l.dir, ".bailey-0000000000000000", F_OK, 0), 0);
		CHECK(!state_has(&l, "apply.journal"));
		lab_done(&l);
	}
}
