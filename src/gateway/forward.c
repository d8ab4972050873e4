/*
 * Each connection is a pair of sockets with a pipe each way. Back-pressure comes by
 * itself: a full pipe is not filled further. Half-close is passed on: when one side
 * has sent all, and the pipe is empty, the other side is shut for writing.
 */
#include "forward.h"

#include "sys/confine.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define CHUNK (1 << 16)

struct flow {
	int pipe[2];
	size_t held; /* bytes in the pipe */
	bool eof;    /* the source has ended */
	bool shut;   /* and the sink was told */
};

struct conn {
	int in, out; /* the sandbox's side, the host's side */
	bool connecting;
	struct flow up, down; /* in to out, out to in */
	struct conn *next_dead;
	bool dead;
};

struct end {		   /* what epoll hands back */
	struct conn *conn; /* NULL: a listener */
	int fd;
	uint16_t host;
};

struct forwarder {
	int epoll;
	size_t n;
	struct end *listeners;
	size_t n_listeners;
	bool paused;
	struct conn *dead;
};

static void watch(struct forwarder *f, int op, int fd, uint32_t events, void *ptr)
{
	struct epoll_event ev = {.events = events, .data.ptr = ptr};

	if (epoll_ctl(f->epoll, op, fd, &ev) < 0 && op == EPOLL_CTL_ADD)
		_exit(EXIT_BAILEY); /* fail closed: no door at all */
}

static void set_paused(struct forwarder *f, bool paused)
{
	for (size_t i = 0; i < f->n_listeners && f->paused != paused; i++)
		watch(f, EPOLL_CTL_MOD, f->listeners[i].fd, paused ? 0 : EPOLLIN, &f->listeners[i]);
	f->paused = paused;
}

static void kill_conn(struct forwarder *f, struct conn *c)
{
	if (c->dead)
		return;
	c->dead = true;
	c->next_dead = f->dead;
	f->dead = c;
	fd_close(c->in);
	fd_close(c->out);
	for (int i = 0; i < 2; i++) {
		fd_close(c->up.pipe[i]);
		fd_close(c->down.pipe[i]);
	}
	f->n--;
}

static bool move(struct flow *w, int from, int to, bool *progress)
{
	while (!w->eof) {
		ssize_t n = splice(
			from, NULL, w->pipe[1], NULL, CHUNK, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return false;
		*progress = true;
		if (n == 0)
			w->eof = true;
		w->held += (size_t)n;
		if (w->held >= CHUNK)
			break;
	}
	while (w->held) {
		ssize_t n = splice(
			w->pipe[0], NULL, to, NULL, w->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			return false;
		*progress = true;
		w->held -= (size_t)n;
	}
	if (w->eof && !w->held && !w->shut) {
		w->shut = true;
		(void)shutdown(to, SHUT_WR);
	}
	return true;
}

static void pump(struct forwarder *f, struct conn *c)
{
	bool progress = true;

	if (c->dead)
		return;
	if (c->connecting) {
		struct pollfd p = {.fd = c->out, .events = POLLOUT};
		int error = 0;
		socklen_t len = sizeof(error);

		if (poll(&p, 1, 0) == 0)
			return;
		if (getsockopt(c->out, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error) {
			/* A reset, as if the port were shut inside. */
			struct linger hard = {1, 0};

			(void)setsockopt(c->in, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
			kill_conn(f, c);
			return;
		}
		c->connecting = false;
	}
	while (progress) {
		progress = false;
		if (!move(&c->up, c->in, c->out, &progress) ||
			!move(&c->down, c->out, c->in, &progress)) {
			kill_conn(f, c);
			return;
		}
	}
	if (c->up.shut && c->down.shut)
		kill_conn(f, c);
}

/* IPv4 loopback: where nearly every local service listens; IPv6 when that is refused at once. */
static int dial(uint16_t port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && (connect(fd, (void *)&v4, sizeof(v4)) == 0 || errno == EINPROGRESS))
		return fd;
	fd_close(fd);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && (connect(fd, (void *)&v6, sizeof(v6)) == 0 || errno == EINPROGRESS))
		return fd;
	fd_close(fd);
	return -1;
}

static void accept_all(struct forwarder *f, const struct end *listener)
{
	while (f->n < FORWARD_MAX) {
		struct linger hard = {1, 0};
		struct conn *c;
		int one = 1, in = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (in < 0)
			return;
		c = xcalloc(1, sizeof(*c));
		*c = (struct conn){.in = in,
			.out = dial(listener->host),
			.connecting = true,
			.up.pipe = {-1, -1},
			.down.pipe = {-1, -1}};
		f->n++;
		if (c->out < 0 || pipe2(c->up.pipe, O_CLOEXEC | O_NONBLOCK) < 0 ||
			pipe2(c->down.pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
			(void)setsockopt(in, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
			kill_conn(f, c);
			continue;
		}
		(void)setsockopt(c->in, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		(void)setsockopt(c->out, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		watch(f, EPOLL_CTL_ADD, c->in, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, c);
		watch(f, EPOLL_CTL_ADD, c->out, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, c);
		pump(f, c);
	}
}

static NORETURN void loop(struct forwarder *f)
{
	struct epoll_event events[64];

	for (;;) {
		int n = epoll_wait(f->epoll, events, ARRAY_SIZE(events), -1);

		if (n < 0 && errno != EINTR)
			_exit(EXIT_BAILEY);
		for (int i = 0; i < n; i++) {
			char *p = events[i].data.ptr;

			if (p >= (char *)f->listeners &&
				p < (char *)(f->listeners + f->n_listeners))
				accept_all(f, events[i].data.ptr);
			else
				pump(f, events[i].data.ptr);
		}
		while (f->dead) { /* only now: an event of this round may still name it */
			struct conn *c = f->dead;

			f->dead = c->next_dead;
			free(c);
		}
		set_paused(f, f->n >= FORWARD_MAX);
	}
}

NORETURN void forward_main(const struct forward_listener *listeners, size_t n)
{
	struct forwarder f = {.n_listeners = n, .listeners = xcalloc(n, sizeof(*f.listeners))};
	int *keep = xcalloc(n, sizeof(int));

	for (size_t i = 0; i < n; i++)
		keep[i] = listeners[i].fd;
	if (confine_fds(keep, n) < 0)
		_exit(EXIT_BAILEY);
	f.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (f.epoll < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		_exit(EXIT_BAILEY);
	for (size_t i = 0; i < n; i++) {
		f.listeners[i] = (struct end){.fd = keep[i], .host = listeners[i].host};
		watch(&f, EPOLL_CTL_ADD, keep[i], EPOLLIN, &f.listeners[i]);
	}
	free(keep);
	if (confine_worker(CONFINE_FORWARD | CONFINE_CONNECT) < 0)
		_exit(EXIT_BAILEY);
	loop(&f);
}
