/*
 * Theory of operation. One loop over ppoll, nothing blocks but that:
 *
 *   pty -> filter -> screen, log, queues of the clients -> clients
 *   clients -> input queue -> pty
 *
 * Every queue has a bound. A full input queue stops the reading of clients, a full
 * queue of an interactive client stops the reading of the pty.
 *
 * Memory: the supervisor's pages are shared until written; ours are the screen, its
 * history, and the queues while there is something in them.
 */
#include "relay.h"

#include "ipc/msg.h"
#include "relay_log.h"
#include "sys/confine.h"
#include "term/attach.h"
#include "term/filter.h"
#include "term/screen.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

_Static_assert(RELAY_PACKET_MAX == ATTACH_PACKET_MAX, "both ends of one socket");

#define READ_SIZE 16384
#define INPUT_MAX 65536
/* The pty has no open slave just now: how often to look again. */
#define HANGUP_MS 50
/* What is read after the command's end, at most: a process that it left may write for ever. */
#define DRAIN_MAX (1024 * 1024)

struct client {
	int fd; /* -1: a free place */
	bool read_only, filter;
	bool resync;	 /* its queue was dropped: it gets the screen when it can take it */
	bool main_stale; /* it has not seen the main screen, the alternate one hides it */
	unsigned rows, cols;
	struct buf queue;
	size_t sent;
};

struct relay {
	int master, control;
	unsigned rows, cols;
	bool hangup;
	bool finishing;
	size_t drained;
	int64_t progress_ms; /* when a client last took something, while finishing */
	struct filter filter;
	struct screen *screen;
	struct relay_log log;
	struct buf input;
	struct client clients[RELAY_CLIENTS_MAX];
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void client_close(struct client *c)
{
	fd_close(c->fd);
	buf_done(&c->queue);
	*c = (struct client){.fd = -1};
}

static size_t client_backlog(const struct client *c)
{
	return c->queue.len - c->sent;
}

static void client_add(struct client *c, const void *p, size_t n)
{
	if (c->sent && (c->sent == c->queue.len || c->sent > RELAY_QUEUE_MAX)) {
		memmove(c->queue.data, c->queue.data + c->sent, c->queue.len - c->sent);
		c->queue.len -= c->sent;
		c->sent = 0;
	}
	buf_put(&c->queue, p, n);
}

static void client_redraw(struct relay *r, struct client *c, bool fresh)
{
	AUTO_BUF struct buf b = BUF_INIT(0);
	struct screen_redraw how = {
		.modes = &r->filter.modes,
		.title = r->filter.title,
		.client_rows = c->rows ? c->rows : r->rows,
		.fresh = fresh,
	};

	screen_redraw(r->screen, &how, &b);
	client_add(c, b.data, b.len);
	c->main_stale = modes_alt_screen(&r->filter.modes);
}

/* Sends what the socket takes. */
static void client_flush(struct relay *r, struct client *c)
{
	while (client_backlog(c)) {
		size_t n = client_backlog(c);
		char type = 'o';
		struct iovec iov[2] = {{&type, 1}, {c->queue.data + c->sent, 0}};
		struct msghdr mh = {.msg_iov = iov, .msg_iovlen = 2};
		ssize_t sent;

		/* Smaller than the most: a packet needs that much free space in one piece. */
		iov[1].iov_len = n > 16384 ? 16384 : n;
		sent = sendmsg(c->fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0) {
			if (errno != EAGAIN && errno != ENOBUFS)
				client_close(c);
			return;
		}
		c->sent += (size_t)sent - 1;
		r->progress_ms = now_ms();
	}
	/* Memory goes back when a burst is over. */
	if (c->queue.cap > RELAY_PACKET_MAX)
		buf_done(&c->queue);
	c->queue.len = c->sent = 0;
	if (c->resync) {
		c->resync = false;
		client_redraw(r, c, false);
	}
}

static void set_size(struct relay *r, unsigned rows, unsigned cols)
{
	struct winsize ws;

	if (!rows || !cols || (rows == r->rows && cols == r->cols))
		return;
	if (rows > SCREEN_ROWS_MAX)
		rows = SCREEN_ROWS_MAX;
	if (cols > SCREEN_COLS_MAX)
		cols = SCREEN_COLS_MAX;
	ws = (struct winsize){.ws_row = (uint16_t)rows, .ws_col = (uint16_t)cols};
	if (ioctl(r->master, TIOCSWINSZ, &ws) < 0)
		return;
	r->rows = rows;
	r->cols = cols;
	screen_resize(r->screen, rows, cols);
	/* The screen forgets them; so must what redraws. */
	r->filter.modes.flags &= ~(uint32_t)MODES_MARGINS;
	modes_dec_set(&r->filter.modes, 6, false);
	modes_dec_set(&r->filter.modes, 69, false);
}

/* Whoever types, resizes or attaches decides about the size. */
static void client_active(struct relay *r, const struct client *c)
{
	if (!c->read_only)
		set_size(r, c->rows, c->cols);
}

static void output(struct relay *r, const char *p, size_t n)
{
	AUTO_BUF struct buf b = BUF_INIT(0);
	bool was_alt = modes_alt_screen(&r->filter.modes), left_alt;

	filter_run(&r->filter, p, n, &b);
	left_alt = was_alt && !modes_alt_screen(&r->filter.modes);
	if (b.len) {
		screen_write(r->screen, b.data, b.len);
		relay_log_add(&r->log, b.data, b.len);
	}
	for (size_t i = 0; i < RELAY_CLIENTS_MAX; i++) {
		struct client *c = &r->clients[i];

		if (c->fd < 0 || c->resync)
			continue;
		if (c->filter && b.len)
			client_add(c, b.data, b.len);
		else if (!c->filter)
			client_add(c, p, n);
		if (c->read_only && client_backlog(c) > RELAY_QUEUE_MAX) {
			c->queue.len = c->sent = 0;
			c->resync = true; /* when it takes something again */
			continue;
		}
		if (left_alt && c->main_stale)
			client_redraw(r, c, false);
		client_flush(r, c);
	}
}

static void read_master(struct relay *r)
{
	char b[READ_SIZE];
	ssize_t n = read(r->master, b, sizeof(b));

	if (n > 0) {
		r->hangup = false;
		r->drained += r->finishing ? (size_t)n : 0;
		output(r, b, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		r->hangup = true; /* EIO: no slave is open, but one may be again */
	}
}

static void write_master(struct relay *r)
{
	ssize_t n = write(r->master, r->input.data, r->input.len);

	if (n > 0) {
		memmove(r->input.data, r->input.data + n, r->input.len - (size_t)n);
		r->input.len -= (size_t)n;
	} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
		r->input.len = 0;
	}
}

static void client_packet(struct relay *r, struct client *c, const char *p, size_t n)
{
	switch (p[0]) {
	case 'i':
		if (c->read_only)
			return;
		client_active(r, c);
		buf_put(&r->input, p + 1, n - 1);
		write_master(r);
		return;
	case 'w': {
		uint16_t rows, cols;

		if (n != 5)
			break;
		memcpy(&rows, p + 1, 2);
		memcpy(&cols, p + 3, 2);
		c->rows = rows;
		c->cols = cols;
		client_active(r, c);
		return;
	}
	case 'r':
		/* What waits was meant for the terminal as it was. */
		c->queue.len = c->sent = 0;
		client_redraw(r, c, true);
		client_flush(r, c);
		return;
	default: /* 'd', or nothing that we know */
		break;
	}
	client_close(c);
}

static void read_client(struct relay *r, struct client *c)
{
	static char b[RELAY_PACKET_MAX];
	ssize_t n = recv(c->fd, b, sizeof(b), MSG_DONTWAIT);

	if (n > 0)
		client_packet(r, c, b, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		client_close(c);
}

static void add_client(struct relay *r, struct msg *m)
{
	bool redraw;
	struct client new = {0}, *c = NULL;

	new.read_only = msg_get_u32(m) != 0;
	new.filter = msg_get_u32(m) != 0;
	redraw = msg_get_u32(m) != 0;
	new.rows = msg_get_u32(m);
	new.cols = msg_get_u32(m);
	new.fd = msg_get_fd(m);
	for (size_t i = 0; i < RELAY_CLIENTS_MAX && !c; i++)
		if (r->clients[i].fd < 0)
			c = &r->clients[i];
	if (!msg_end(m) || !c) { /* a client that sees the end at once */
		fd_close(new.fd);
		return;
	}
	*c = new;
	client_active(r, c);
	if (redraw) {
		client_redraw(r, c, true);
		client_flush(r, c);
	}
}

static void read_control(struct relay *r)
{
	AUTO_MSG struct msg m = {0};
	int n = msg_recv(r->control, &m);

	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n <= 0)
		_exit(1);
	switch (m.type) {
	case RELAY_ADD:
		add_client(r, &m);
		return;
	case RELAY_FINISH:
		r->finishing = true;
		r->progress_ms = now_ms();
		return;
	default:
		_exit(1);
	}
}

/* Whether an interactive client has more than enough to read. */
static bool held_back(const struct relay *r)
{
	for (size_t i = 0; i < RELAY_CLIENTS_MAX; i++)
		if (r->clients[i].fd >= 0 && !r->clients[i].read_only &&
			client_backlog(&r->clients[i]) > RELAY_QUEUE_MAX)
			return true;
	return false;
}

/* One turn. timeout: as for poll. */
static void turn(struct relay *r, int timeout)
{
	struct pollfd p[2 + RELAY_CLIENTS_MAX];
	bool full = r->input.len > INPUT_MAX;
	short master = 0;

	if (!held_back(r))
		master |= POLLIN;
	if (r->input.len)
		master |= POLLOUT;
	if (r->hangup && (timeout < 0 || timeout > HANGUP_MS))
		timeout = HANGUP_MS;
	/* poll reports a hang-up even when asked for nothing. */
	p[0] = (struct pollfd){.fd = r->hangup || !master ? -1 : r->master, .events = master};
	p[1] = (struct pollfd){.fd = r->control, .events = POLLIN};
	for (size_t i = 0; i < RELAY_CLIENTS_MAX; i++) {
		const struct client *c = &r->clients[i];

		p[2 + i] = (struct pollfd){.fd = c->fd,
			.events = (short)((full ? 0 : POLLIN) |
					  (client_backlog(c) || c->resync ? POLLOUT : 0))};
	}
	if (poll(p, ARRAY_SIZE(p), timeout) < 0)
		return;
	if (p[1].revents)
		read_control(r);
	for (size_t i = 0; i < RELAY_CLIENTS_MAX; i++) {
		struct client *c = &r->clients[i];

		if (p[2 + i].fd >= 0 && c->fd == p[2 + i].fd && (p[2 + i].revents & POLLOUT))
			client_flush(r, c);
		if (p[2 + i].fd >= 0 && c->fd == p[2 + i].fd &&
			(p[2 + i].revents & (POLLIN | POLLHUP | POLLERR)))
			read_client(r, c);
	}
	if (p[0].revents & POLLOUT)
		write_master(r);
	if ((p[0].revents & (POLLIN | POLLHUP | POLLERR)) && (master & POLLIN))
		read_master(r);
	else if (r->hangup)
		read_master(r);
}

/* After RELAY_FINISH: whether something is left to read from the pty. */
static bool more_to_read(struct relay *r)
{
	struct pollfd p = {.fd = r->master, .events = POLLIN};

	return r->drained < DRAIN_MAX && poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

static bool flushed(const struct relay *r)
{
	for (size_t i = 0; i < RELAY_CLIENTS_MAX; i++)
		if (r->clients[i].fd >= 0 &&
			(client_backlog(&r->clients[i]) || r->clients[i].resync))
			return false;
	return true;
}

static void finish(struct relay *r)
{
	while (more_to_read(r))
		read_master(r);
	for (;;) {
		int64_t left = r->progress_ms + RELAY_STUCK_MS - now_ms();

		if (flushed(r) || left <= 0)
			break;
		turn(r, (int)left);
		while (more_to_read(r))
			read_master(r);
	}
}

void relay_main(const struct relay_args *args)
{
	int keep[] = {args->master, args->control, args->log};
	static struct relay r;
	unsigned flags = CONFINE_TTY_SIZE | CONFINE_FILE;

	(void)prctl(PR_SET_NAME, "bailey-relay", 0, 0, 0);
	if (confine_fds(keep, ARRAY_SIZE(keep)) < 0)
		_exit(1);
	r = (struct relay){
		.master = keep[0],
		.control = keep[1],
		.filter = FILTER_INIT,
		.input = BUF_INIT(0),
	};
	for (size_t i = 0; i < RELAY_CLIENTS_MAX; i++)
		r.clients[i].fd = -1;
	if (fcntl(r.master, F_SETFL, fcntl(r.master, F_GETFL) | O_NONBLOCK) < 0)
		_exit(1);
	relay_log_init(&r.log, keep[2], args->log_max);
	if (confine_worker(flags) < 0)
		_exit(1);
	r.rows = args->rows;
	r.cols = args->cols;
	r.screen = screen_new(args->rows, args->cols);
	while (!r.finishing)
		turn(&r, -1);
	finish(&r);
	/* The kernel delivers what the sockets hold, then their end. */
	_exit(0);
}
