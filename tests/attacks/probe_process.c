/* Attacks on processes and resources. */
#include "probe.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static enum outcome do_env(char **a)
{
	errno = 0;
	return getenv(a[0]) ? worked("%s is set", a[0]) : refused("%s is not set", a[0]);
}

static enum outcome scan(const char *file, const char *text)
{
	void *dir = NULL;
	int pid, tried = 0;

	while ((pid = next_process(&dir)) > 0) {
		char path[64];

		/* Not our own, which was given the text to look for. */
		if (pid == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
		tried++;
		if (file_has(path, text) > 0)
			return worked("%s has it", path);
	}
	errno = 0;
	return refused("in none of %d processes", tried);
}

static enum outcome do_environ_scan(char **a)
{
	return scan("environ", a[0]);
}

static enum outcome do_cmdline_scan(char **a)
{
	return scan("cmdline", a[0]);
}

static enum outcome do_environ_of(char **a)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/environ", number(a[0]));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return verdict(fd, path);
}

/* A process that may be traced by anyone of its user. Says "ready". */
static enum outcome __attribute__((noreturn)) do_sleeper(char **a)
{
	(void)a;
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	printf("ready\n");
	fflush(stdout);
	for (;;)
		pause();
}

/* An address that is mapped in every process of this machine: of its program's start. */
static unsigned long some_address(int pid)
{
	char path[64], line[512];
	unsigned long start = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return 0x400000;
	if (fgets(line, sizeof(line), f))
		start = hex_before(line);
	fclose(f);
	return start;
}

static enum outcome do_mem_of(char **a)
{
	int pid = (int)number(a[0]), fd;
	char path[64], c;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return refused("open %s", path);
	return verdict(pread(fd, &c, 1, (off_t)some_address(pid)) == 1 ? 0 : -1, path);
}

static enum outcome do_vm_read(char **a)
{
	int pid = (int)number(a[0]);
	char c;
	struct iovec local = {&c, 1}, remote = {(void *)some_address(pid), 1};

	return verdict(
		process_vm_readv(pid, &local, 1, &remote, 1, 0) == 1 ? 0 : -1, "process_vm_readv");
}

static enum outcome do_ptrace(char **a)
{
	pid_t pid = (pid_t)number(a[0]);
	int status;

	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0)
		return refused("ptrace");
	waitpid(pid, &status, __WALL);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return worked("attached to %d", pid);
}

static enum outcome do_pidfd_getfd(char **a)
{
	int pidfd = (int)syscall(SYS_pidfd_open, number(a[0]), 0);

	if (pidfd < 0)
		return refused("pidfd_open");
	return verdict(syscall(SYS_pidfd_getfd, pidfd, 0, 0), "pidfd_getfd");
}

static enum outcome do_setns(char **a)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/ns/%s", number(a[0]), a[1]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return refused("open %s", path);
	return verdict(setns(fd, 0), path);
}

static enum outcome do_kill(char **a)
{
	return verdict(kill((pid_t)number(a[0]), SIGKILL), "kill -9");
}

/* Never run outside: it would end every process of the user. */
static enum outcome do_kill_all(char **a)
{
	/* Never mind who asks: outside, PID 1 is somebody else. */
	if (strcmp(a[0], "inside") != 0 ||
		file_has("/proc/1/comm", "bailey-init") + file_has("/proc/1/comm", "bwrap") < 1)
		return cannot("only inside");
	return verdict(kill(-1, SIGKILL), "kill -9 -1");
}

/* Leaves a process behind that has let go of everything. Its argv is found by the driver. */
static enum outcome do_daemonise(char **a)
{
	int pipes[2];
	char c;
	pid_t pid;

	if (pipe(pipes) < 0 || (pid = fork()) < 0)
		return refused("fork");
	if (pid == 0) {
		setsid();
		if (fork())
			_exit(0);
		signal(SIGHUP, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		/* All of them, when the new program runs: then the pipe ends. */
		close_range(0, ~0U, CLOSE_RANGE_CLOEXEC);
		execl("/proc/self/exe", "probe", "linger", a[0], NULL);
		_exit(1);
	}
	close(pipes[1]);
	waitpid(pid, NULL, 0);
	if (read(pipes[0], &c, 1) != 0)
		return cannot("wait for the daemon");
	return worked("left a daemon");
}

/* Ends after a while by itself, should the control's be forgotten. */
static enum outcome __attribute__((noreturn)) do_linger(char **a)
{
	(void)a;
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	alarm(60);
	for (;;)
		pause();
}

static enum outcome do_fork_bomb(char **a)
{
	long want = number(a[0]), n = 0;
	pid_t *pids = calloc((size_t)want, sizeof(*pids));

	for (; n < want; n++) {
		pids[n] = fork();
		if (pids[n] < 0)
			break;
		if (pids[n] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
			pause();
			_exit(0);
		}
	}
	if (n < want)
		refused("after %ld processes", n);
	for (long i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	return n < want ? REFUSED : worked("%ld processes", n);
}

static void *idle(void *p)
{
	pause();
	return p;
}

static enum outcome do_thread_bomb(char **a)
{
	long want = number(a[0]), n = 0;
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 1 << 16);
	for (; n < want; n++) {
		int r = pthread_create(&t, &attr, idle, NULL);

		if (r) {
			errno = r;
			return refused("after %ld threads", n);
		}
	}
	return worked("%ld threads", n);
}

/* Dead children whom nobody waits for. */
static enum outcome do_zombies(char **a)
{
	long want = number(a[0]), n = 0;

	for (; n < want; n++) {
		pid_t pid = fork();

		if (pid < 0)
			return refused("after %ld zombies", n);
		if (pid == 0)
			_exit(0);
	}
	return worked("%ld zombies", n);
}

/* Orphans that die: PID 1 has to reap every one. */
static enum outcome do_orphans(char **a)
{
	long want = number(a[0]);

	for (long n = 0; n < want; n++) {
		pid_t pid = fork();

		if (pid < 0)
			return refused("after %ld orphans", n);
		if (pid == 0) {
			if (fork() == 0)
				_exit(0);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	return worked("%ld orphans", want);
}

static enum outcome do_fd_bomb(char **a)
{
	long want = number(a[0]), n = 0;
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	for (; n < want; n++)
		if (dup(1) < 0)
			return refused("after %ld descriptors", n);
	return worked("%ld descriptors", n);
}

static enum outcome do_mem_bomb(char **a)
{
	long want = number(a[0]);
	char *p = mmap(
		NULL, (size_t)want, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return refused("map %ld bytes", want);
	for (long i = 0; i < want; i += 4096)
		p[i] = 1;
	return worked("%ld bytes", want);
}

static enum outcome do_raise_limit(char **a)
{
	struct rlimit lim;
	int what = strcmp(a[0], "core") == 0	? RLIMIT_CORE
		   : strcmp(a[0], "nproc") == 0 ? RLIMIT_NPROC
						: RLIMIT_NOFILE;
	rlim_t want = (rlim_t)number(a[1]);

	if (getrlimit(what, &lim) < 0)
		return cannot("getrlimit");
	lim.rlim_cur = want;
	if (lim.rlim_max < want)
		lim.rlim_max = want;
	if (setrlimit(what, &lim) < 0)
		return refused("%s", a[0]);
	/* The filter may say that it is done without doing it. */
	if (getrlimit(what, &lim) < 0 || lim.rlim_cur != want)
		return refused("%s, in silence", a[0]);
	return worked("%s", a[0]);
}

/*
 * When core_pattern is a pipe, only a limit of 1 keeps the kernel from running the
 * handler, in the host's namespaces (core(5)).
 */
static enum outcome do_core_handler(char **a)
{
	struct rlimit lim;

	(void)a;
	if (getrlimit(RLIMIT_CORE, &lim) < 0)
		return cannot("getrlimit");
	if (lim.rlim_cur != 1)
		return worked("a dump would be handled");
	lim.rlim_cur = 0;
	if (setrlimit(RLIMIT_CORE, &lim) < 0 || getrlimit(RLIMIT_CORE, &lim) < 0 ||
		lim.rlim_cur == 1)
		return refused("the limit stays 1");
	return worked("lowered the limit, and a dump would be handled");
}

/* A setuid program waits for a password as root, if the bit counts. */
static enum outcome do_suid_exec(char **a)
{
	int pipes[2];
	pid_t pid;
	bool root = false;
	struct timespec pause_ = {.tv_nsec = 10 * 1000 * 1000};

	if (getuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		return cannot("become an ordinary user");
	if (access(a[0], X_OK) < 0)
		return cannot("%s", a[0]);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return cannot("pipe");
	pid = fork();
	if (pid == 0) {
		dup2(pipes[0], 0);
		close(2);
		execl(a[0], a[0], "-c", "true", "root", NULL);
		_exit(127);
	}
	for (int i = 0; i < 100 && !root; i++) {
		char path[64];
		int status;

		snprintf(path, sizeof(path), "/proc/%d/status", pid);
		root = file_has(path, "\t0\t0\t0\n") > 0;
		if (waitpid(pid, &status, WNOHANG) != 0)
			break;
		nanosleep(&pause_, NULL);
	}
	kill(pid, SIGKILL);
	errno = 0;
	return root ? worked("%s runs as root", a[0]) : refused("%s gains nothing", a[0]);
}

/* The same program from another place, which a rule on names would not know. */
static enum outcome do_via_memfd(char **a)
{
	int fd = (int)syscall(SYS_memfd_create, "x", 0);
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char block[65536], *argv[16] = {(char *)"probe"};
	ssize_t n;

	if (fd < 0 || self < 0)
		return cannot("memfd");
	while ((n = read(self, block, sizeof(block))) > 0)
		if (write(fd, block, (size_t)n) != n)
			return cannot("copy");
	for (size_t i = 0; i < ARRAY_SIZE(argv) - 2 && a[i]; i++)
		argv[i + 1] = a[i];
	fexecve(fd, argv, environ);
	return cannot("fexecve");
}

/* Says "ready", waits for a byte, and goes on: the host does something meanwhile. */
static enum outcome do_after_stdin(char **a)
{
	char c;

	printf("ready\n");
	fflush(stdout);
	if (read(0, &c, 1) != 1)
		return cannot("no byte came");
	return run_probe(a);
}

/* All that may be had of something that is counted by user, and keeps it until a byte comes. */
static enum outcome do_hold_inotify(char **a)
{
	int n = 0;
	char c;

	(void)a;
	while (n < 65536 && inotify_init1(IN_CLOEXEC) >= 0)
		n++;
	printf("%d instances\nready\n", n);
	fflush(stdout);
	return read(0, &c, 1) == 1 ? WORKED : cannot("no byte came");
}

/* Descriptors that are neither 0 to 2 nor made here. */
static enum outcome do_fd_scan(char **a)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	(void)a;
	if (!d)
		return cannot("list descriptors");
	while ((e = readdir(d))) {
		int fd = e->d_name[0] == '.' ? -1 : (int)number(e->d_name);

		if (fd > 2 && fd != dirfd(d))
			return worked("descriptor %d", fd);
	}
	errno = 0;
	return refused("only 0, 1 and 2");
}

static enum outcome do_caps(char **a)
{
	/* The bits asked for, in the bounding set: what a setuid program or a root could get. */
	char line[256];
	unsigned long long bits = 0, want = (unsigned long)number(a[0]);
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "CapBnd:\t", 8) == 0)
			bits = hex_before(line + 8);
	errno = 0;
	return bits & want ? worked("%llx", bits & want) : refused("none of %llx", want);
}

const struct probe process_probes[] = {
	{"env", 1, do_env, "NAME: is in the environment"},
	{"environ-scan", 1, do_environ_scan, "TEXT: is in some process's environment"},
	{"cmdline-scan", 1, do_cmdline_scan, "TEXT: is in some process's command line"},
	{"environ-of", 1, do_environ_of, "PID"},
	{"sleeper", 0, do_sleeper, "[MARK]: a victim"},
	{"mem-of", 1, do_mem_of, "PID: read its memory"},
	{"vm-read", 1, do_vm_read, "PID"},
	{"ptrace", 1, do_ptrace, "PID"},
	{"pidfd-getfd", 1, do_pidfd_getfd, "PID"},
	{"setns", 2, do_setns, "PID KIND"},
	{"kill", 1, do_kill, "PID"},
	{"kill-all", 1, do_kill_all, "inside"},
	{"daemonise", 1, do_daemonise, "MARK"},
	{"linger", 1, do_linger, "MARK"},
	{"fork-bomb", 1, do_fork_bomb, "N"},
	{"thread-bomb", 1, do_thread_bomb, "N"},
	{"zombies", 1, do_zombies, "N"},
	{"orphans", 1, do_orphans, "N"},
	{"fd-bomb", 1, do_fd_bomb, "N"},
	{"mem-bomb", 1, do_mem_bomb, "BYTES"},
	{"raise-limit", 2, do_raise_limit, "core|nproc|nofile N"},
	{"core-handler", 0, do_core_handler, "a dump would start the host's handler"},
	{"suid-exec", 1, do_suid_exec, "PROGRAM: a setuid program that asks for a password"},
	{"via-memfd", 1, do_via_memfd, "PROBE ARGS: from a copy in memory"},
	{"after-stdin", 1, do_after_stdin, "PROBE ARGS: when a byte comes"},
	{"hold-inotify", 0, do_hold_inotify, "all instances, until a byte comes"},
	{"fd-scan", 0, do_fd_scan, "inherited descriptors"},
	{"caps", 1, do_caps, "HEX: bits in the bounding set"},
	{0},
};
