/*
 * bailey cp: files between host and sandbox. The inside end is a program of the
 * sandbox; the bytes travel through a pipe. What comes out is unpacked by a tar that
 * can write beneath the destination and nowhere else (Landlock), and can set neither
 * setuid bits nor make devices (the cell's own filter): an archive may say what it
 * likes.
 */
#include "cli.h"
#include "start.h"
#include "where.h"

#include "base/log.h"
#include "cell/landlock.h"
#include "cell/seccomp.h"
#include "session/proto.h"
#include "sys/fs.h"
#include "sys/kernel.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

static bool opt_recursive;

static const struct opt options[] = {
	OPT_FLAG('r', "recursive", &opt_recursive, "Copy directories"),
	OPT_DONE,
};

struct side {
	char *name; /* of the sandbox; NULL: the host */
	const char *path;
};

/* "NAME:path"; a slash before the colon makes it a path of the host. */
static struct side parse_side(const char *arg)
{
	const char *colon = strchr(arg, ':'), *slash = strchr(arg, '/');

	if (!colon || colon == arg || (slash && slash < colon))
		return (struct side){.path = arg};
	return (struct side){.name = xstrndup(arg, (size_t)(colon - arg)), .path = colon + 1};
}

/* Runs a command in the sandbox with stdin or stdout redirected, in a process of its own. */
static pid_t spawn_inside(struct cli *cli, const char *name, struct strvec *argv, int fd, int as)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (dup2(fd, as) < 0)
		_exit(EXIT_FAILED);
	close_range(3, ~0U, 0);
	if (as == STDOUT_FILENO) {
		/* Nothing to read: tar and cat only write. */
		int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

		if (null < 0 || dup2(null, STDIN_FILENO) < 0)
			_exit(EXIT_FAILED);
	}
	_exit(cli_exec_in(cli, "cp", name, argv));
}

static int wait_status(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Only files and directories, and only there. */
static int confine_unpack(const char *dst)
{
	const uint64_t make = LL_FS_WRITE_FILE | LL_FS_READ_FILE | LL_FS_READ_DIR |
			      LL_FS_REMOVE_DIR | LL_FS_REMOVE_FILE | LL_FS_MAKE_DIR |
			      LL_FS_MAKE_REG | LL_FS_MAKE_SYM | LL_FS_TRUNCATE;
	const uint64_t use = LL_FS_EXECUTE | LL_FS_READ_FILE | LL_FS_READ_DIR;
	static const char *const readable[] = {
		"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache"};
	int abi = ll_abi(), r;
	struct ll_ruleset_attr attr = {.fs = ll_fs_rights(abi)};
	AUTO_FD int rules = abi > 0 ? ll_create_ruleset(&attr, abi) : -ENOSYS;
	AUTO_FD int dir = open(dst, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (rules < 0 || dir < 0)
		return rules < 0 ? rules : -errno;
	r = ll_add_path(rules, dir, make & ll_fs_rights(abi));
	for (size_t i = 0; i < ARRAY_SIZE(readable) && r == 0; i++) {
		AUTO_FD int fd = open(readable[i], O_PATH | O_CLOEXEC);

		if (fd >= 0)
			r = ll_add_path(rules, fd, use);
	}
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	if (r == 0)
		r = ll_restrict_self(rules);
	return r == 0 ? cell_seccomp_install(CELL_SECCOMP_DIRECT) : r;
}

static pid_t spawn_unpack(const char *dst, int from)
{
	static char *const envp[] = {NULL};
	AUTO_STRVEC struct strvec argv = {0};
	pid_t pid;

	strvec_extend(&argv, (const char *const[]){"tar", "-x", "-f", "-", "--no-same-owner",
				     "--no-same-permissions", "-C", dst, NULL});
	pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(from, STDIN_FILENO) < 0 || confine_unpack(dst) < 0)
		_exit(EXIT_FAILED);
	close_range(3, ~0U, 0);
	execve("/usr/bin/tar", strvec_argv(&argv), envp);
	execve("/bin/tar", strvec_argv(&argv), envp);
	_exit(EXIT_FAILED);
}

static int copy_to_file(const char *dst, int from)
{
	AUTO_FD int out = open(dst, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
	struct err *err = NULL;
	int r = out < 0 ? -errno : fs_copy_fd(from, out);

	if (r < 0) {
		AUTO_FREE char *shown = str_escape0(dst);

		err_set(&err, r, "write '%s'", shown);
		return cli_fail(err);
	}
	return 0;
}

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Splits off the last component: "a/b" -> "a" and "b"; "/" and ".." are their own directory. */
static char *dir_of(const char *path, const char **ret_base)
{
	const char *slash;
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	slash = memrchr(path, '/', n);
	*ret_base = slash ? slash + 1 : path;
	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

static int copy_out(struct cli *cli, const struct side *src, const char *dst)
{
	AUTO_STRVEC struct strvec argv = {0};
	bool archive = opt_recursive;
	int pipes[2], inside, here = 0;
	pid_t producer, consumer = 0;

	if (is_dir(dst) || archive) {
		const char *base;
		AUTO_FREE char *dir = dir_of(src->path, &base);

		if (!is_dir(dst)) { /* a new directory with the content of the old one */
			if (mkdir(dst, 0755) < 0) {
				log_error("make the directory '%s': %s", dst, strerror(errno));
				return EXIT_FAILED;
			}
			strvec_extend(&argv, (const char *const[]){"tar", "-c", "-f", "-", "-C",
						     src->path, ".", NULL});
		} else {
			strvec_extend(&argv, (const char *const[]){"tar", "-c", "-f", "-", "-C",
						     dir, "--", base, NULL});
		}
		archive = true;
	} else {
		strvec_extend(&argv, (const char *const[]){"cat", "--", src->path, NULL});
	}
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return EXIT_FAILED;
	producer = spawn_inside(cli, src->name, &argv, pipes[1], STDOUT_FILENO);
	fd_close(pipes[1]);
	if (archive)
		consumer = spawn_unpack(dst, pipes[0]);
	else
		here = copy_to_file(dst, pipes[0]);
	fd_close(pipes[0]);
	if (archive)
		here = wait_status(consumer);
	inside = wait_status(producer);
	if (archive && here)
		log_error("unpacking into '%s' failed", dst);
	return inside ? inside : here ? EXIT_FAILED : 0;
}

static int copy_in(struct cli *cli, const char *src, const struct side *dst)
{
	AUTO_STRVEC struct strvec argv = {0};
	const char *base;
	AUTO_FREE char *dir = dir_of(src, &base);
	AUTO_FREE char *name = xstrndup(base, strcspn(base, "/"));
	AUTO_FD int file = -1;
	int pipes[2], inside, here = 0;
	pid_t consumer, producer;

	if (!is_dir(src)) {
		/* Into the directory of that name if there is one, else to that name. */
		strvec_extend(&argv, (const char *const[]){"/bin/sh", "-c",
					     "d=$1; [ -d \"$d\" ] && d=$d/$2; cat > \"$d\"", "cp",
					     dst->path, name, NULL});
		file = open(src, O_RDONLY | O_CLOEXEC);
		if (file < 0) {
			log_error("open '%s': %s", src, strerror(errno));
			return EXIT_FAILED;
		}
		return wait_status(spawn_inside(cli, dst->name, &argv, file, STDIN_FILENO));
	}
	if (!opt_recursive) {
		log_error("'%s' is a directory (use -r)", src);
		return EXIT_FAILED;
	}
	strvec_extend(&argv, (const char *const[]){"/bin/sh", "-c",
				     "d=$1; if [ -d \"$d\" ]; then d=$d/$2; fi; mkdir -p -- \"$d\" "
				     "&& exec tar -x -f - -C \"$d\"",
				     "cp", dst->path, name, NULL});
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return EXIT_FAILED;
	consumer = spawn_inside(cli, dst->name, &argv, pipes[0], STDIN_FILENO);
	producer = fork();
	if (producer == 0) {
		if (dup2(pipes[1], STDOUT_FILENO) < 0)
			_exit(EXIT_FAILED);
		close_range(3, ~0U, 0);
		execl("/usr/bin/tar", "tar", "-c", "-f", "-", "-C", src, ".", (char *)NULL);
		_exit(EXIT_FAILED);
	}
	fd_close(pipes[0]);
	fd_close(pipes[1]);
	here = wait_status(producer);
	inside = wait_status(consumer);
	return inside ? inside : here ? EXIT_FAILED : 0;
}

static int run(struct cli *cli, struct cmd_args *args)
{
	struct side src = parse_side(args->operands.v[0]), dst = parse_side(args->operands.v[1]);
	int status;

	if (!src.name == !dst.name)
		status = cli_usage(
			"cp", "one of the two is NAME:path, the other a path of the host");
	else if (!*src.path || !*dst.path)
		status = cli_usage("cp", "a path is missing");
	else
		status = src.name ? copy_out(cli, &src, dst.path) : copy_in(cli, src.path, &dst);
	free(src.name);
	free(dst.name);
	return status;
}

const struct command cmd_cp = {
	.name = "cp",
	.usage = "SRC DST",
	.summary = "Copy files between the host and a sandbox (NAME:path)",
	.text = "Paths inside are relative to the project. Setuid bits, devices and sockets are "
		"not copied.",
	.opts = options,
	.complete = "file",
	.min_operands = 2,
	.max_operands = 2,
	.run = run,
};
