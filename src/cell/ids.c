#include "ids.h"

#include "base/strvec.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

static int write_map(pid_t pid, const char *file, const char *text, struct err **err)
{
	AUTO_FREE char *path = xasprintf("/proc/%d/%s", (int)pid, file);
	int r = fs_write_at(AT_FDCWD, path, text, strlen(text), 0);

	return r < 0 ? err_set(err, r, "write the sandbox's %s", file) : 0;
}

int ids_map_as_root(pid_t pid, uint32_t base, uint32_t count, struct err **err)
{
	AUTO_FREE char *map = xasprintf("0 %u %u\n", base, count);
	int r = write_map(pid, "uid_map", map, err);

	return r < 0 ? r : write_map(pid, "gid_map", map, err);
}

struct subid {
	uint32_t first, count;
};

/* /etc/subuid: "NAME-or-UID:FIRST:COUNT" lines (subuid(5)). The first that is ours. */
static int subid_find(
	const char *file, const char *user, uint32_t id, struct subid *ret, struct err **err)
{
	AUTO_BUF struct buf b = BUF_INIT(1 << 20);
	AUTO_FREE char *number = xasprintf("%u", id);
	char *rest, *line;
	int r = fs_read_at(AT_FDCWD, file, &b);

	if (r < 0)
		return err_set(err, r, "read '%s'", file);
	rest = b.data;
	while (rest && (line = strsep(&rest, "\n"))) {
		const char *name = strsep(&line, ":"), *first = line ? strsep(&line, ":") : NULL;
		uint64_t a, n;

		if (!first || !line || (!str_eq(name, user) && !str_eq(name, number)))
			continue;
		if (parse_u64(first, 1, UINT32_MAX, &a) == 0 &&
			parse_u64(line, 1, UINT32_MAX, &n) == 0) {
			*ret = (struct subid){(uint32_t)a, (uint32_t)n};
			return 0;
		}
	}
	err_set(err, ENOENT, "find a range of ids for '%s' in '%s'", user, file);
	return err_hint(err,
		"sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s", user);
}

static int run_helper(const char *program, pid_t pid, uint32_t own_inside, uint32_t own,
	const struct subid *sub, struct err **err)
{
	AUTO_STRVEC struct strvec argv = {0};
	uint32_t below = own_inside < sub->count ? own_inside : sub->count;
	static char *const envp[] = {NULL};
	pid_t child;
	int status, r;

	strvec_push(&argv, program);
	strvec_pushf(&argv, "%d", (int)pid);
	if (below) {
		strvec_push(&argv, "0");
		strvec_pushf(&argv, "%u", sub->first);
		strvec_pushf(&argv, "%u", below);
	}
	strvec_pushf(&argv, "%u", own_inside);
	strvec_pushf(&argv, "%u", own);
	strvec_push(&argv, "1");
	if (sub->count > below) {
		strvec_pushf(&argv, "%u", own_inside + 1);
		strvec_pushf(&argv, "%u", sub->first + below);
		strvec_pushf(&argv, "%u", sub->count - below);
	}
	r = posix_spawn(&child, program, NULL, NULL, strvec_argv(&argv), envp);
	if (r != 0) {
		err_set(err, r, "run '%s'", program);
		return err_hint(err, "install the package uidmap, or use ids = \"single\"");
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(err, errno, "wait for '%s'", program);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, EPERM, "map a range of ids with '%s'", program);
	return 0;
}

int ids_map_range(pid_t pid, uint32_t uid, uint32_t gid, struct err **err)
{
	const struct passwd *pw = getpwuid(getuid());
	AUTO_FREE char *user = pw ? xstrdup(pw->pw_name) : xasprintf("%u", getuid());
	struct subid sub;
	int r = subid_find("/etc/subuid", user, getuid(), &sub, err);

	if (r == 0)
		r = run_helper("/usr/bin/newuidmap", pid, uid, getuid(), &sub, err);
	if (r == 0)
		r = subid_find("/etc/subgid", user, getuid(), &sub, err);
	if (r == 0)
		r = run_helper("/usr/bin/newgidmap", pid, gid, getgid(), &sub, err);
	return r;
}

static NORETURN void remove_as_root(const char *path, int mapped)
{
	char go;

	if (unshare(CLONE_NEWUSER) < 0 || write(mapped, "u", 1) != 1 || read(mapped, &go, 1) != 1)
		_exit(EXIT_BAILEY);
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		_exit(EXIT_BAILEY);
	_exit(fs_remove_tree(AT_FDCWD, path) < 0 ? EXIT_BAILEY : 0);
}

int ids_remove_tree(const char *path, struct err **err)
{
	AUTO_FD int ours = -1, theirs = -1;
	int pair[2], status = -1, r;
	char ready;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, errno, "remove '%s'", path);
	ours = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid == 0)
		remove_as_root(path, theirs);
	theirs = fd_close(theirs);
	if (pid < 0)
		return err_set(err, errno, "remove '%s'", path);
	r = read(ours, &ready, 1) == 1
		    ? ids_map_range(pid, getuid(), getgid(), err)
		    : err_set(err, EPERM, "make a user namespace to remove '%s'", path);
	if (r == 0 && write(ours, "g", 1) != 1)
		r = -EPIPE;
	ours = fd_close(ours);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r == 0 && status != 0)
		r = err_set(err, EPERM, "remove '%s'", path);
	return r;
}
