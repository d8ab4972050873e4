#include "ipc/msg.h"
#include "session/relay.h"
#include "sys/fs.h"
#include "tap.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

static void say(struct fixture *f, const char *s)
{
	CHECK(write(f->slave, s, strlen(s)) == (ssize_t)strlen(s));
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
	say(&f, "world");
	wait_for(c, "world");
	finish(&f);
	CHECK_INT(take(c, b, sizeof(b)), 0);
	fd_close(c);
	end(&f);
}

/* Printable bytes that depend on their place, with line ends. */
static void fill(char *b, size_t n, uint64_t at)
{
	for (size_t i = 0; i < n; i++, at++)
		b[i] = at % 64 == 62   ? '\r'
		       : at % 64 == 63 ? '\n'
				       : (char)('!' + (at * 2654435761u >> 7) % 90);
}

static void send_all(int fd, uint64_t from, uint64_t to)
{
	char b[4096];

	while (from < to) {
		size_t n = to - from < sizeof(b) ? (size_t)(to - from) : sizeof(b);
		size_t done = 0;

		fill(b, n, from);
		while (done < n) {
			ssize_t w = write(fd, b + done, n - done);

			if (w <= 0)
				_exit(1);
			done += (size_t)w;
		}
		from += n;
	}
}

/* Takes exactly what was sent, and nothing else. */
static void take_all(int fd, uint64_t from, uint64_t to)
{
	static char got[RELAY_PACKET_MAX], want[RELAY_PACKET_MAX];

	while (from < to) {
		size_t n = take(fd, got, sizeof(got));

		CHECK(n > 0 && n <= to - from);
		fill(want, n, from);
		CHECK(memcmp(got, want, n) == 0);
		from += n;
	}
}

/* Writes without waiting until the relay takes no more; how much that was. */
static uint64_t write_until_full(struct fixture *f, uint64_t limit)
{
	struct pollfd p = {.fd = f->slave, .events = POLLOUT};
	int flags = fcntl(f->slave, F_GETFL);
	uint64_t at = 0;
	char b[1024];

	CHECK(fcntl(f->slave, F_SETFL, flags | O_NONBLOCK) == 0);
	while (at < limit && poll(&p, 1, 1000) == 1) {
		ssize_t n;

		fill(b, sizeof(b), at);
		n = write(f->slave, b, sizeof(b));
		CHECK(n > 0 || errno == EAGAIN);
		at += n > 0 ? (uint64_t)n : 0;
	}
	CHECK(fcntl(f->slave, F_SETFL, flags) == 0);
	return at;
}

TEST(relay_waits_for_an_interactive_client)
{
	const uint64_t total = 64 << 20, limit = 8 << 20;
	struct fixture f;
	uint64_t at;
	pid_t writer;
	int c, status;

	start(&f, 0);
	c = add(&f, false, false);
	at = write_until_full(&f, limit);
	/* It took what its queue and the kernel's hold, and then no more. */
	CHECK(at >= RELAY_QUEUE_MAX);
	CHECK(at < limit);
	writer = fork();
	if (writer == 0) {
		send_all(f.slave, at, total);
		_exit(0);
	}
	take_all(c, 0, total);
	CHECK(waitpid(writer, &status, 0) == writer);
	CHECK_INT(status, 0);
	finish(&f);
	{
		char b[64];

		CHECK_INT(take(c, b, sizeof(b)), 0);
	}
	fd_close(c);
	end(&f);
}

TEST(relay_does_not_wait_for_viewers_or_nobody)
{
	const uint64_t total = 4 << 20;
	struct fixture f;
	static char seen[2 * RELAY_PACKET_MAX];
	uint64_t got = 0;
	bool redrawn = false;
	size_t n;
	int c;

	start(&f, 0);
	CHECK_INT(write_until_full(&f, total), total); /* nobody is there */
	c = add(&f, true, false);
	CHECK_INT(write_until_full(&f, total), total); /* one who only watches, and sleeps */
	say(&f, "\r\nthe end\r\n");
	finish(&f);
	/* The viewer gets what fitted, then the screen, then what came after that. */
	for (size_t len = 0; (n = take(c, seen + len, RELAY_PACKET_MAX)) > 0;) {
		len += n;
		got += n;
		seen[len] = '\0';
		redrawn |= strstr(seen, "\033[2J") != NULL;
		if (len > 64) {
			memmove(seen, seen + len - 64, 65);
			len = 64;
		}
	}
	CHECK(redrawn);
	CHECK(got < total);
	CHECK(strstr(seen, "the end"));
	fd_close(c);
	end(&f);
}

TEST(relay_shows_all_viewers_the_same)
{
	struct fixture f;
	int c[3];

	start(&f, 0);
	for (int i = 0; i < 3; i++)
		c[i] = add(&f, i > 0, false);
	/* What a read-only one types is not input. */
	CHECK(send(c[1], "inever", 6, 0) == 6);
	CHECK(send(c[0], "iyes", 4, 0) == 4);
	{
		char b[64];

		CHECK_INT(read(f.slave, b, sizeof(b)), 3);
		CHECK(memcmp(b, "yes", 3) == 0);
	}
	say(&f, "for all");
	for (int i = 0; i < 3; i++)
		wait_for(c[i], "for all");
	/* One leaves, the others stay. */
	CHECK(send(c[0], "d", 1, 0) == 1);
	{
		char b[64];

		CHECK_INT(take(c[0], b, sizeof(b)), 0);
	}
	say(&f, "for two");
	wait_for(c[1], "for two");
	wait_for(c[2], "for two");
	finish(&f);
	for (int i = 0; i < 3; i++)
		fd_close(c[i]);
	end(&f);
}

TEST(relay_redraws_for_who_comes_later)
{
	struct fixture f;
	int a, b;

	start(&f, 0);
	a = add(&f, false, true);
	say(&f, "\033[5;7Hhere\033[?25l\033[?2004h\033]2;the title\a");
	wait_for(a, "the title");
	b = add(&f, true, true);
	wait_for(b, "\033[?25l"); /* the last thing that is drawn */
	/* The alternate screen hides the main one: it is drawn when it comes back. */
	say(&f, "\033[?1049h\033[Hother");
	wait_for(a, "other");
	fd_close(b);
	b = add(&f, true, true);
	wait_for(b, "other");
	say(&f, "\033[?1049l");
	wait_for(b, "here");
	/* And on request, after a stop. */
	CHECK(send(a, "r", 1, 0) == 1);
	wait_for(a, "\033[?2004h");
	finish(&f);
	fd_close(a);
	fd_close(b);
	end(&f);
}

static void expect_size(int slave, unsigned rows, unsigned cols)
{
	struct winsize ws;

	CHECK(ioctl(slave, TIOCGWINSZ, &ws) == 0);
	CHECK_INT(ws.ws_row, rows);
	CHECK_INT(ws.ws_col, cols);
}

static void resize(int c, uint16_t rows, uint16_t cols)
{
	char b[5] = {'w'};

	memcpy(b + 1, &rows, 2);
	memcpy(b + 3, &cols, 2);
	CHECK(send(c, b, 5, 0) == 5);
}

/* Something typed by c has arrived, so that all that c sent before has been dealt with. */
static void settle(struct fixture *f, int c)
{
	char b[16];

	CHECK(send(c, "i.", 2, 0) == 2);
	CHECK_INT(read(f->slave, b, sizeof(b)), 1);
}

TEST(relay_size_is_the_last_writers)
{
	struct fixture f;
	int a, b, viewer;

	start(&f, 0);
	a = add(&f, false, false);
	b = add(&f, false, false);
	viewer = add(&f, true, false);
	resize(a, 30, 100);
	settle(&f, a);
	expect_size(f.slave, 30, 100);
	resize(b, 40, 120);
	settle(&f, b);
	expect_size(f.slave, 40, 120);
	resize(viewer, 10, 10);
	settle(&f, b);
	expect_size(f.slave, 40, 120);
	settle(&f, a); /* typing is enough */
	expect_size(f.slave, 30, 100);
	resize(a, 0, 0);
	settle(&f, a);
	expect_size(f.slave, 30, 100);
	resize(a, 65535, 65535);
	settle(&f, a);
	expect_size(f.slave, 500, 1000);
	finish(&f);
	fd_close(a);
	fd_close(b);
	fd_close(viewer);
	end(&f);
}

TEST(relay_closes_who_talks_nonsense)
{
	static const char *const bad[] = {"x", "w", "wabc", "wabcde"};
	struct fixture f;
	char b[16];

	start(&f, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int c = add(&f, false, false);

		CHECK(send(c, bad[i], strlen(bad[i]), 0) > 0);
		CHECK_INT(take(c, b, sizeof(b)), 0);
		fd_close(c);
	}
	/* And who is one too many. */
	{
		int c[RELAY_CLIENTS_MAX + 1];

		for (size_t i = 0; i <= RELAY_CLIENTS_MAX; i++)
			c[i] = add(&f, false, false);
		CHECK_INT(take(c[RELAY_CLIENTS_MAX], b, sizeof(b)), 0);
		settle(&f, c[0]);
		for (size_t i = 0; i <= RELAY_CLIENTS_MAX; i++)
			fd_close(c[i]);
	}
	finish(&f);
	end(&f);
}

TEST(relay_filters)
{
	struct fixture f;
	char b[256];
	size_t n;
	int c;

	start(&f, 0);
	c = add(&f, false, false);
	say(&f, "a\033]52;c;ZXZpbA==\ab\033[21tc\n");
	n = take(c, b, sizeof(b));
	CHECK_INT(n, 4);
	CHECK(memcmp(b, "abc\n", 4) == 0);
	finish(&f);
	fd_close(c);
	end(&f);
}

TEST(relay_log_is_bounded)
{
	const uint64_t max = 64 * 1024, total = 1 << 20;
	struct fixture f;
	struct stat st;
	AUTO_FREE char *got = xmalloc(2 * max), *want = xmalloc(2 * max);
	char b[16];
	int c;

	start(&f, max);
	c = add(&f, false, false);
	{
		pid_t writer = fork();

		if (writer == 0) {
			send_all(f.slave, 0, total);
			_exit(0);
		}
		take_all(c, 0, total);
		CHECK(waitpid(writer, NULL, 0) == writer);
	}
	finish(&f);
	CHECK_INT(take(c, b, sizeof(b)), 0);
	CHECK(fstat(f.log, &st) == 0);
	CHECK((uint64_t)st.st_size <= 2 * max);
	CHECK((uint64_t)st.st_size >= max - 64);
	/* The end of what was put out, from the start of a line. */
	CHECK_INT(pread(f.log, got, (size_t)st.st_size, 0), st.st_size);
	CHECK_INT((total - (uint64_t)st.st_size) % 64, 0);
	fill(want, (size_t)st.st_size, total - (uint64_t)st.st_size);
	CHECK(memcmp(got, want, (size_t)st.st_size) == 0);
	fd_close(c);
	end(&f);
}

TEST(relay_ends_without_a_stuck_client)
{
	struct fixture f;
	int c;

	start(&f, 0);
	c = add(&f, false, false);
	CHECK(write_until_full(&f, 8 << 20) >= RELAY_QUEUE_MAX);
	finish(&f);
	/* c never reads: the relay must end by itself. */
	{
		int status;

		CHECK(waitpid(f.pid, &status, 0) == f.pid);
		CHECK_INT(status, 0);
	}
	fd_close(c);
	fd_close(f.control);
	fd_close(f.slave);
	fd_close(f.log);
}

TEST(relay_dies_with_its_supervisor)
{
	struct fixture f;
	int c, status;
	char b[16];

	start(&f, 0);
	c = add(&f, false, false);
	settle(&f, c);
	f.control = fd_close(f.control);
	CHECK(waitpid(f.pid, &status, 0) == f.pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK_INT(take(c, b, sizeof(b)), 0);
	fd_close(c);
	fd_close(f.slave);
	fd_close(f.log);
}

TEST(relay_is_confined)
{
	struct fixture f;
	AUTO_FREE char *path = NULL;
	AUTO_BUF struct buf b = BUF_INIT(65536);
	int c;

	start(&f, 0);
	c = add(&f, false, false);
	settle(&f, c);
	path = xasprintf("/proc/%d/status", (int)f.pid);
	CHECK_INT(fs_read_at(AT_FDCWD, path, &b), 0);
	CHECK(strstr(b.data, "\nSeccomp:\t2\n"));
	CHECK(strstr(b.data, "\nNoNewPrivs:\t1\n"));
	finish(&f);
	fd_close(c);
	end(&f);
}
