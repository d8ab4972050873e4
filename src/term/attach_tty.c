#include "attach_loop.h"
#include "filter.h"
#include "guard.h"
#include "keys.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define READ_SIZE 4096
/* One write to the terminal: it may block, so not too much at a time. */
#define WRITE_SIZE 4096

struct tty {
	struct attach_loop *l;
	const struct attach_args *a;
	struct guard guard;
	struct filter seen; /* follows what the terminal was told */
	struct keys keys;
	struct buf in;	/* to the relay */
	struct buf out; /* to the terminal */
	size_t out_done;
	bool stream_ended;
	bool detached;
	bool size_due;
	bool redraw_due;
};

static void raw_mode(struct tty *t)
{
	struct guard_state *s = t->guard.state;

	/* In the background this stops us with SIGTTOU, as it should. */
	if (tcgetattr(t->a->tty_in, &s->saved) < 0)
		return;
	s->raw = s->saved;
	cfmakeraw(&s->raw);
	s->raw.c_cc[VMIN] = 1;
	s->raw.c_cc[VTIME] = 0;
	if (tcsetattr(t->a->tty_in, TCSADRAIN, &s->raw) < 0)
		return;
	/* What the driver made of it is what the guard has to compare with. */
	(void)tcgetattr(t->a->tty_in, &s->raw);
	s->is_raw = true;
}

static void write_out(struct tty *t, const void *p, size_t n)
{
	const char *s = p;

	while (n) {
		ssize_t w = write(t->a->tty_out, s, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && errno == EAGAIN) { /* someone else made it nonblocking */
			struct pollfd wait = {.fd = t->a->tty_out, .events = POLLOUT};

			(void)poll(&wait, 1, 1000);
			continue;
		}
		if (w <= 0)
			return;
		s += w;
		n -= (size_t)w;
	}
}

/* The terminal as it was, when it is still ours to set. */
static void cooked_mode(struct tty *t)
{
	struct guard_state *s = t->guard.state;
	AUTO_BUF struct buf b = BUF_INIT(0);
	pid_t pgrp = tcgetpgrp(t->a->tty_in);

	if (pgrp >= 0 && pgrp != getpgrp()) /* the shell took it back already */
		return;
	modes_undo(&t->seen.modes, &b);
	if (s->pushed_title)
		buf_puts(&b, "\033[23;0t");
	write_out(t, b.data, b.len);
	if (s->is_raw) {
		/* An answer to a query of the inside is not for the user's shell. */
		bool asked = (t->seen.modes.flags & MODES_ASKED) != 0;

		(void)tcsetattr(t->a->tty_in, asked ? TCSAFLUSH : TCSADRAIN, &s->saved);
	}
	s->is_raw = false;
	s->pushed_title = false;
	t->seen.modes = (struct modes){0};
	s->modes = t->seen.modes;
}

/* One packet; false: not now. */
static bool send_packet(struct tty *t, const void *p, size_t n)
{
	ssize_t r = send(t->a->stream, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (r < 0 && errno != EAGAIN)
		t->stream_ended = true; /* the end will be read too */
	return r >= 0 || errno != EAGAIN;
}

/* What waits to be told to the relay, in the order in which it matters. */
static void send_pending(struct tty *t)
{
	if (t->size_due) {
		struct winsize ws = {0};
		char p[5] = {'w'};

		if (ioctl(t->a->tty_out, TIOCGWINSZ, &ws) == 0 && ws.ws_row && ws.ws_col) {
			memcpy(p + 1, &ws.ws_row, 2);
			memcpy(p + 3, &ws.ws_col, 2);
			if (!send_packet(t, p, sizeof(p)))
				return;
		}
		t->size_due = false;
	}
	if (t->redraw_due && !send_packet(t, "r", 1))
		return;
	t->redraw_due = false;
	if (t->in.len && !t->a->read_only) {
		AUTO_BUF struct buf b = BUF_INIT(0);

		buf_puts(&b, "i");
		buf_put(&b, t->in.data, t->in.len);
		if (!send_packet(t, b.data, b.len))
			return;
	}
	t->in.len = 0;
}

static bool pending(const struct tty *t)
{
	return t->size_due || t->redraw_due || t->in.len;
}

static void read_keys(struct tty *t)
{
	char b[READ_SIZE];
	ssize_t n = read(t->a->tty_in, b, sizeof(b));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) { /* the terminal is gone */
		t->detached = true;
		return;
	}
	if (keys_feed(&t->keys, b, (size_t)n, &t->in))
		t->detached = true;
	if (t->a->read_only && memchr(b, '\003', (size_t)n))
		t->detached = true;
}

static void read_stream(struct tty *t)
{
	static char b[ATTACH_PACKET_MAX];
	ssize_t n = recv(t->a->stream, b, sizeof(b), MSG_DONTWAIT);
	bool had_title = (t->seen.modes.flags & MODES_TITLE) != 0;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		t->stream_ended = true;
		return;
	}
	if (b[0] != 'o')
		return;
	filter_run(&t->seen, b + 1, (size_t)n - 1, NULL);
	if (!had_title && (t->seen.modes.flags & MODES_TITLE)) {
		t->guard.state->pushed_title = true;
		buf_puts(&t->out, "\033[22;0t");
	}
	t->guard.state->modes = t->seen.modes;
	buf_put(&t->out, b + 1, (size_t)n - 1);
}

static void write_some(struct tty *t)
{
	size_t left = t->out.len - t->out_done;
	ssize_t n = write(
		t->a->tty_out, t->out.data + t->out_done, left > WRITE_SIZE ? WRITE_SIZE : left);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) {
		t->detached = true;
		return;
	}
	t->out_done += (size_t)n;
	if (t->out_done == t->out.len)
		t->out.len = t->out_done = 0;
}

/* What the command wrote before it stopped is on its way: take what is there by now. */
static void drain(struct tty *t)
{
	struct pollfd p = {.fd = t->a->stream, .events = POLLIN};

	while (!t->stream_ended && poll(&p, 1, 20) == 1)
		read_stream(t);
	write_out(t, t->out.data + t->out_done, t->out.len - t->out_done);
	t->out.len = t->out_done = 0;
}

static void stop(struct tty *t)
{
	bool drawn;

	drain(t);
	drawn = t->seen.modes.decs || t->seen.modes.kitty[0] || t->seen.modes.kitty[1];
	cooked_mode(t);
	/* All of the shell's job, then us. SIGCONT discards the SIGTSTP that is pending for us. */
	(void)kill(0, SIGTSTP);
	raise(SIGSTOP);
	raw_mode(t);
	t->size_due = true;
	t->redraw_due = drawn; /* what was undone has to be set again */
}

static void handle_signals(struct tty *t)
{
	int signo;

	while ((signo = attach_loop_signal(t->l)) > 0) {
		if (signo == SIGWINCH)
			t->size_due = true;
		else if (signo == SIGHUP)
			t->detached = true;
		else
			t->a->cb.on_signal(t->a->cb.ctx, signo);
	}
}

static bool finished(const struct tty *t)
{
	return t->detached || t->l->lost ||
	       (t->stream_ended && t->l->ended && t->out_done == t->out.len);
}

static int loop(struct tty *t, struct err **err)
{
	struct attach_loop *l = t->l;

	while (!finished(t)) {
		bool writing = t->out.len > t->out_done;
		struct pollfd p[] = {
			{.fd = l->signals, .events = POLLIN},
			{.fd = l->ended ? -1 : t->a->control, .events = POLLIN},
			{.fd = pending(t) ? -1 : t->a->tty_in, .events = POLLIN},
			{.fd = t->stream_ended ? -1 : t->a->stream,
				.events = (short)((writing ? 0 : POLLIN) |
						  (pending(t) ? POLLOUT : 0))},
			{.fd = writing ? t->a->tty_out : -1, .events = POLLOUT},
			{.fd = t->guard.pipe}, /* an error: nobody would put the terminal right */
		};
		int n;

		if (p[3].events == 0)
			p[3].fd = -1;
		n = poll(p, ARRAY_SIZE(p), keys_timeout(&t->keys));
		if (n < 0 && errno != EINTR)
			return err_set(err, errno, "wait for the session");
		if (n == 0)
			keys_flush(&t->keys, &t->in);
		if (n <= 0)
			goto send;
		if (p[5].revents)
			return err_set(err, 0, "the process that guards the terminal was killed");
		if (p[0].revents)
			handle_signals(t);
		if (p[4].revents)
			write_some(t);
		if (p[3].revents & (POLLIN | POLLHUP | POLLERR))
			read_stream(t);
		if (p[2].revents)
			read_keys(t);
		if (p[1].revents && attach_loop_control(l))
			stop(t);
	send:
		if (pending(t) && !t->stream_ended)
			send_pending(t);
		if (t->stream_ended) { /* nobody listens any more */
			t->in.len = 0;
			t->size_due = t->redraw_due = false;
		}
	}
	return 0;
}

int attach_tty(struct attach_loop *l, enum attach_end *ret, struct err **err)
{
	struct tty t = {.l = l, .a = l->args, .seen = FILTER_INIT, .size_due = true};
	int r;

	r = keys_init(&t.keys, l->args->detach_keys ? l->args->detach_keys : "");
	if (r < 0)
		return err_set(err, -r, "understand the detach keys");
	r = guard_start(&t.guard, t.a->tty_in, t.a->tty_out);
	if (r < 0)
		return err_set(err, -r, "start the terminal's guard");
	raw_mode(&t);
	send_pending(&t);
	r = loop(&t, err);
	if (l->lost)
		drain(&t);
	if (t.detached)
		(void)send_packet(&t, "d", 1);
	cooked_mode(&t);
	guard_stop(&t.guard);
	buf_done(&t.in);
	buf_done(&t.out);
	*ret = t.detached ? ATTACH_END_DETACHED : l->ended ? ATTACH_END_COMMAND : ATTACH_END_LOST;
	return r;
}
