#include "attacks.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ARGS 64
#define SECONDS 30 /* for one attack */

enum { WORKED = 0, REFUSED = 1 };

struct result {
	int status; /* as the shell has it */
	bool late;
	char out[1 << 16];
	size_t n;
};

static const char *bailey;
static bool use_bwrap;
static int tests, failures;

static int push(char **argv, int n, char *s)
{
	if (n + 1 >= MAX_ARGS)
		die("too many arguments");
	argv[n] = s;
	argv[n + 1] = NULL;
	return n + 1;
}

static int push_all(char **argv, int n, const char *const *v, size_t max)
{
	for (size_t i = 0; i < max && v[i]; i++)
		n = push(argv, n, stage_expand(v[i]));
	return n;
}

/* A stand-in that is known to hold some rows and not others, to see that the tests can tell. */
static int push_bwrap(char **argv, int n)
{
	static const char *const words[] = {"bwrap", "--unshare-all", "--ro-bind", "/usr", "/usr",
		"--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink",
		"usr/lib64", "/lib64", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
		"--tmpfs", "/var/tmp", "--tmpfs", "@H", "--bind", "@P", "@P", "--chdir", "@P"};

	return push_all(argv, n, words, ARRAY_SIZE(words));
}

static void build_argv(char **argv, const struct attack *a, bool inside)
{
	const char *const *words = !inside && a->control[0] ? a->control : a->argv;
	static const char *const run[] = {"run"};
	int n = 0;

	argv[0] = NULL;
	if (inside && use_bwrap) {
		n = push_bwrap(argv, n);
	} else if (inside) {
		n = push(argv, n, strdup(bailey));
		n = push_all(argv, n, run, 1);
		n = push_all(argv, n, a->options, ARRAY_SIZE(a->options));
		n = push(argv, n, strdup("--"));
	}
	if (!(a->flags & NO_PROBE))
		n = push(argv, n, strdup(stage.probe));
	push_all(argv, n, words, ARRAY_SIZE(a->argv));
}

static int open_stdin(unsigned flags)
{
	char *path = stage_expand(flags & STDIN_FILE  ? "@T/notes"
				  : flags & STDIN_DIR ? "@T"
						      : "/dev/null");
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("open %s", path);
	free(path);
	return fd;
}

static void become(const struct attack *a, char **argv, int out, int in)
{
	if (a->flags & ON_TTY) {
		setsid();
		if (ioctl(stage.tty_slave, TIOCSCTTY, 1) < 0)
			_exit(120);
		for (int i = 0; i < 3; i++)
			dup2(stage.tty_slave, i);
	} else {
		setpgid(0, 0);
		dup2(in >= 0 ? in : open_stdin(a->flags), 0);
		dup2(out, 1);
		dup2(out, 2);
	}
	if (chdir(stage.project) < 0)
		_exit(121);
	execvp(argv[0], argv);
	printf("exec %s: %s\n", argv[0], strerror(errno));
	fflush(stdout);
	_exit(122);
}

static void take(struct result *r, int fd)
{
	ssize_t n = r->n < sizeof(r->out) ? read(fd, r->out + r->n, sizeof(r->out) - r->n) : 0;

	if (n > 0)
		r->n += (size_t)n;
}

static bool said(const struct result *r, const char *word)
{
	return memmem(r->out, r->n, word, strlen(word)) != NULL;
}

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* Until it has ended; what is left in the pipe or terminal then belongs to it. */
static void follow(struct result *r, pid_t pid, int fd, int cue, unsigned flags)
{
	const long end = now() + SECONDS;
	int status;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int ready = poll(&p, 1, 20);

		if (ready == 1 && (p.revents & POLLIN)) {
			take(r, fd);
			if (cue >= 0 && said(r, "ready\n")) {
				stage_cue(flags);
				if (write(cue, "x", 1) != 1)
					die("give the cue");
				cue = -1;
			}
			continue;
		}
		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
		if (now() > end) {
			r->late = true;
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
	}
	r->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	for (struct pollfd p = {.fd = fd, .events = POLLIN};
		poll(&p, 1, 0) == 1 && (p.revents & POLLIN) && r->n < sizeof(r->out);)
		take(r, fd);
}

/*
 * The kernel carries a terminal's bytes to its master in its own time. What is
 * written last is read last, so a mark tells that all the rest has come.
 */
static void read_to_mark(struct result *r)
{
	static const char mark[] = "<end of the attack>";
	struct pollfd p = {.fd = stage.tty, .events = POLLIN};

	if (write(stage.tty_slave, mark, strlen(mark)) < 0)
		die("write to the terminal");
	while (!said(r, mark) && r->n < sizeof(r->out) && poll(&p, 1, 5000) == 1)
		take(r, stage.tty);
}

static void attempt(const struct attack *a, bool inside, struct result *r)
{
	char *argv[MAX_ARGS];
	int pipes[2], cue[2] = {-1, -1};
	pid_t pid;

	stage_reset(a->effect, a->arg);
	build_argv(argv, a, inside);
	r->n = 0;
	r->late = false;
	if (pipe2(pipes, O_CLOEXEC) < 0 ||
		((a->flags & (HOST_REPLACES | HOST_WATCHES)) && pipe2(cue, O_CLOEXEC) < 0))
		die("pipe");
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		become(a, argv, pipes[1], cue[0]);
	if (pid < 0)
		die("fork");
	close(pipes[1]);
	follow(r, pid, a->flags & ON_TTY ? stage.tty : pipes[0], cue[1], a->flags);
	close(pipes[0]);
	if (a->flags & ON_TTY)
		read_to_mark(r);
	if (cue[0] >= 0) {
		close(cue[0]);
		close(cue[1]);
	}
	for (int i = 0; argv[i]; i++)
		free(argv[i]);
}

/* The last line, fit for a diagnostic. */
static void show(const struct result *r)
{
	printf("#   status %d%s: ", r->status, r->late ? ", too late" : "");
	for (size_t i = r->n > 400 ? r->n - 400 : 0; i < r->n; i++) {
		char c = r->out[i];

		if (c == '\n')
			printf(i + 1 < r->n ? " | " : "");
		else
			printf(c >= ' ' && c <= '~' ? "%c" : "\\x%02x", (unsigned char)c);
	}
	printf("\n");
}

/* Why there is no control, of the reasons that the row admits; NULL if there should have been. */
static const char *excuse(const struct attack *a, const struct result *r)
{
	static const char *const lacks[] = {"ENOSYS", "EAFNOSUPPORT", "EPROTONOSUPPORT",
		"ESOCKTNOSUPPORT", "ENODEV", "ENOENT", "ETIMEDOUT", "ENETUNREACH", "EADDRNOTAVAIL",
		"ECONNRESET", "EINVAL", "EOPNOTSUPP"};

	if ((a->flags & ROOT_ONLY) && geteuid() != 0 &&
		(said(r, "EPERM") || said(r, "EACCES") || said(r, "no addresses")))
		return "the kernel refuses an ordinary user anyway";
	for (size_t i = 0; (a->flags & MAY_LACK) && i < ARRAY_SIZE(lacks); i++)
		if (said(r, lacks[i]))
			return "this kernel does not have it";
	if ((a->flags & MAY_LACK) && (said(r, "refused: look for it") || said(r, "none is there")))
		return "this machine does not have it";
	return NULL;
}

static void report(
	bool ok, const struct attack *a, const char *part, const char *note, const struct result *r)
{
	char *text = stage_expand(a->text);

	/* What differs from run to run stays out of the name. */
	printf("%sok %d - %s %s: %s%s%s\n", ok ? "" : "not ", ++tests, a->row, a->text, part,
		note ? ", " : "", note ? note : "");
	if (!ok) {
		failures++;
		show(r);
	}
	free(text);
}

static void try_row(const struct attack *a)
{
	static struct result r;
	const char *reason;
	bool ok;

	attempt(a, false, &r);
	ok = !r.late && r.status == WORKED;
	if (a->effect != BY_STATUS)
		ok = !r.late && stage_effect(a->effect, a->arg, r.out, r.n);
	reason = ok ? NULL : excuse(a, &r);
	if (reason)
		report(true, a, "no control possible", reason, &r);
	else
		report(ok, a, "works outside", NULL, &r);

	attempt(a, true, &r);
	/* Killed by the filter is as good as refused. A host's program has its own statuses. */
	ok = r.status == REFUSED || r.status == 128 + SIGSYS;
	if (a->flags & NO_PROBE)
		ok = r.status > 0 && r.status < 124;
	if (a->says)
		ok = r.status == 125 && said(&r, a->says);
	else if (a->effect != BY_STATUS)
		ok = (r.status == WORKED || ok ||
			     (a->effect == SLEEPER_DEAD && r.status == 128 + SIGKILL)) &&
		     !stage_effect(a->effect, a->arg, r.out, r.n);
	report(ok && !r.late, a, "refused inside", NULL, &r);
}

/* The walls let through what they must, or every row would be green for nothing. */
static void try_sanity(void)
{
	static const struct attack own[] = {
		{"-", "reads its own project", {"read", "@P/a/f"}},
		{"-", "writes its own project", {"write", "@P/new"}},
		{"-", "makes a socketpair", {"socketpair", "1", "1"}},
		{"-", "sees its own environment", {"env", "PATH"}},
		{"-", "prints to the terminal", {"print", "plain \\e[1mtext"}, .flags = ON_TTY,
			.effect = PRINTED, .arg = "plain \\e[1mtext"},
	};
	static struct result r;

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		attempt(&own[i], true, &r);
		report(r.status == WORKED &&
				(own[i].effect == BY_STATUS ||
					stage_effect(own[i].effect, own[i].arg, r.out, r.n)),
			&own[i], "works inside", NULL, &r);
	}
}

/* For docs/attacks.md, which table.sh compares. */
static void print_table(void)
{
	printf("| row | tried | control |\n|---|---|---|\n");
	for (size_t i = 0; i < n_attacks; i++) {
		const struct attack *a = &attacks[i];

		printf("| %s | %s | %s%s%s |\n", a->row, a->text,
			a->flags & ROOT_ONLY ? "as root" : "always",
			a->flags & MAY_LACK ? ", where the machine has it" : "",
			a->says ? "; inside, it is refused to start" : "");
	}
}

int main(int argc, char **argv)
{
	const char *probe;

	if (argc == 2 && strcmp(argv[1], "--table") == 0) {
		print_table();
		return 0;
	}
	if (argc < 3) {
		fprintf(stderr, "usage: attacks BAILEY PROBE [ROW]   BAILEY may be \"bwrap\"\n"
				"       attacks --table\n");
		return 2;
	}
	use_bwrap = strcmp(argv[1], "bwrap") == 0;
	bailey = use_bwrap ? argv[1] : realpath(argv[1], NULL);
	probe = realpath(argv[2], NULL);
	if (!bailey || !probe)
		die("find the programs");
	stage_make(probe);
	try_sanity();
	for (size_t i = 0; i < n_attacks; i++)
		if (argc < 4 || fnmatch(argv[3], attacks[i].row, 0) == 0)
			try_row(&attacks[i]);
	printf("1..%d\n", tests);
	stage_drop();
	return failures != 0;
}
