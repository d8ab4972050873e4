#include "ipc/msg.h"
#include "session/relay.h"
#include "tap.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>

/* A relay with a pty whose other side the test plays. */
struct fixture {
	pid_t pid;
	int control, slave, log;
};

static void start(struct fixture *f, uint64_t log_max)
{
	struct winsize ws = {.ws_row = 24, .ws_col = 80};
	struct termios raw;
	int master, pair[2];

	CHECK(openpty(&master, &f->slave, NULL, NULL, &ws) == 0);
	CHECK(tcgetattr(f->slave, &raw) == 0);
	cfmakeraw(&raw);
	CHECK(tcsetattr(f->slave, TCSANOW, &raw) == 0);
	CHECK(msg_pair(pair) == 0);
	f->log = memfd_create("log", MFD_CLOEXEC);
	CHECK(f->log >= 0);
	f->pid = fork();
	CHECK(f->pid >= 0);
	if (f->pid == 0) {
		struct relay_args a = {.master = master,
			.control = pair[1],
			.log = f->log,
			.log_max = log_max,
			.rows = 24,
			.cols = 80};

		relay_main(&a);
	}
	f->control = pair[0];
	fd_close(pair[1]);
	fd_close(master);
}

static int add(struct fixture *f, bool read_only, bool redraw)
{
	AUTO_MSG struct msg m = MSG_INIT(RELAY_ADD);
	int pair[2];

	CHECK(msg_pair(pair) == 0);
	msg_put_u32(&m, read_only);
	msg_put_u32(&m, true);
	msg_put_u32(&m, redraw);
	msg_put_u32(&m, 24);
	msg_put_u32(&m, 80);
	msg_put_fd(&m, pair[1]);
	CHECK(msg_send(f->control, &m) == 0);
	fd_close(pair[1]);
	return pair[0];
}

static void finish(struct fixture *f)
{
	struct msg m = MSG_INIT(RELAY_FINISH);

	CHECK(msg_send(f->control, &m) == 0);
}

static void end(struct fixture *f)
{
	int status;

	CHECK(waitpid(f->pid, &status, 0) == f->pid);
	CHECK_INT(status, 0);
	fd_close(f->control);
	fd_close(f->slave);
	fd_close(f->log);
}

/* One packet's output; 0 at the end. */
static size_t take(int fd, char *b, size_t size)
{
	ssize_t n = recv(fd, b, size, 0);

	CHECK(n >= 0);
	if (n == 0)
		return 0;
	CHECK(b[0] == 'o');
	memmove(b, b + 1, (size_t)n - 1);
	return (size_t)n - 1;
}

/* Reads until the end of what has come is s. */
static void wait_for(int fd, const char *s)
{
	char seen[8192] = "";
	size_t len = 0;

	while (!strstr(seen, s)) {
		size_t n;

		CHECK(len + 4096 < sizeof(seen));
		n = take(fd, seen + len, sizeof(seen) - len - 1);
		CHECK(n > 0);
		len += n;
		seen[len] = '\0';
	}
}

TEST(relay_carries_both_ways)
{
	struct fixture f;
	char b[64];
	int c;

	start(&f, 0);
	c = add(&f, false, false);
	CHECK(send(c, "ihello", 6, 0) == 6);
	CHECK_INT(read(f.slave, b, sizeof(b)), 5);
	CHECK(memcmp(b, "hello", 5) == 0);
	CHECK(write(f.slave, "world", 5) == 5);
	wait_for(c, "world");
	finish(&f);
	CHECK_INT(take(c, b, sizeof(b)), 0);
	fd_close(c);
	end(&f);
}
