#include "ptylib.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <vterm.h>

struct pty {
	int master;
	int shell; /* socket: a byte to it is fg, an int from it a status */
	pid_t shell_pid, pid;
	VTerm *vt;
	VTermScreen *screen;
	unsigned rows, cols;
	struct buf bytes;
	size_t expected; /* bytes of that which were waited for */
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static NORETURN void die(const char *what)
{
	perror(what);
	_exit(99);
}

/* The shell: session leader, and parent of the command's process group. */
static NORETURN void shell(int slave, int sock, int (*fn)(void *), void *arg)
{
	pid_t pid;
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
		die("controlling terminal");
	for (int fd = 0; fd < 3; fd++)
		if (dup2(slave, fd) < 0)
			die("dup2");
	if (slave > 2)
		close(slave);
	signal(SIGTTOU, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		tcsetpgrp(0, getpid());
		signal(SIGTTOU, SIG_DFL);
		signal(SIGTSTP, SIG_DFL);
		close(sock);
		{
			int r = fn(arg);

			fflush(NULL);
			_exit(r); /* what the test has allocated is no leak of the command's */
		}
	}
	setpgid(pid, pid);
	tcsetpgrp(0, pid);
	/* Of the test's it may hold nothing open: somebody waits for the end of a socket. */
	if (dup2(sock, 3) < 0)
		die("dup2");
	sock = 3;
	close_range(4, ~0U, 0);
	if (send(sock, &pid, sizeof(pid), 0) < 0)
		die("send");
	for (;;) {
		int status;

		if (waitpid(pid, &status, WUNTRACED) < 0)
			die("waitpid");
		tcsetpgrp(0, getpid());
		if (send(sock, &status, sizeof(status), MSG_NOSIGNAL) < 0)
			_exit(0);
		/* Also keeps the terminal from hanging up while the test looks at it. */
		if (recv(sock, &c, 1, 0) <= 0)
			_exit(0);
		tcsetpgrp(0, pid);
		kill(-pid, SIGCONT);
	}
}

struct pty *pty_start(unsigned rows, unsigned cols, int (*fn)(void *arg), void *arg)
{
	struct pty *p = xcalloc(1, sizeof(*p));
	struct winsize ws = {.ws_row = (uint16_t)rows, .ws_col = (uint16_t)cols};
	int slave, pair[2];

	if (openpty(&p->master, &slave, NULL, NULL, &ws) < 0 ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		die("openpty");
	fcntl(p->master, F_SETFD, FD_CLOEXEC);
	fcntl(p->master, F_SETFL, O_NONBLOCK);
	fflush(NULL);
	p->shell_pid = fork();
	if (p->shell_pid < 0)
		die("fork");
	if (p->shell_pid == 0) {
		close(p->master);
		close(pair[0]);
		free(p); /* or a leak checker in fn's process would find it */
		shell(slave, pair[1], fn, arg);
	}
	close(slave);
	close(pair[1]);
	p->shell = pair[0];
	if (recv(p->shell, &p->pid, sizeof(p->pid), 0) != sizeof(p->pid))
		die("recv");
	p->rows = rows;
	p->cols = cols;
	p->vt = vterm_new((int)rows, (int)cols);
	vterm_set_utf8(p->vt, 1);
	p->screen = vterm_obtain_screen(p->vt);
	vterm_screen_enable_altscreen(p->screen, 1);
	vterm_screen_reset(p->screen, 1);
	return p;
}

static int run_argv(void *arg)
{
	char *const *argv = arg;

	execvp(argv[0], argv);
	perror(argv[0]);
	return 127;
}

struct pty *pty_start_argv(unsigned rows, unsigned cols, char *const *argv)
{
	union {
		char *const *argv;
		void *arg;
	} u = {argv};

	return pty_start(rows, cols, run_argv, u.arg);
}

void pty_free(struct pty *p)
{
	if (!p)
		return;
	kill(-p->pid, SIGKILL);
	close(p->shell);
	kill(p->shell_pid, SIGKILL);
	waitpid(p->shell_pid, NULL, 0);
	close(p->master);
	vterm_free(p->vt);
	buf_done(&p->bytes);
	free(p);
}

pid_t pty_pid(const struct pty *p)
{
	return p->pid;
}

void pty_pump(struct pty *p, int timeout_ms)
{
	struct pollfd pfd = {.fd = p->master, .events = POLLIN};
	char b[4096], answer[256];
	ssize_t n;
	size_t len;

	if (poll(&pfd, 1, timeout_ms) != 1)
		return;
	n = read(p->master, b, sizeof(b));
	if (n <= 0) {
		if (timeout_ms > 0) /* hung up: do not spin */
			poll(NULL, 0, 5);
		return;
	}
	buf_put(&p->bytes, b, (size_t)n);
	vterm_input_write(p->vt, b, (size_t)n);
	/* A terminal answers queries. */
	len = vterm_output_read(p->vt, answer, sizeof(answer));
	if (len)
		pty_type(p, answer, len);
}

void pty_type(struct pty *p, const void *bytes, size_t n)
{
	const char *s = bytes;
	int64_t end = now_ms() + PTY_TIMEOUT_MS;

	while (n && now_ms() < end) {
		ssize_t w = write(p->master, s, n);

		if (w > 0) {
			s += w;
			n -= (size_t)w;
		} else {
			pty_pump(p, 10);
		}
	}
}

void pty_resize(struct pty *p, unsigned rows, unsigned cols)
{
	struct winsize ws = {.ws_row = (uint16_t)rows, .ws_col = (uint16_t)cols};

	p->rows = rows;
	p->cols = cols;
	vterm_set_size(p->vt, (int)rows, (int)cols);
	if (ioctl(p->master, TIOCSWINSZ, &ws) < 0)
		die("TIOCSWINSZ");
}

static void line_text(struct pty *p, int row, struct buf *out)
{
	VTermRect rect = {row, row + 1, 0, (int)p->cols};
	AUTO_FREE char *s = xmalloc((size_t)p->cols * 24 + 1);
	size_t n = vterm_screen_get_text(p->screen, s, (size_t)p->cols * 24, rect);

	while (n && (s[n - 1] == ' ' || s[n - 1] == '\n'))
		n--;
	buf_put(out, s, n);
}

bool pty_on_screen(struct pty *p, const char *text)
{
	for (unsigned row = 0; row < p->rows; row++) {
		AUTO_BUF struct buf b = BUF_INIT(0);

		line_text(p, (int)row, &b);
		if (b.len && strstr(b.data, text))
			return true;
	}
	return false;
}

void pty_screen(struct pty *p, struct buf *out)
{
	for (unsigned row = 0; row < p->rows; row++) {
		line_text(p, (int)row, out);
		buf_puts(out, "\n");
	}
}

const struct buf *pty_bytes(const struct pty *p)
{
	return &p->bytes;
}

bool pty_expect(struct pty *p, const char *text)
{
	int64_t end = now_ms() + PTY_TIMEOUT_MS;

	while (!pty_on_screen(p, text)) {
		if (now_ms() > end)
			return false;
		pty_pump(p, 100);
	}
	return true;
}

bool pty_expect_bytes(struct pty *p, const void *bytes, size_t n)
{
	int64_t end = now_ms() + PTY_TIMEOUT_MS;

	for (;;) {
		const char *from = p->bytes.data + p->expected, *at = NULL;

		if (p->bytes.len > p->expected)
			at = memmem(from, p->bytes.len - p->expected, bytes, n);
		if (at) {
			p->expected += (size_t)(at - from) + n;
			return true;
		}
		if (now_ms() > end)
			return false;
		pty_pump(p, 100);
	}
}

struct termios pty_termios(const struct pty *p)
{
	struct termios t = {0};

	if (tcgetattr(p->master, &t) < 0)
		die("tcgetattr");
	return t;
}

void pty_set_termios(struct pty *p, const struct termios *t)
{
	if (tcsetattr(p->master, TCSANOW, t) < 0)
		die("tcsetattr");
}

bool pty_expect_raw(struct pty *p, bool raw)
{
	int64_t end = now_ms() + PTY_TIMEOUT_MS;

	for (;;) {
		tcflag_t l = pty_termios(p).c_lflag & (ICANON | ECHO | ISIG);

		if (raw ? l == 0 : l == (ICANON | ECHO | ISIG))
			return true;
		if (now_ms() > end)
			return false;
		pty_pump(p, 5);
	}
}

bool pty_wait(struct pty *p, int *ret)
{
	int64_t end = now_ms() + PTY_TIMEOUT_MS;

	while (now_ms() < end) {
		struct pollfd pfd[] = {
			{.fd = p->shell, .events = POLLIN}, {.fd = p->master, .events = POLLIN}};

		if (poll(pfd, 2, 100) <= 0)
			continue;
		if (pfd[0].revents && !(pfd[1].revents & POLLIN))
			return recv(p->shell, ret, sizeof(*ret), 0) == sizeof(*ret);
		pty_pump(p, 5);
	}
	return false;
}

void pty_continue(struct pty *p)
{
	if (send(p->shell, "c", 1, MSG_NOSIGNAL) != 1)
		die("send");
}
