/*
 * Theory of operation. Each of the three flows has one end that is ours (a pipe,
 * nonblocking) and one that is the caller's, of any kind and shared with other
 * processes, so its flags are never touched. A flow first waits for its source to
 * be readable, then for its destination to be writable, then moves until the
 * kernel says that it would block, and waits for both again.
 *
 * splice moves pages between two pipes without copying. Where one end is not fit
 * for it (EINVAL: a file opened for appending, some devices) the flow goes over to
 * read and write. What is written to the caller at a time is bounded for terminals
 * and the like, because such a write may block and the other flow and control
 * would wait with it.
 */
#include "attach_loop.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* Of our pipes, and of the caller's where they are smaller: fewer turns for the same bytes. Larger
 * ones are slower again, they do not fit the processor's cache. */
#define PIPE_WANTED (256 * 1024)
#define COPY_SIZE 65536
/* poll says "writable" for a pipe when this much fits. */
#define CAREFUL_SIZE 4096
/* How often a background job looks whether it may read the terminal again. */
#define BACKGROUND_MS 250

struct flow {
	int src, dst; /* -1: closed */
	int *ours;    /* src or dst: closed at the end */
	bool src_ready, dst_ready;
	bool copying;  /* splice does not work here */
	bool tty_in;   /* src is a terminal: job control */
	bool seekable; /* src is a file of the caller's */
	int unread;    /* ... that has been read to its end: the reading side of our pipe */
	bool careful;  /* reading or writing the caller's end may block whatever poll says */
	bool fifo;     /* so may writing much to a pipe, though not by splice */
	char *buf;     /* copying: what is read and not written */
	size_t off, len;
};

/* Over the user's quota of pipe memory it stays as it is. */
static void grow_pipe(int fd)
{
	if (fcntl(fd, F_GETPIPE_SZ) < PIPE_WANTED)
		(void)fcntl(fd, F_SETPIPE_SZ, PIPE_WANTED);
}

static void flow_init(struct flow *f, int src, int dst, bool in)
{
	struct stat st = {0};
	int theirs = in ? src : dst, ours = in ? dst : src;

	*f = (struct flow){.src = src, .dst = dst, .unread = -1};
	f->ours = in ? &f->dst : &f->src;
	if (ours < 0) {
		f->src = f->dst = -1;
		return;
	}
	(void)fcntl(ours, F_SETFL, fcntl(ours, F_GETFL) | O_NONBLOCK);
	grow_pipe(ours);
	if (fstat(theirs, &st) < 0) { /* closed by the caller */
		*f->ours = fd_close(*f->ours);
		f->src = f->dst = -1;
		return;
	}
	f->careful = S_ISSOCK(st.st_mode) || isatty(theirs);
	f->fifo = S_ISFIFO(st.st_mode);
	if (f->fifo)
		grow_pipe(theirs);
	f->tty_in = in && isatty(theirs);
	f->seekable = in && S_ISREG(st.st_mode);
}

static bool flow_open(const struct flow *f)
{
	return f->src >= 0;
}

static void flow_close(struct flow *f)
{
	if (!flow_open(f))
		return;
	*f->ours = fd_close(*f->ours);
	f->src = f->dst = -1;
	free(TAKE_PTR(f->buf));
}

/* What the command left unread of a file, for whoever reads it next. */
static void give_back(struct flow *f)
{
	int unread = 0, pipe = f->unread >= 0 ? f->unread : f->dst;

	if (!f->seekable)
		return;
	f->seekable = false;
	if (ioctl(pipe, FIONREAD, &unread) == 0)
		(void)lseek(STDIN_FILENO, -(off_t)unread - (off_t)(f->len - f->off), SEEK_CUR);
	f->unread = fd_close(f->unread);
}

/* The end of the file: the inside must see the end of the pipe, so our side of it is closed, and
 * how much is still in it can only be asked at the other. */
static void keep_unread(struct flow *f)
{
	char path[32];

	if (!f->seekable)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->dst);
	f->unread = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	f->seekable = f->unread >= 0;
}

static ssize_t flow_copy(struct flow *f)
{
	size_t piece = f->careful || f->fifo ? CAREFUL_SIZE : COPY_SIZE;
	ssize_t n;

	if (f->off == f->len) {
		if (!f->buf)
			f->buf = xmalloc(COPY_SIZE);
		n = read(f->src, f->buf, piece);
		if (n <= 0)
			return n;
		f->off = 0;
		f->len = (size_t)n;
	}
	n = write(f->dst, f->buf + f->off, f->len - f->off);
	if (n > 0)
		f->off += (size_t)n;
	return n;
}

/* Moves what can be moved without waiting, within reason. */
static void flow_run(struct flow *f)
{
	for (int i = 0; i < 16; i++) {
		ssize_t n;

		if (f->copying) {
			n = flow_copy(f);
		} else {
			n = splice(f->src, NULL, f->dst, NULL,
				f->careful ? CAREFUL_SIZE : PIPE_WANTED,
				SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
			if (n < 0 && errno == EINVAL) {
				f->copying = true;
				continue;
			}
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			f->src_ready = f->dst_ready = false;
			return;
		}
		if (n <= 0) { /* the end; EPIPE; a terminal that is gone */
			if (n < 0)
				give_back(f);
			else
				keep_unread(f);
			flow_close(f);
			return;
		}
		/* A device of the caller's may block: ask again each time. */
		if (!f->careful)
			continue;
		if (f->ours == &f->dst)
			f->src_ready = false;
		else
			f->dst_ready = false;
		return;
	}
}

static bool in_background(const struct flow *f)
{
	pid_t pgrp;

	if (!f->tty_in)
		return false;
	pgrp = tcgetpgrp(f->src);
	return pgrp >= 0 && pgrp != getpgrp();
}

/* Adds what the flow waits for. Returns whether it waits for its turn at the terminal. */
static bool flow_poll(const struct flow *f, struct pollfd *p)
{
	*p = (struct pollfd){.fd = -1};
	if (!flow_open(f))
		return false;
	if (!f->src_ready && f->off == f->len) {
		if (in_background(f))
			return true;
		*p = (struct pollfd){.fd = f->src, .events = POLLIN};
	} else {
		*p = (struct pollfd){.fd = f->dst, .events = POLLOUT};
	}
	return false;
}

static void flow_polled(struct flow *f, const struct pollfd *p)
{
	if (!flow_open(f) || p->fd < 0 || !p->revents)
		return;
	if (p->events == POLLIN) {
		struct pollfd dst = {.fd = f->dst, .events = POLLOUT};

		f->src_ready = true;
		f->dst_ready = poll(&dst, 1, 0) == 1;
	} else {
		f->dst_ready = true;
	}
	if (f->dst_ready)
		flow_run(f);
}

/* After the command's end: a process that it left behind may hold the pipe open for ever, so
 * only what is in it now counts. */
static void flow_finish(struct flow *f)
{
	struct pollfd p = {.fd = f->src, .events = POLLIN};

	if (!flow_open(f) || f->off != f->len)
		return;
	if (poll(&p, 1, 0) != 1 || !(p.revents & POLLIN))
		flow_close(f);
}

static void handle_signals(struct attach_loop *l)
{
	int signo;

	while ((signo = attach_loop_signal(l)) > 0)
		if (signo != SIGWINCH)
			l->args->cb.on_signal(l->args->cb.ctx, signo);
}

int attach_pipes(struct attach_loop *l, enum attach_end *ret, struct err **err)
{
	const struct attach_args *a = l->args;
	struct flow flows[3];
	int r = 0;

	flow_init(&flows[0], STDIN_FILENO, a->to_stdin, true);
	flow_init(&flows[1], a->from_stdout, STDOUT_FILENO, false);
	flow_init(&flows[2], a->from_stderr, STDERR_FILENO, false);
	for (;;) {
		struct pollfd p[5] = {
			{.fd = l->signals, .events = POLLIN},
			{.fd = l->ended || l->lost ? -1 : a->control, .events = POLLIN},
		};
		bool waits = false;

		if (l->ended || l->lost) {
			give_back(&flows[0]);
			flow_close(&flows[0]);
			flow_finish(&flows[1]);
			flow_finish(&flows[2]);
			if (!flow_open(&flows[1]) && !flow_open(&flows[2]))
				break;
		}
		for (size_t i = 0; i < 3; i++)
			waits |= flow_poll(&flows[i], &p[2 + i]);
		if (poll(p, ARRAY_SIZE(p), waits ? BACKGROUND_MS : -1) < 0) {
			if (errno == EINTR)
				continue;
			r = err_set(err, errno, "wait for the command's output");
			break;
		}
		if (p[0].revents)
			handle_signals(l);
		for (size_t i = 0; i < 3; i++)
			flow_polled(&flows[i], &p[2 + i]);
		if (p[1].revents && attach_loop_control(l))
			raise(SIGSTOP); /* SIGCONT is passed on when the loop reads it */
	}
	give_back(&flows[0]);
	for (size_t i = 0; i < 3; i++)
		flow_close(&flows[i]);
	*ret = l->ended ? ATTACH_END_COMMAND : ATTACH_END_LOST;
	return r;
}
