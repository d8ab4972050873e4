#include "textdiff.h"

#include "beneath.h"
#include "sys/fs.h"
#include "sys/kernel.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

/*
 * The diff program runs with the user's authority on bytes that the inside chose. Its
 * parser is simple, but we do not have to trust it:
 *
 *   - it holds two sealed memory files, opened read-only, and the writing end of a
 *     pipe; standard input and error are /dev/null; nothing else is open;
 *   - Landlock (where the kernel has it) leaves it reading and executing what a
 *     dynamic program needs, no other file, no TCP, no signal or abstract socket to
 *     processes outside;
 *   - no privileges to gain, no processes, no files to write, bounded time and memory;
 *   - an empty environment, so that no TMPDIR, LANGUAGE or LD_ variable counts;
 *   - it dies with us, and what it writes is capped, and escaped before it is shown.
 */
#define DIFF_CPU_SECONDS 10
#define DIFF_MEMORY (1ULL << 30)
#define DIFF_OLD_FD 3
#define DIFF_NEW_FD 4

static const char *const diff_paths[] = {"/usr/bin/diff", "/bin/diff"};

int textdiff_snapshot(int fd, struct digest *ret)
{
	AUTO_FD int copy = memfd_create("text", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (copy < 0)
		return -errno;
	r = digest_fd(fd, copy, TEXTDIFF_FILE_MAX, ret);
	if (r < 0)
		return r;
	if (fcntl(copy, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -errno;
	return beneath_reopen(copy, O_RDONLY);
}

static void limit(int what, rlim_t most)
{
	struct rlimit l = {most, most};

	if (setrlimit(what, &l) < 0)
		_exit(126);
}

static void confine_files(void)
{
	static const char *const readable[] = {
		"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache"};
	int abi = ll_abi(), ruleset;
	struct ll_ruleset_attr attr = {
		.fs = ll_fs_rights(abi),
		.net = LL_NET_BIND_TCP | LL_NET_CONNECT_TCP,
		.scoped = LL_SCOPE_ABSTRACT_UNIX | LL_SCOPE_SIGNAL,
	};

	if (abi == 0)
		return;
	ruleset = ll_create_ruleset(&attr, abi);
	if (ruleset < 0)
		_exit(126);
	for (size_t i = 0; i < ARRAY_SIZE(readable); i++) {
		int fd = open(readable[i], O_PATH | O_CLOEXEC);

		if (fd >= 0 && ll_add_path(ruleset, fd,
				       LL_FS_EXECUTE | LL_FS_READ_FILE | LL_FS_READ_DIR) < 0)
			_exit(126);
		fd_close(fd);
	}
	if (ll_restrict_self(ruleset) < 0)
		_exit(126);
	fd_close(ruleset);
}

/* In the child: only calls that are safe after fork. */
static NORETURN void run_diff(int old_fd, int new_fd, int out, pid_t parent)
{
	static char *const argv[] = {(char *)(uintptr_t) "diff", (char *)(uintptr_t) "-u",
		(char *)(uintptr_t) "-a", (char *)(uintptr_t) "--", (char *)(uintptr_t) "/dev/fd/3",
		(char *)(uintptr_t) "/dev/fd/4", NULL};
	static char *const envp[] = {(char *)(uintptr_t) "LC_ALL=C", NULL};
	int null;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(126);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	/* Above the targets first, so that none is overwritten before it is moved. */
	old_fd = fcntl(old_fd, F_DUPFD, 16);
	new_fd = fcntl(new_fd, F_DUPFD, 16);
	out = fcntl(out, F_DUPFD, 16);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(null, 2) < 0 ||
		dup2(old_fd, DIFF_OLD_FD) < 0 || dup2(new_fd, DIFF_NEW_FD) < 0 ||
		close_range(DIFF_NEW_FD + 1, ~0U, 0) < 0)
		_exit(126);
	limit(RLIMIT_CPU, DIFF_CPU_SECONDS);
	limit(RLIMIT_AS, DIFF_MEMORY);
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, 32);
	confine_files();
	limit(RLIMIT_NPROC, 0);
	for (size_t i = 0; i < ARRAY_SIZE(diff_paths); i++)
		execve(diff_paths[i], argv, envp);
	_exit(127);
}

/* Reads past diff's own two header lines; on too much the child is killed. */
static int collect(int fd, struct buf *ret)
{
	AUTO_FREE char *chunk = xmalloc(65536);
	unsigned headers = 2;

	for (;;) {
		ssize_t n = read(fd, chunk, 65536);
		size_t from = 0;
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		while (headers && from < (size_t)n) {
			const char *newline = memchr(chunk + from, '\n', (size_t)n - from);

			from = newline ? (size_t)(newline - chunk) + 1 : (size_t)n;
			headers -= newline != NULL;
		}
		r = buf_add(ret, chunk + from, (size_t)n - from);
		if (r < 0)
			return r;
	}
}

static int compare(int old_fd, int new_fd, struct buf *ret)
{
	AUTO_FD int from = -1;
	AUTO_FD int to = -1;
	pid_t pid, parent = getpid();
	int fds[2], status, r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	from = fds[0];
	to = fds[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		run_diff(old_fd, new_fd, to, parent);
	to = fd_close(to);
	r = collect(from, ret);
	if (r < 0)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (r < 0)
		return r;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL ? -ETIMEDOUT
										  : -EIO;
	if (WEXITSTATUS(status) == 127)
		return -ENOENT;
	return WEXITSTATUS(status) <= 1 ? 0 : -EIO;
}

/* All lines of a text that is on one side only. */
static int one_sided(int fd, char sign, struct buf *ret)
{
	AUTO_BUF struct buf text = BUF_INIT(TEXTDIFF_FILE_MAX);
	AUTO_FREE char *head = NULL;
	size_t lines = 0;
	int r = fs_read_fd(fd, &text);

	if (r < 0 || text.len == 0)
		return r;
	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n';
	lines += text.data[text.len - 1] != '\n';
	head = sign == '+' ? xasprintf("@@ -0,0 +1,%zu @@\n", lines)
			   : xasprintf("@@ -1,%zu +0,0 @@\n", lines);
	r = buf_add(ret, head, strlen(head));
	for (const char *p = text.data, *end = p + text.len; r == 0 && p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t n = newline ? (size_t)(newline - p) + 1 : (size_t)(end - p);

		r = buf_add(ret, &sign, 1);
		if (r == 0)
			r = buf_add(ret, p, n);
		p += n;
	}
	if (r == 0 && text.data[text.len - 1] != '\n')
		r = buf_add(ret, "\n\\ No newline at end of file\n", 29);
	return r;
}

int textdiff_hunks(int old_fd, int new_fd, struct buf *ret)
{
	if (old_fd < 0 && new_fd < 0)
		return 0;
	if (old_fd < 0)
		return one_sided(new_fd, '+', ret);
	if (new_fd < 0)
		return one_sided(old_fd, '-', ret);
	return compare(old_fd, new_fd, ret);
}
