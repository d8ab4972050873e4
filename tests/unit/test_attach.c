/* attach on a terminal, with the test in the places of relay, supervisor and user. */
#include "ptylib.h"
#include "tap.h"
#include "term/attach.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

struct fixture {
	int control[2], stream[2]; /* attach's, ours */
	bool read_only;
	struct pty *pty;
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

static int attach(void *arg)
{
	struct fixture *f = arg;
	struct attach_args a = {
		.control = f->control[0],
		.cb = {on_control, on_signal, f},
		.stream = f->stream[0],
		.tty_in = 0,
		.tty_out = 1,
		.read_only = f->read_only,
		.detach_keys = "ctrl-p,ctrl-q",
	};
	enum attach_end end;
	struct err *err = NULL;

	fd_close(f->control[1]);
	fd_close(f->stream[1]);
	if (attach_run(&a, &end, &err) < 0)
		return 99;
	return (int)end;
}

static void start(struct fixture *f)
{
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, f->control) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, f->stream) == 0);
	f->pty = pty_start(24, 80, attach, f);
	f->control[0] = fd_close(f->control[0]);
	f->stream[0] = fd_close(f->stream[0]);
}

static void end(struct fixture *f)
{
	pty_free(f->pty);
	fd_close(f->control[1]);
	fd_close(f->stream[1]);
}

/* The next packet from attach, while its terminal is read too. */
static size_t packet(struct fixture *f, char *b, size_t size)
{
	struct pollfd p = {.fd = f->stream[1], .events = POLLIN};
	ssize_t n;

	for (int i = 0; i < 3000 && poll(&p, 1, 10) == 0; i++)
		pty_pump(f->pty, 0);
	n = recv(f->stream[1], b, size, MSG_DONTWAIT);
	CHECK(n >= 0);
	return (size_t)n;
}

static void expect_size(struct fixture *f, unsigned rows, unsigned cols)
{
	uint16_t r, c;
	char b[64];

	CHECK_INT(packet(f, b, sizeof(b)), 5);
	CHECK(b[0] == 'w');
	memcpy(&r, b + 1, 2);
	memcpy(&c, b + 3, 2);
	CHECK_INT(r, rows);
	CHECK_INT(c, cols);
}

static void expect_input(struct fixture *f, const char *want)
{
	size_t got = 0;

	while (got < strlen(want)) {
		char b[256];
		size_t n = packet(f, b, sizeof(b));

		CHECK(n > 1 && b[0] == 'i');
		CHECK(n - 1 <= strlen(want) - got);
		CHECK(memcmp(b + 1, want + got, n - 1) == 0);
		got += n - 1;
	}
}

static void show(struct fixture *f, const char *s)
{
	char b[512];
	int n = snprintf(b, sizeof(b), "o%s", s);

	CHECK(send(f->stream[1], b, (size_t)n, 0) == n);
}

static void type(struct fixture *f, const char *s)
{
	pty_type(f->pty, s, strlen(s));
}

static void expect_exit(struct fixture *f, int want)
{
	int status;

	CHECK(pty_wait(f->pty, &status));
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), want);
}

static bool same(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_cflag == b->c_cflag &&
	       a->c_lflag == b->c_lflag && memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc)) == 0;
}

static const char busy[] = "\033[?1049h\033[?1000h\033[?1006h\033[?2004h\033[?25l\033[31m"
			   "\033[>1u\033]0;agent\a";

/* Every mode that busy sets, off again. */
static void expect_undone(struct fixture *f)
{
	static const char *const off[] = {"\033[?1049l", "\033[?1000l", "\033[?1006l",
		"\033[?2004l", "\033[?25h", "\033[m", "\033[<1u", "\033[23;0t"};
	const struct buf *b = pty_bytes(f->pty);

	CHECK(pty_expect_bytes(f->pty, "\033[23;0t", 7));
	for (size_t i = 0; i < ARRAY_SIZE(off); i++)
		if (!memmem(b->data, b->len, off[i], strlen(off[i])))
			tap_fail(__FILE__, __LINE__, "not undone: %s", off[i] + 1);
}

TEST(attach_restores_the_terminal_at_the_end)
{
	struct fixture f = {0};
	struct termios before, after;
	int master, slave;

	/* As every new terminal is. */
	CHECK(openpty(&master, &slave, NULL, NULL, NULL) == 0);
	CHECK(tcgetattr(master, &before) == 0);
	fd_close(master);
	fd_close(slave);
	start(&f);
	CHECK(pty_expect_raw(f.pty, true));
	expect_size(&f, 24, 80);
	show(&f, "hello");
	CHECK(pty_expect(f.pty, "hello"));
	CHECK(send(f.control[1], "e", 1, 0) == 1);
	shutdown(f.stream[1], SHUT_RDWR);
	expect_exit(&f, ATTACH_END_COMMAND);
	after = pty_termios(f.pty);
	CHECK(pty_expect_raw(f.pty, false));
	CHECK(same(&before, &after));
	/* Nothing was changed, so nothing is undone: the output is the command's alone. */
	CHECK_STR(pty_bytes(f.pty)->data, "hello");
	end(&f);
}

TEST(attach_undoes_modes_at_the_end)
{
	struct fixture f = {0};

	start(&f);
	expect_size(&f, 24, 80);
	show(&f, busy);
	CHECK(pty_expect_bytes(f.pty, "agent", 5));
	CHECK(send(f.control[1], "e", 1, 0) == 1);
	shutdown(f.stream[1], SHUT_RDWR);
	expect_undone(&f);
	expect_exit(&f, ATTACH_END_COMMAND);
	end(&f);
}

TEST(attach_guard_restores_after_sigkill)
{
	struct fixture f = {0};
	int status;

	start(&f);
	CHECK(pty_expect_raw(f.pty, true));
	expect_size(&f, 24, 80);
	show(&f, busy);
	CHECK(pty_expect_bytes(f.pty, "agent", 5));
	/* The reply to a key shows that the packet has been dealt with. */
	type(&f, "x");
	expect_input(&f, "x");
	CHECK(kill(pty_pid(f.pty), SIGKILL) == 0);
	CHECK(pty_wait(f.pty, &status));
	CHECK(WIFSIGNALED(status));
	CHECK(pty_expect_raw(f.pty, false));
	expect_undone(&f);
	end(&f);
}

TEST(attach_guard_leaves_what_the_shell_has_set)
{
	struct fixture f = {0};
	struct termios t;
	int status;

	start(&f);
	CHECK(pty_expect_raw(f.pty, true));
	expect_size(&f, 24, 80);
	show(&f, busy);
	CHECK(pty_expect_bytes(f.pty, "agent", 5));
	type(&f, "x");
	expect_input(&f, "x");
	/* A shell's line editor: not cooked, not ours. */
	t = pty_termios(f.pty);
	t.c_cc[VMIN] = 7;
	pty_set_termios(f.pty, &t);
	CHECK(kill(pty_pid(f.pty), SIGKILL) == 0);
	CHECK(pty_wait(f.pty, &status));
	expect_undone(&f); /* the guard has done its work */
	CHECK_INT(pty_termios(f.pty).c_cc[VMIN], 7);
	CHECK(pty_expect_raw(f.pty, true));
	end(&f);
}

TEST(attach_detaches_by_keys)
{
	struct fixture f = {0};
	char b[16];

	start(&f);
	CHECK(pty_expect_raw(f.pty, true));
	expect_size(&f, 24, 80);
	type(&f, "a\020b"); /* ctrl-p, then something else: both are typed */
	expect_input(&f, "a\020b");
	show(&f, busy);
	CHECK(pty_expect_bytes(f.pty, "agent", 5));
	type(&f, "\020");
	type(&f, "\021zzz");
	CHECK_INT(packet(&f, b, sizeof(b)), 1);
	CHECK(b[0] == 'd');
	expect_undone(&f);
	expect_exit(&f, ATTACH_END_DETACHED);
	CHECK(pty_expect_raw(f.pty, false));
	end(&f);
}

TEST(attach_lets_a_lone_first_key_go_in_the_end)
{
	struct fixture f = {0};

	start(&f);
	CHECK(pty_expect_raw(f.pty, true));
	expect_size(&f, 24, 80);
	type(&f, "\020");
	expect_input(&f, "\020");
	end(&f);
}

TEST(attach_read_only_sends_nothing)
{
	struct fixture f = {.read_only = true};
	char b[16];

	start(&f);
	CHECK(pty_expect_raw(f.pty, true));
	expect_size(&f, 24, 80);
	type(&f, "rm -rf x\r");
	pty_resize(f.pty, 30, 90);
	expect_size(&f, 30, 90); /* and no input before it */
	type(&f, "\003");
	CHECK_INT(packet(&f, b, sizeof(b)), 1);
	CHECK(b[0] == 'd');
	expect_exit(&f, ATTACH_END_DETACHED);
	end(&f);
}

TEST(attach_follows_the_window)
{
	struct fixture f = {0};

	start(&f);
	expect_size(&f, 24, 80);
	pty_resize(f.pty, 50, 132);
	expect_size(&f, 50, 132);
	end(&f);
}

TEST(attach_stops_and_continues)
{
	struct fixture f = {0};
	struct termios before;
	char b[16];
	int status;

	start(&f);
	CHECK(pty_expect_raw(f.pty, true));
	expect_size(&f, 24, 80);
	show(&f, busy);
	CHECK(pty_expect_bytes(f.pty, "agent", 5));
	type(&f, "x");
	expect_input(&f, "x");
	CHECK(send(f.control[1], "s", 1, 0) == 1);
	CHECK(pty_wait(f.pty, &status));
	CHECK(WIFSTOPPED(status));
	expect_undone(&f);
	CHECK(pty_expect_raw(f.pty, false));
	before = pty_termios(f.pty);
	pty_resize(f.pty, 40, 100);
	pty_continue(f.pty);
	CHECK(pty_expect_raw(f.pty, true));
	expect_size(&f, 40, 100);
	/* What was undone has to be drawn again. */
	CHECK_INT(packet(&f, b, sizeof(b)), 1);
	CHECK(b[0] == 'r');
	CHECK_INT(recv(f.control[1], b, sizeof(b), 0), 1);
	CHECK_INT(b[0], SIGCONT);
	CHECK(send(f.control[1], "e", 1, 0) == 1);
	shutdown(f.stream[1], SHUT_RDWR);
	expect_exit(&f, ATTACH_END_COMMAND);
	{
		struct termios after = pty_termios(f.pty);

		CHECK(same(&before, &after));
	}
	end(&f);
}

TEST(attach_passes_signals_on)
{
	struct fixture f = {0};
	char b[4];

	start(&f);
	expect_size(&f, 24, 80);
	CHECK(kill(pty_pid(f.pty), SIGTERM) == 0);
	CHECK_INT(recv(f.control[1], b, sizeof(b), 0), 1);
	CHECK_INT(b[0], SIGTERM);
	CHECK(kill(pty_pid(f.pty), SIGHUP) == 0);
	expect_exit(&f, ATTACH_END_DETACHED);
	CHECK(pty_expect_raw(f.pty, false));
	end(&f);
}

TEST(attach_ends_when_the_supervisor_is_gone)
{
	struct fixture f = {0};

	start(&f);
	expect_size(&f, 24, 80);
	show(&f, "last words");
	f.control[1] = fd_close(f.control[1]);
	expect_exit(&f, ATTACH_END_LOST);
	CHECK(pty_expect(f.pty, "last words"));
	CHECK(pty_expect_raw(f.pty, false));
	end(&f);
}

TEST(attach_keys_check)
{
	static const char *const good[] = {"", "ctrl-p,ctrl-q", "ctrl-]", "ctrl-a,d", "~,."};
	static const char *const bad[] = {
		"ctrl-", "ctrl-pp", ",", "ctrl-p,", "ctrl-\xc3\xa4", "\033", "a,a,a,a,a,a,a,a,a"};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CHECK_INT(attach_keys_check(good[i], NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(attach_keys_check(bad[i], NULL), -EINVAL);
}
