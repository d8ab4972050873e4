/* attach without a terminal: the test is the caller, the supervisor and the inside. */
#include "tap.h"
#include "term/attach.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { R, W };

struct fixture {
	int caller[3]; /* 0 to 2 of attach; -1: closed */
	int in[2];     /* attach writes, the inside reads */
	int out[2], error[2];
	int control[2];
	pid_t pid;
};

static enum attach_verdict on_control(void *ctx UNUSED, int control)
{
	char c = 0;

	if (recv(control, &c, 1, 0) != 1)
		return ATTACH_GONE;
	return c == 's' ? ATTACH_STOPPED : c == 'e' ? ATTACH_ENDED : ATTACH_GO_ON;
}

static void on_signal(void *ctx, int signo)
{
	const struct fixture *f = ctx;
	unsigned char c = (unsigned char)signo;

	(void)!send(f->control[0], &c, 1, 0);
}

static NORETURN void attach(struct fixture *f)
{
	/* From 100 on: what it has, and nothing else of the test's. */
	struct attach_args a = {
		.control = fcntl(f->control[0], F_DUPFD, 100),
		.cb = {on_control, on_signal, f},
		.stream = -1,
		.to_stdin = fcntl(f->in[W], F_DUPFD, 101),
		.from_stdout = fcntl(f->out[R], F_DUPFD, 102),
		.from_stderr = fcntl(f->error[R], F_DUPFD, 103),
	};
	enum attach_end end;

	f->control[0] = a.control;

	for (int i = 0; i < 3; i++) {
		if (f->caller[i] < 0)
			close(i);
		else if (dup2(f->caller[i], i) < 0)
			_exit(98);
	}
	if (close_range(3, 99, 0) < 0)
		_exit(97);
	_exit(attach_run(&a, &end, NULL) < 0 ? 99 : (int)end);
}

static void start(struct fixture *f, int in, int out, int error)
{
	*f = (struct fixture){.caller = {in, out, error}};
	CHECK(pipe2(f->in, O_CLOEXEC) == 0);
	CHECK(pipe2(f->out, O_CLOEXEC) == 0);
	CHECK(pipe2(f->error, O_CLOEXEC) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, f->control) == 0);
	fflush(stdout);
	f->pid = fork();
	CHECK(f->pid >= 0);
	if (f->pid == 0)
		attach(f);
	fd_close(f->in[W]);
	fd_close(f->out[R]);
	fd_close(f->error[R]);
	fd_close(f->control[0]);
}

/* The inside is gone and the supervisor says so. */
static void end(struct fixture *f, enum attach_end want)
{
	int status;

	f->in[R] = fd_close(f->in[R]);
	f->out[W] = fd_close(f->out[W]);
	f->error[W] = fd_close(f->error[W]);
	if (want == ATTACH_END_COMMAND)
		CHECK(send(f->control[1], "e", 1, 0) == 1);
	f->control[1] = fd_close(f->control[1]);
	CHECK(waitpid(f->pid, &status, 0) == f->pid);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), want);
}

static void read_exactly(int fd, const char *want)
{
	char b[256];
	size_t done = 0;

	while (done < strlen(want)) {
		ssize_t n = read(fd, b, strlen(want) - done);

		CHECK(n > 0);
		CHECK(memcmp(b, want + done, (size_t)n) == 0);
		done += (size_t)n;
	}
}

TEST(pipes_carry_all_three)
{
	struct fixture f;
	int in[2], out[2], error[2];
	char b[4];

	CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 &&
		pipe2(error, O_CLOEXEC) == 0);
	start(&f, in[R], out[W], error[W]);
	fd_close(in[R]);
	fd_close(out[W]);
	fd_close(error[W]);
	CHECK(write(in[W], "question", 8) == 8);
	read_exactly(f.in[R], "question");
	CHECK(write(f.out[W], "answer", 6) == 6);
	read_exactly(out[R], "answer");
	CHECK(write(f.error[W], "complaint", 9) == 9);
	read_exactly(error[R], "complaint");
	/* The end of one is the end of that one only. */
	fd_close(in[W]);
	CHECK_INT(read(f.in[R], b, sizeof(b)), 0);
	CHECK(write(f.out[W], "last", 4) == 4);
	end(&f, ATTACH_END_COMMAND);
	read_exactly(out[R], "last");
	CHECK_INT(read(out[R], b, sizeof(b)), 0);
	CHECK_INT(read(error[R], b, sizeof(b)), 0);
	fd_close(out[R]);
	fd_close(error[R]);
}

/* Bytes that depend on their place. */
static void fill(unsigned char *b, size_t n, uint64_t at)
{
	for (size_t i = 0; i < n; i++, at++)
		b[i] = (unsigned char)(at * 2654435761u >> 13);
}

static NORETURN void produce(int fd, uint64_t total)
{
	unsigned char b[30000];

	for (uint64_t at = 0; at < total;) {
		size_t n = total - at < sizeof(b) ? (size_t)(total - at) : sizeof(b);
		ssize_t w;

		fill(b, n, at);
		w = write(fd, b, n);
		if (w <= 0)
			_exit(1);
		at += (uint64_t)w;
	}
	_exit(0);
}

static void consume(int fd, uint64_t total)
{
	unsigned char got[65536], want[65536];

	for (uint64_t at = 0; at < total;) {
		ssize_t n = read(fd, got, sizeof(got));

		CHECK(n > 0);
		fill(want, (size_t)n, at);
		CHECK(memcmp(got, want, (size_t)n) == 0);
		at += (uint64_t)n;
	}
}

TEST(pipes_lose_nothing)
{
	const uint64_t total = 32 << 20;
	struct fixture f;
	int out[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t writer;
	char c;

	CHECK(pipe2(out, O_CLOEXEC) == 0);
	start(&f, null, out[W], null);
	fd_close(out[W]);
	writer = fork();
	if (writer == 0)
		produce(f.out[W], total);
	f.out[W] = fd_close(f.out[W]);
	consume(out[R], total);
	CHECK(waitpid(writer, NULL, 0) == writer);
	end(&f, ATTACH_END_COMMAND);
	CHECK_INT(read(out[R], &c, 1), 0);
	fd_close(out[R]);
	fd_close(null);
}

/* Files of the caller's that splice cannot write to, or not everywhere. */
TEST(pipes_to_files)
{
	static const int flags[] = {O_RDWR, O_RDWR | O_APPEND};
	const uint64_t total = 1 << 20;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct fixture f;
		pid_t writer;
		int file = memfd_create("file", MFD_CLOEXEC);

		CHECK(fcntl(file, F_SETFL, flags[i]) == 0);
		start(&f, null, file, null);
		writer = fork();
		if (writer == 0)
			produce(f.out[W], total);
		f.out[W] = fd_close(f.out[W]);
		CHECK(waitpid(writer, NULL, 0) == writer);
		end(&f, ATTACH_END_COMMAND);
		CHECK_INT(lseek(file, 0, SEEK_CUR), total);
		CHECK(lseek(file, 0, SEEK_SET) == 0);
		consume(file, total);
		fd_close(file);
	}
	fd_close(null);
}

TEST(pipes_hold_back_the_inside)
{
	struct fixture f;
	struct pollfd p;
	int out[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	static char b[65536];
	uint64_t at = 0;

	CHECK(pipe2(out, O_CLOEXEC) == 0);
	start(&f, null, out[W], null);
	p = (struct pollfd){.fd = f.out[W], .events = POLLOUT};
	CHECK(fcntl(f.out[W], F_SETFL, O_NONBLOCK) == 0);
	/* Nobody reads the caller's pipe. */
	while (at < 64 << 20 && poll(&p, 1, 500) == 1) {
		ssize_t n = write(f.out[W], b, sizeof(b));

		CHECK(n > 0 || errno == EAGAIN);
		at += n > 0 ? (uint64_t)n : 0;
	}
	CHECK(at < 4 << 20);
	/* And stderr and control still work. */
	CHECK(kill(f.pid, SIGTERM) == 0);
	CHECK_INT(recv(f.control[1], b, sizeof(b), 0), 1);
	CHECK_INT(b[0], SIGTERM);
	fd_close(out[W]);
	fd_close(out[R]); /* the caller is gone: nothing more to wait for */
	end(&f, ATTACH_END_COMMAND);
	fd_close(null);
}

TEST(pipes_tell_the_inside_that_nobody_reads)
{
	struct fixture f;
	int out[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct pollfd p;

	signal(SIGPIPE, SIG_IGN);
	CHECK(pipe2(out, O_CLOEXEC) == 0);
	start(&f, null, out[W], null);
	fd_close(out[W]);
	fd_close(out[R]);
	CHECK(write(f.out[W], "x", 1) == 1);
	/* Its other end is closed then. */
	p = (struct pollfd){.fd = f.out[W]};
	CHECK_INT(poll(&p, 1, 30000), 1);
	CHECK(p.revents & POLLERR);
	CHECK(write(f.out[W], "x", 1) < 0 && errno == EPIPE);
	end(&f, ATTACH_END_COMMAND);
	fd_close(null);
}

TEST(pipes_do_not_wait_for_what_was_left_behind)
{
	struct fixture f;
	int out[2], null = open("/dev/null", O_RDWR | O_CLOEXEC), left, status;
	char c;

	CHECK(pipe2(out, O_CLOEXEC) == 0);
	start(&f, null, out[W], null);
	fd_close(out[W]);
	left = dup(f.out[W]); /* a process in the background still has it */
	CHECK(write(f.out[W], "bye", 3) == 3);
	CHECK(send(f.control[1], "e", 1, 0) == 1);
	CHECK(waitpid(f.pid, &status, 0) == f.pid);
	CHECK_INT(status, 0);
	read_exactly(out[R], "bye");
	CHECK_INT(read(out[R], &c, 1), 0);
	fd_close(left);
	fd_close(f.in[R]);
	fd_close(f.out[W]);
	fd_close(f.error[W]);
	fd_close(f.control[1]);
	fd_close(out[R]);
	fd_close(null);
}

TEST(pipes_give_back_what_was_not_read)
{
	struct fixture f;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), file = memfd_create("in", MFD_CLOEXEC);

	CHECK(write(file, "first\nsecond\n", 13) == 13);
	CHECK(lseek(file, 0, SEEK_SET) == 0);
	start(&f, file, null, null);
	read_exactly(f.in[R], "first\n");
	end(&f, ATTACH_END_COMMAND);
	CHECK_INT(lseek(file, 0, SEEK_CUR), 6);
	fd_close(file);
	fd_close(null);
}

TEST(pipes_with_closed_descriptors)
{
	struct fixture f;
	char c;

	start(&f, -1, -1, -1);
	CHECK_INT(read(f.in[R], &c, 1), 0);
	end(&f, ATTACH_END_COMMAND);
}

TEST(pipes_end_when_the_supervisor_is_gone)
{
	struct fixture f;
	int out[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);

	CHECK(pipe2(out, O_CLOEXEC) == 0);
	start(&f, null, out[W], null);
	fd_close(out[W]);
	CHECK(write(f.out[W], "words", 5) == 5);
	end(&f, ATTACH_END_LOST);
	read_exactly(out[R], "words");
	fd_close(out[R]);
	fd_close(null);
}

TEST(pipes_stop_and_continue)
{
	struct fixture f;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), status;
	char b[4];

	start(&f, null, null, null);
	CHECK(send(f.control[1], "s", 1, 0) == 1);
	CHECK(waitpid(f.pid, &status, WUNTRACED) == f.pid);
	CHECK(WIFSTOPPED(status));
	CHECK(kill(f.pid, SIGCONT) == 0);
	CHECK_INT(recv(f.control[1], b, sizeof(b), 0), 1);
	CHECK_INT(b[0], SIGCONT);
	end(&f, ATTACH_END_COMMAND);
	fd_close(null);
}

/* nohup: a signal that the caller ignores is not passed on. */
TEST(pipes_leave_ignored_signals_ignored)
{
	struct fixture f;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char b[4];

	signal(SIGHUP, SIG_IGN);
	start(&f, null, null, null);
	/* Once the first is known, attach has set its signals up. */
	CHECK(kill(f.pid, SIGCONT) == 0);
	do {
		CHECK(kill(f.pid, SIGCONT) == 0);
	} while (poll(&(struct pollfd){.fd = f.control[1], .events = POLLIN}, 1, 20) == 0);
	CHECK(kill(f.pid, SIGHUP) == 0);
	CHECK(kill(f.pid, SIGUSR1) == 0);
	do {
		CHECK_INT(recv(f.control[1], b, sizeof(b), 0), 1);
		CHECK(b[0] != SIGHUP);
	} while (b[0] != SIGUSR1);
	end(&f, ATTACH_END_COMMAND);
	fd_close(null);
}
