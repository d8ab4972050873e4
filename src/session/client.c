#include "client.h"

#include "ipc/msg.h"
#include "proto.h"
#include "term/attach.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct follow {
	int conn;
	uint32_t session;
	bool ended, failed;
	struct client_end *end;
	struct err **err;
};

static int take_failure(struct msg *m, struct client_end *end, struct err **err)
{
	int status = (int)msg_get_u32(m), code = (int)msg_get_u32(m);
	const char *text = msg_get_str(m), *hint = msg_get_str(m);

	if (end)
		end->status = status;
	err_set(err, 0, "%s", text);
	if (err && *err)
		(*err)->code = code > 0 && code < 4096 ? code : EIO;
	if (*hint)
		err_hint(err, "%s", hint);
	return code > 0 && code < 4096 ? -code : -EIO;
}

static int lost(struct err **err)
{
	err_set(err, EPIPE, "hear from the sandbox: its supervisor is gone");
	return err_hint(err, "the sandbox has ended with it; its files are kept");
}

/* The first answer to a request: SUP_STARTED, or its failure. */
static int take_started(struct follow *f, int *ret_stream, struct err **err)
{
	AUTO_MSG struct msg m = {0};
	int r = msg_recv(f->conn, &m);

	if (r <= 0)
		return r < 0 ? err_set(err, r, "hear from the sandbox") : lost(err);
	if (m.type == SUP_FAILED)
		return take_failure(&m, f->end, err);
	if (m.type != SUP_STARTED)
		return err_set(err, EPROTO, "understand the sandbox");
	f->session = msg_get_u32(&m);
	if (m.n_fds)
		*ret_stream = msg_get_fd(&m);
	return 0;
}

static enum attach_verdict on_control(void *ctx, int control)
{
	struct follow *f = ctx;
	AUTO_MSG struct msg m = {0};
	const char *reason;
	int r = msg_recv(control, &m);

	if (r == -EAGAIN)
		return ATTACH_GO_ON;
	if (r <= 0) {
		f->failed = true;
		lost(f->err);
		return ATTACH_ENDED;
	}
	switch (m.type) {
	case SUP_STOPPED:
		return ATTACH_STOPPED;
	case SUP_EXITED:
		(void)msg_get_u32(&m);
		f->end->status = (int)msg_get_u32(&m);
		reason = msg_get_str(&m);
		f->end->reason = *reason ? xstrdup(reason) : NULL;
		f->ended = true;
		return ATTACH_ENDED;
	case SUP_FAILED:
		f->failed = true;
		take_failure(&m, f->end, f->err);
		return ATTACH_ENDED;
	default:
		return ATTACH_GO_ON;
	}
}

static void on_signal(void *ctx, int signo)
{
	const struct follow *f = ctx;
	AUTO_MSG struct msg m = MSG_INIT(SUP_SIGNAL);

	msg_put_u32(&m, f->session);
	/* Without a terminal the group has no parent that could stop it kindly. */
	msg_put_u32(&m, (uint32_t)(signo == SIGTSTP ? SIGSTOP : signo));
	(void)!msg_send(f->conn, &m);
}

/* Says goodbye, and hears whether that was the end of the sandbox. */
static void say_goodbye(struct follow *f)
{
	if (shutdown(f->conn, SHUT_WR) < 0)
		return;
	for (;;) {
		AUTO_MSG struct msg m = {0};

		if (msg_recv(f->conn, &m) <= 0)
			return;
		if (m.type != SUP_OVER)
			continue;
		f->end->over = true;
		f->end->discarded = msg_get_u32(&m);
		return;
	}
}

static int follow(struct follow *f, struct attach_args *args, struct err **err)
{
	enum attach_end how = ATTACH_END_LOST;
	AUTO_ERR struct err *local = NULL;
	int r;

	args->control = f->conn;
	args->cb = (struct attach_callbacks){
		.on_control = on_control, .on_signal = on_signal, .ctx = f};
	f->err = err;
	r = attach_run(args, &how, &local);
	if (f->failed) {
		say_goodbye(f);
		return err && *err ? -(*err)->code : -EIO;
	}
	if (r < 0) {
		if (err)
			*err = TAKE_PTR(local);
		say_goodbye(f);
		return r;
	}
	if (how == ATTACH_END_DETACHED) {
		AUTO_MSG struct msg m = MSG_INIT(SUP_LEAVE);

		msg_put_u32(&m, f->session);
		(void)!msg_send(f->conn, &m);
		f->end->detached = true;
		return 0;
	}
	if (how == ATTACH_END_LOST && !f->ended)
		return lost(err);
	say_goodbye(f);
	return 0;
}

static void put_window(struct msg *m)
{
	struct winsize size = {0};

	(void)ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
	msg_put_u32(m, size.ws_row);
	msg_put_u32(m, size.ws_col);
}

static int make_pipes(int inner[3], int ours[3], struct err **err)
{
	for (int i = 0; i < 3; i++) {
		int p[2];

		if (pipe2(p, O_CLOEXEC) < 0)
			return err_set(err, errno, "make pipes");
		inner[i] = i == 0 ? p[0] : p[1];
		ours[i] = i == 0 ? p[1] : p[0];
	}
	return 0;
}

int client_run(int conn, const struct client_exec *exec, struct client_end *ret, struct err **err)
{
	struct follow f = {.conn = conn, .end = ret};
	struct attach_args args = {.stream = -1,
		.tty_in = STDIN_FILENO,
		.tty_out = STDOUT_FILENO,
		.detach_keys = exec->detach_keys,
		.to_stdin = -1,
		.from_stdout = -1,
		.from_stderr = -1};
	AUTO_MSG struct msg m = MSG_INIT(SUP_EXEC);
	int inner[3] = {-1, -1, -1}, ours[3] = {-1, -1, -1}, stream = -1, r = 0;
	bool pipes = !(exec->flags & (SUP_TTY | SUP_DETACH));

	*ret = (struct client_end){.status = EXIT_BAILEY};
	msg_put_u32(&m, exec->flags);
	put_window(&m);
	msg_put_str(&m, exec->label);
	msg_put_str(&m, exec->cwd);
	msg_put_strs(&m, strvec_argv(exec->argv));
	msg_put_strs(&m, strvec_argv(exec->env));
	if (pipes)
		r = make_pipes(inner, ours, err);
	for (int i = 0; i < 3 && pipes && r == 0; i++)
		msg_put_fd(&m, inner[i]);
	if (r == 0) {
		r = msg_send(conn, &m);
		if (r < 0) {
			err_set(err, r == -EPIPE ? 0 : r, "start the command in the sandbox");
			if (r == -EMSGSIZE)
				err_hint(err, "its arguments and environment must be under %d KiB",
					MSG_MAX / 1024);
		}
	}
	for (int i = 0; i < 3; i++)
		fd_close(inner[i]);
	/* A supervisor that failed to start says why before it goes. */
	if (r == 0 || r == -EPIPE) {
		r = take_started(&f, &stream, err);
		if (r < 0)
			say_goodbye(&f);
	}
	if (r == 0 && !(exec->flags & SUP_DETACH)) {
		args.stream = stream;
		args.to_stdin = TAKE_FD(ours[0]);
		args.from_stdout = TAKE_FD(ours[1]);
		args.from_stderr = TAKE_FD(ours[2]);
		r = follow(&f, &args, err);
	} else if (r == 0) {
		ret->status = 0;
		ret->detached = true;
	}
	for (int i = 0; i < 3; i++)
		fd_close(ours[i]);
	fd_close(stream);
	return r;
}

int client_attach(int conn, uint32_t session, bool read_only, const char *detach_keys,
	struct client_end *ret, struct err **err)
{
	struct follow f = {.conn = conn, .end = ret};
	struct attach_args args = {.tty_in = STDIN_FILENO,
		.tty_out = STDOUT_FILENO,
		.detach_keys = detach_keys,
		.read_only = read_only,
		.to_stdin = -1,
		.from_stdout = -1,
		.from_stderr = -1};
	AUTO_MSG struct msg m = MSG_INIT(SUP_ATTACH);
	AUTO_FD int stream = -1;
	int r;

	*ret = (struct client_end){.status = EXIT_BAILEY};
	msg_put_u32(&m, session);
	msg_put_u32(&m, read_only);
	put_window(&m);
	r = msg_send(conn, &m);
	if (r < 0)
		return err_set(err, r, "ask the sandbox");
	r = take_started(&f, &stream, err);
	if (r < 0)
		return r;
	args.stream = stream;
	return follow(&f, &args, err);
}

int client_list(int conn, char **ret, struct err **err)
{
	AUTO_MSG struct msg ask = MSG_INIT(SUP_LIST);
	AUTO_MSG struct msg m = {0};
	int r = msg_send(conn, &ask);

	if (r == 0)
		r = msg_recv(conn, &m);
	if (r <= 0 || m.type != SUP_TEXT)
		return r < 0 ? err_set(err, r, "ask the sandbox") : lost(err);
	*ret = xstrdup(msg_get_str(&m));
	return 0;
}

int client_stop(int conn, uint32_t grace, struct err **err)
{
	AUTO_MSG struct msg m = MSG_INIT(SUP_STOP);
	int r;

	msg_put_u32(&m, grace);
	r = msg_send(conn, &m);
	if (r < 0 && r != -EPIPE)
		return err_set(err, r, "stop the sandbox");
	/* It lets go of the connection when all is over. */
	for (;;) {
		AUTO_MSG struct msg answer = {0};

		r = msg_recv(conn, &answer);
		if (r <= 0)
			return 0;
	}
}
