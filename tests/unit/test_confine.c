/* A worker that was taken over: what it tries, with and without the confinement. */
#include "sys/confine.h"
#include "tap.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>

/* Each returns 0 when it worked. */
static int try_open(void)
{
	int fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);

	return fd < 0 && errno != ENOENT ? 1 : (fd_close(fd), 0);
}

static int try_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? 1 : (fd_close(fd), 0);
}

/* Of an internet socket made before (descriptor 9): refused by the peer is as good as made. */
static int try_connect(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons(1),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	return connect(9, (struct sockaddr *)&a, sizeof(a)) < 0 && errno != ECONNREFUSED;
}

static int try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 || waitpid(pid, NULL, 0) != pid;
}

static int try_exec(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return 1;
}

static int try_kill(void)
{
	return kill(getppid(), 0) < 0;
}

static int try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0;
}

static int try_mmap_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED;
}

static int try_mprotect_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED || mprotect(p, 4096, PROT_READ | PROT_EXEC) < 0;
}

/* Typing into a terminal: descriptor 8. */
static int try_tiocsti(void)
{
	char c = 'x';

	return ioctl(8, TIOCSTI, &c) < 0 && errno != EIO && errno != EPERM;
}

static int try_tcgets(void)
{
	struct termios t;

	return ioctl(8, TCGETS, &t) < 0;
}

/* Of the memfd: the terminal is a node of this machine. */
static int try_chmod(void)
{
	return fchmod(7, 0600) < 0 && errno != EPERM;
}

static int try_prctl(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0;
}

static int try_unlink(void)
{
	return unlink("/nonexistent/file") < 0 && errno != ENOENT;
}

static int try_truncate(void)
{
	return ftruncate(7, 10) < 0;
}

static int try_size(void)
{
	struct winsize ws = {.ws_row = 5, .ws_col = 6};

	return ioctl(8, TIOCSWINSZ, &ws) < 0;
}

static int try_internet(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? 1 : (fd_close(fd), 0);
}

static int try_datagram(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? 1 : (fd_close(fd), 0);
}

static int try_pipe(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return 1;
	fd_close(fds[0]);
	fd_close(fds[1]);
	return 0;
}

static int try_work(void)
{
	char *p = malloc(1 << 20), b[4];
	int flags = fcntl(7, F_GETFL);

	if (!p || flags < 0 || fcntl(7, F_SETFL, flags) < 0)
		return 1;
	memset(p, 1, 1 << 20);
	free(p);
	return write(7, "abc", 3) != 3 || read(7, b, sizeof(b)) < 0;
}

/* What a call does in a process of its own: its wait status. */
static int outcome(int (*call)(void), bool confined, unsigned flags)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		int fd = memfd_create("file", MFD_CLOEXEC), tty, net;

		tty = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
		net = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || tty < 0 || net < 0 || dup2(fd, 7) < 0 || dup2(tty, 8) < 0 ||
			dup2(net, 9) < 0)
			_exit(90);
		if (confined && confine_worker(flags) < 0)
			_exit(91);
		_exit(call());
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static bool killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

#define ALL (CONFINE_FILE | CONFINE_TTY_SIZE | CONFINE_FORWARD | CONFINE_CONNECT)

static const struct {
	const char *name;
	int (*call)(void);
	unsigned needs; /* a flag that permits it; 0: nothing does */
} calls[] = {
	{"open", try_open, 0},
	{"unix socket", try_socket, 0},
	{"fork", try_fork, 0},
	{"exec", try_exec, 0},
	{"kill", try_kill, 0},
	{"ptrace", try_ptrace, 0},
	{"mmap of code", try_mmap_exec, 0},
	{"mprotect of code", try_mprotect_exec, 0},
	{"TIOCSTI", try_tiocsti, 0},
	{"TCGETS", try_tcgets, 0},
	{"fchmod", try_chmod, 0},
	{"prctl", try_prctl, 0},
	{"unlink", try_unlink, 0},
	{"datagram socket", try_datagram, 0},
	{"connect", try_connect, CONFINE_CONNECT},
	{"internet socket", try_internet, CONFINE_CONNECT},
	{"pipe", try_pipe, CONFINE_FORWARD},
	{"ftruncate", try_truncate, CONFINE_FILE},
	{"TIOCSWINSZ", try_size, CONFINE_TTY_SIZE},
};

TEST(confine_worker_kills_what_is_not_its_work)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		/* The control: it works otherwise. */
		if (outcome(calls[i].call, false, 0) != 0)
			tap_fail(__FILE__, __LINE__, "%s fails even unconfined", calls[i].name);
		if (!killed(outcome(calls[i].call, true, ALL & ~calls[i].needs)))
			tap_fail(__FILE__, __LINE__, "%s is not stopped", calls[i].name);
		if (calls[i].needs && outcome(calls[i].call, true, calls[i].needs) != 0)
			tap_fail(__FILE__, __LINE__, "%s fails with its flag", calls[i].name);
	}
}

TEST(confine_worker_leaves_its_work)
{
	CHECK_INT(outcome(try_work, true, 0), 0);
}

static int try_foreign(void)
{
#if defined(__x86_64__)
	return syscall(0x40000000 | SYS_read, 7, NULL, 0) < 0 && errno != ENOSYS;
#else
	return 0;
#endif
}

TEST(confine_worker_refuses_foreign_calls)
{
#if defined(__x86_64__)
	CHECK_INT(outcome(try_foreign, false, 0), 0);
	CHECK(killed(outcome(try_foreign, true, ALL)));
#else
	CHECK_INT(outcome(try_foreign, false, 0), 0);
#endif
}

TEST(confine_fds_keeps_exactly_those)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		/* In an order that makes naive moving overwrite one with another. */
		int a = memfd_create("a", MFD_CLOEXEC), b = memfd_create("b", MFD_CLOEXEC),
		    c = memfd_create("c", MFD_CLOEXEC);
		int keep[4];
		struct stat want[3], got;

		if (dup2(a, 5) < 0 || dup2(b, 3) < 0 || dup2(c, 4) < 0)
			_exit(90);
		keep[0] = 5;
		keep[1] = -1;
		keep[2] = 4;
		keep[3] = 3;
		if (fstat(5, &want[0]) < 0 || fstat(4, &want[1]) < 0 || fstat(3, &want[2]) < 0)
			_exit(91);
		if (confine_fds(keep, 4) < 0)
			_exit(92);
		if (keep[0] != 3 || keep[1] != -1 || keep[2] != 4 || keep[3] != 5)
			_exit(93);
		for (int i = 0; i < 3; i++)
			if (fstat(3 + i, &got) < 0 || got.st_ino != want[i].st_ino)
				_exit(94);
		for (int fd = 0; fd < 3; fd++)
			if (fstat(fd, &got) < 0 || !S_ISCHR(got.st_mode))
				_exit(95);
		for (int fd = 6; fd < 200; fd++)
			if (fcntl(fd, F_GETFD) >= 0)
				_exit(96);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_INT(status, 0);
}
