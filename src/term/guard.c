#include "guard.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static bool same_termios(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_cflag == b->c_cflag &&
	       a->c_lflag == b->c_lflag && memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc)) == 0;
}

static void restore(const struct guard_state *s, int in, int out)
{
	AUTO_BUF struct buf b = BUF_INIT(0);
	struct termios now;

	modes_undo(&s->modes, &b);
	if (s->pushed_title)
		buf_puts(&b, "\033[23;0t");
	/* A terminal that takes nothing (hung up, ctrl-s) must not keep us. */
	if (b.len && poll(&(struct pollfd){.fd = out, .events = POLLOUT}, 1, 1000) == 1)
		(void)!write(out, b.data, b.len);
	if (s->is_raw && tcgetattr(in, &now) == 0 && same_termios(&now, &s->raw))
		(void)tcsetattr(in, TCSAFLUSH, &s->saved);
}

static NORETURN void guard_main(const struct guard_state *s, int pipe, int in, int out)
{
	sigset_t all;
	char c;
	ssize_t n;

	(void)setsid();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	(void)prctl(PR_SET_NAME, "bailey-guard", 0, 0, 0);
	/* Nothing else of ours may be held open by it: a pipe would never end. */
	in = fcntl(in, F_DUPFD, 10);
	out = fcntl(out, F_DUPFD, 10);
	if (in < 0 || out < 0 || dup2(pipe, 0) < 0 || dup2(in, 1) < 0 || dup2(out, 2) < 0)
		_exit(1);
	(void)syscall(SYS_close_range, 3, ~0U, 0);
	do {
		n = read(0, &c, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		restore(s, 1, 2);
	_exit(0);
}

int guard_start(struct guard *g, int in, int out)
{
	int fds[2];

	*g = (struct guard){.pipe = -1};
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	g->state = mmap(
		NULL, sizeof(*g->state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	g->pid = g->state == MAP_FAILED ? -1 : fork();
	if (g->pid < 0) {
		int r = -errno;

		if (g->state != MAP_FAILED)
			munmap(g->state, sizeof(*g->state));
		fd_close(fds[0]);
		fd_close(fds[1]);
		return r;
	}
	if (g->pid == 0) {
		fd_close(fds[1]);
		guard_main(g->state, fds[0], in, out);
	}
	fd_close(fds[0]);
	g->pipe = fds[1];
	return 0;
}

void guard_stop(struct guard *g)
{
	if (g->pipe < 0)
		return;
	(void)!write(g->pipe, "", 1);
	g->pipe = fd_close(g->pipe);
	while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
		;
	munmap(g->state, sizeof(*g->state));
	*g = (struct guard){.pipe = -1};
}
