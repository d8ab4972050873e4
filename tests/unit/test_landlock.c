/* Each check runs in a child, under a ruleset over a directory of the test's own. */
#include "tap.h"

#include "cell/landlock.h"
#include "sys/fs.h"
#include "sys/kernel.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

struct stage {
	char base[64];
	int dir;
	pid_t outside;
};

static int put(int dir, const char *name)
{
	AUTO_FD int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : 0;
}

static void make_stage(struct stage *s)
{
	CHECK(snprintf(s->base, sizeof(s->base), "/tmp/bailey-landlock-XXXXXX") > 0);
	CHECK(mkdtemp(s->base));
	s->dir = open(s->base, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	CHECK(s->dir >= 0);
	CHECK_INT(mkdirat(s->dir, "w", 0755), 0);
	CHECK_INT(mkdirat(s->dir, "w/a", 0755), 0);
	CHECK_INT(mkdirat(s->dir, "w/b", 0755), 0);
	CHECK_INT(mkdirat(s->dir, "plain", 0755), 0);
	CHECK_INT(mkdirat(s->dir, "r", 0755), 0);
	CHECK_INT(put(s->dir, "w/a/file"), 0);
	CHECK_INT(put(s->dir, "r/file"), 0);
}

static void drop_stage(struct stage *s)
{
	CHECK_INT(fs_remove_tree(AT_FDCWD, s->base), 0);
	s->dir = fd_close(s->dir);
}

static void restrict_to(const struct stage *s)
{
	AUTO_FREE char *w = xasprintf("%s/w", s->base);
	AUTO_FREE char *plain = xasprintf("%s/plain", s->base);
	AUTO_FREE char *none = xasprintf("%s/none", s->base);
	const struct cell_landlock_rule rules[] = {
		{.path = w},
		{.path = plain, .no_special = true},
		{.path = none, .optional = true},
		{.path = "/dev/null"},
		{.path = "/dev/tty"},
		{.path = "/dev/pts"},
		{.path = "/dev/ptmx", .optional = true},
	};
	AUTO_FD int fd = -1;

	CHECK_INT(cell_landlock_build(rules, ARRAY_SIZE(rules), &fd), 0);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK_INT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_INT(ll_restrict_self(fd), 0);
}

/* fn in a child under the rules; its CHECKs fail the test. */
static void inside(void (*fn)(const struct stage *s))
{
	struct stage s = {.dir = -1, .outside = getpid()};
	int status;
	pid_t pid;

	make_stage(&s);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		restrict_to(&s);
		fn(&s);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	drop_stage(&s);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int try_open(int dir, const char *path, int flags)
{
	AUTO_FD int fd = openat(dir, path, flags | O_CLOEXEC | O_NOCTTY, 0644);

	return fd < 0 ? -errno : 0;
}

static void work(const struct stage *s)
{
	AUTO_FD int tmp = openat(s->dir, "w", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	CHECK(tmp >= 0);
	CHECK_INT(put(s->dir, "w/a/new"), 0);
	CHECK_INT(try_open(s->dir, "w/a/file", O_RDWR | O_TRUNC), 0);
	/* Across directories: REFER. */
	CHECK_INT(renameat(s->dir, "w/a/new", s->dir, "w/b/new"), 0);
	CHECK_INT(linkat(s->dir, "w/b/new", s->dir, "w/a/again", 0), 0);
	CHECK_INT(renameat(s->dir, "w/a", s->dir, "w/b/a"), 0);
	CHECK_INT(symlinkat("x", s->dir, "w/l"), 0);
	CHECK_INT(mkfifoat(s->dir, "w/fifo", 0600), 0);
	CHECK_INT(mknodat(s->dir, "w/sock", S_IFSOCK | 0600, 0), 0);
	CHECK_INT(mkdirat(s->dir, "w/d", 0755), 0);
	CHECK_INT(unlinkat(s->dir, "w/d", AT_REMOVEDIR), 0);
	CHECK_INT(unlinkat(s->dir, "w/l", 0), 0);
	CHECK_INT(put(s->dir, "plain/x"), 0);
	CHECK_INT(try_open(s->dir, "r/file", O_RDONLY), 0);
	CHECK_INT(try_open(AT_FDCWD, "/dev/null", O_RDWR | O_TRUNC), 0);
	CHECK_INT(try_open(AT_FDCWD, "/bin/sh", O_RDONLY), 0);
}
TEST(landlock_lets_work_be_done)
{
	inside(work);
}

static int truncate_file(const struct stage *s)
{
	AUTO_FREE char *path = xasprintf("%s/r/file", s->base);

	return truncate(path, 0) < 0 ? -errno : 0;
}

static void refused(const struct stage *s)
{
	CHECK_INT(put(s->dir, "r/new"), -EACCES);
	CHECK_INT(try_open(s->dir, "r/file", O_WRONLY), -EACCES);
	if (ll_abi() >= 3)
		CHECK_INT(truncate_file(s), -EACCES);
	CHECK(mkdirat(s->dir, "r/d", 0755) < 0 && errno == EACCES);
	CHECK(mkdirat(s->dir, "d", 0755) < 0 && errno == EACCES);
	CHECK(unlinkat(s->dir, "r/file", 0) < 0 && errno == EACCES);
	CHECK(symlinkat("x", s->dir, "r/l") < 0 && errno == EACCES);
	CHECK(linkat(s->dir, "r/file", s->dir, "w/l", 0) < 0 &&
		(errno == EACCES || errno == EXDEV));
	CHECK(renameat(s->dir, "w/a", s->dir, "r/a") < 0 && (errno == EACCES || errno == EXDEV));
	CHECK(renameat(s->dir, "r/file", s->dir, "w/file") < 0 &&
		(errno == EACCES || errno == EXDEV));
	/* Not even by a root inside that were allowed to. */
	CHECK(mknodat(s->dir, "w/null", S_IFCHR | 0600, 0x103) < 0 &&
		(errno == EACCES || errno == EPERM));
	CHECK(mkfifoat(s->dir, "plain/fifo", 0600) < 0 && errno == EACCES);
	CHECK(mknodat(s->dir, "plain/sock", S_IFSOCK | 0600, 0) < 0 && errno == EACCES);
	CHECK_INT(try_open(AT_FDCWD, "/dev/zero", O_WRONLY), -EACCES);
}
TEST(landlock_refuses_writing_elsewhere)
{
	inside(refused);
}

static void own_proc(const struct stage *s)
{
	AUTO_FD int comm = open("/proc/self/comm", O_WRONLY | O_TRUNC | O_CLOEXEC);
	AUTO_FD int oom = open("/proc/self/oom_score_adj", O_WRONLY | O_TRUNC | O_CLOEXEC);

	(void)s;
	CHECK(write(comm, "renamed", 7) == 7);
	CHECK(write(oom, "500", 3) == 3);
}
TEST(landlock_leaves_own_proc_writable)
{
	inside(own_proc);
}

static void terminals(const struct stage *s)
{
	AUTO_FD int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	AUTO_FD int slave = -1;
	struct winsize size = {.ws_row = 24, .ws_col = 80};
	char name[64];

	(void)s;
	CHECK(master >= 0);
	CHECK_INT(unlockpt(master), 0);
	CHECK_INT(ptsname_r(master, name, sizeof(name)), 0);
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(slave >= 0);
	CHECK_INT(ioctl(slave, TIOCSWINSZ, &size), 0);
}

TEST(landlock_leaves_terminals)
{
	inside(terminals);
}

static int server(const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	memcpy(addr.sun_path + 1, name, strlen(name));
	CHECK_INT(bind(fd, (const struct sockaddr *)&addr, len), 0);
	CHECK_INT(listen(fd, 1), 0);
	return fd;
}

static int client(const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
	AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	memcpy(addr.sun_path + 1, name, strlen(name));
	return connect(fd, (const struct sockaddr *)&addr, len) < 0 ? -errno : 0;
}

static char outer_name[64];

static void scoped(const struct stage *s)
{
	bool scopes = ll_abi() >= 6;
	AUTO_FD int own = server("bailey-landlock-inner");

	/* Outside, both succeed: see the control below. */
	CHECK(own >= 0);
	CHECK_INT(client(outer_name), scopes ? -EPERM : 0);
	CHECK_INT(kill(s->outside, 0) < 0 ? -errno : 0, scopes ? -EPERM : 0);
	/* Its own are its own. */
	CHECK_INT(client("bailey-landlock-inner"), 0);
	CHECK_INT(kill(getpid(), 0), 0);
}
TEST(landlock_scopes_abstract_sockets_and_signals)
{
	AUTO_FD int fd = -1;

	CHECK(snprintf(outer_name, sizeof(outer_name), "bailey-landlock-%d", getpid()) > 0);
	fd = server(outer_name);
	CHECK_INT(client(outer_name), 0);
	CHECK_INT(kill(getpid(), 0), 0);
	inside(scoped);
}

TEST(landlock_missing_path_is_an_error)
{
	const struct cell_landlock_rule rule = {.path = "/nonexistent/here"};
	int fd = 7;

	CHECK_INT(cell_landlock_build(&rule, 1, &fd), -ENOENT);
	CHECK_INT(fd, -1);
}

TEST(landlock_builds_without_rules)
{
	AUTO_FD int fd = -1;

	CHECK_INT(cell_landlock_build(NULL, 0, &fd), 0);
	CHECK(fd >= 0);
}
