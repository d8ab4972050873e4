#include "attach_loop.h"
#include "keys.h"

#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGTSTP};

int attach_loop_init(struct attach_loop *l, const struct attach_args *args, struct err **err)
{
	struct sigaction sa;
	AUTO_FD int fd = -1;

	*l = (struct attach_loop){.args = args, .signals = -1};
	sigemptyset(&l->taken);
	sigaddset(&l->taken, SIGCONT);
	sigaddset(&l->taken, SIGWINCH);
	/* A blocked signal reaches a signalfd even if it is ignored: leave those out. */
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
		if (sigaction(passed_on[i], NULL, &sa) == 0 && sa.sa_handler != SIG_IGN)
			sigaddset(&l->taken, passed_on[i]);
	fd = signalfd(-1, &l->taken, SFD_CLOEXEC | SFD_NONBLOCK);
	/* Not in the place of a standard descriptor that the caller has closed. */
	l->signals = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (l->signals < 0)
		return err_set(err, errno, "watch for signals");
	sigprocmask(SIG_BLOCK, &l->taken, &l->before);
	sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, &l->pipe_before);
	return 0;
}

void attach_loop_done(struct attach_loop *l)
{
	if (l->signals < 0)
		return;
	l->signals = fd_close(l->signals);
	sigaction(SIGPIPE, &l->pipe_before, NULL);
	sigprocmask(SIG_SETMASK, &l->before, NULL);
}

int attach_loop_signal(struct attach_loop *l)
{
	struct signalfd_siginfo info;

	return read(l->signals, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : 0;
}

bool attach_loop_control(struct attach_loop *l)
{
	char c;
	ssize_t n = recv(l->args->control, &c, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		l->lost = true;
		return false;
	}
	if (n < 0)
		return false;
	switch (l->args->cb.on_control(l->args->cb.ctx, l->args->control)) {
	case ATTACH_STOPPED:
		return true;
	case ATTACH_ENDED:
		l->ended = true;
		return false;
	case ATTACH_GONE:
		l->lost = true;
		return false;
	case ATTACH_GO_ON:
		break;
	}
	return false;
}

int attach_run(const struct attach_args *args, enum attach_end *ret, struct err **err)
{
	struct attach_loop l;
	int r;

	r = attach_loop_init(&l, args, err);
	if (r < 0)
		return r;
	if (args->stream >= 0)
		r = attach_tty(&l, ret, err);
	else
		r = attach_pipes(&l, ret, err);
	attach_loop_done(&l);
	return r;
}

int attach_keys_check(const char *keys, struct err **err)
{
	struct keys k;

	if (keys_init(&k, keys) < 0) {
		AUTO_FREE char *shown = str_escape0(keys);

		return err_set(err, 0,
			"'%s' is not a sequence of detach keys: up to %d of ctrl-LETTER or a "
			"character, with commas between",
			shown, KEYS_MAX);
	}
	return 0;
}
