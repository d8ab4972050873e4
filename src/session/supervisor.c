#include "supervisor.h"

#include "cell/cgroup.h"
#include "cell/launch.h"
#include "gateway/forward.h"
#include "init/proto.h"
#include "ipc/msg.h"
#include "proto.h"
#include "relay.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

/* Named caps: all of these come from the user's own commands, none from inside. */
#define MAX_CLIENTS 256
#define MAX_SESSIONS 512
#define LOG_MAX (4 << 20)

struct session {
	uint32_t id;
	unsigned flags;
	char *label;
	pid_t relay;   /* 0: pipes, or gone */
	int relay_ctl; /* -1 without one */
	bool stopped, over;
	unsigned rows, cols;
	struct timespec started;
};

struct client {
	int fd;
	uint32_t session; /* that it watches; 0: none */
};

struct supervisor {
	const struct policy *policy;
	struct state *state;
	struct cell cell;
	struct cgroup cgroup;
	int listener, signals, timer;
	pid_t forwarder;
	struct session *sessions[MAX_SESSIONS];
	size_t n_sessions;
	struct client clients[MAX_CLIENTS];
	size_t n_clients;
	int lingering[MAX_CLIENTS]; /* said goodbye and wait to hear whether that was the end */
	size_t n_lingering;
	uint32_t next_id;
	bool ending;	    /* SIGTERM went round; the timer is the end */
	const char *reason; /* why the sandbox ended its sessions, or NULL */
};

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static void send_failed(
	int fd, enum init_stage stage, int status, int code, const char *text, const char *hint)
{
	AUTO_MSG struct msg m = MSG_INIT(SUP_FAILED);

	(void)stage;
	msg_put_u32(&m, (uint32_t)status);
	msg_put_u32(&m, (uint32_t)code);
	msg_put_str(&m, text);
	msg_put_str(&m, hint ? hint : "");
	(void)!msg_send(fd, &m);
}

static void send_u32(int fd, enum sup_msg type, uint32_t v)
{
	AUTO_MSG struct msg m = MSG_INIT(type);

	msg_put_u32(&m, v);
	(void)!msg_send(fd, &m);
}

static struct session *find_session(struct supervisor *s, uint32_t id)
{
	for (size_t i = 0; i < s->n_sessions; i++)
		if (s->sessions[i]->id == id)
			return s->sessions[i];
	return NULL;
}

static void signal_session(struct supervisor *s, uint32_t id, int signo)
{
	AUTO_MSG struct msg m = MSG_INIT(INIT_SIGNAL);

	msg_put_u32(&m, id);
	msg_put_u32(&m, (uint32_t)signo);
	(void)!msg_send(s->cell.control, &m);
}

/* ---- starting a session ---- */

struct request {
	unsigned flags, rows, cols;
	const char *label, *cwd;
	struct strvec argv, env;
	int fds[3];
};

static int log_open(struct supervisor *s, uint32_t id)
{
	AUTO_FD int dir = -1;
	AUTO_FREE char *name = xasprintf("%u.log", id);

	if (s->state->ephemeral)
		return -1;
	dir = fs_mkdir_beneath(s->state->dir, "log", 0700);
	if (dir < 0)
		return -1;
	return openat(dir, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* The sandbox's own devpts, held since before anything hostile ran. */
static int open_terminal(
	struct supervisor *s, unsigned rows, unsigned cols, int *ret_inside, struct err **err)
{
	AUTO_FD int master =
		openat(s->cell.devpts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	struct winsize size = {.ws_row = (unsigned short)(rows ? rows : 24),
		.ws_col = (unsigned short)(cols ? cols : 80)};
	int unlocked = 0, inside;

	if (master < 0)
		return err_set(err, errno, "open a terminal of the sandbox");
	if (ioctl(master, TIOCSPTLCK, &unlocked) < 0 || ioctl(master, TIOCSWINSZ, &size) < 0)
		return err_set(err, errno, "set up a terminal of the sandbox");
	inside = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (inside < 0)
		return err_set(err, errno, "open the inner side of a terminal");
	*ret_inside = inside;
	return TAKE_FD(master);
}

static int start_relay(struct supervisor *s, struct session *session, int master, struct err **err)
{
	struct relay_args args = {
		.master = master, .log_max = LOG_MAX, .rows = session->rows, .cols = session->cols};
	int pair[2], r = msg_pair(pair);

	if (r < 0)
		return err_set(err, r, "make the relay's socket");
	args.log = log_open(s, session->id);
	args.control = pair[1];
	session->relay = fork();
	if (session->relay == 0)
		relay_main(&args);
	fd_close(args.log);
	fd_close(pair[1]);
	if (session->relay < 0) {
		fd_close(pair[0]);
		session->relay = 0;
		return err_set(err, errno, "start a relay");
	}
	session->relay_ctl = pair[0];
	if (set_nonblocking(pair[0]) < 0)
		return err_set(err, errno, "prepare the relay's socket");
	return 0;
}

/* A new client of a session's relay; its end of the stream, or -errno. */
static int add_to_relay(struct supervisor *s, const struct session *session, bool read_only,
	bool redraw, unsigned rows, unsigned cols)
{
	AUTO_MSG struct msg m = MSG_INIT(RELAY_ADD);
	int pair[2], r = msg_pair(pair);

	if (r < 0)
		return r;
	msg_put_u32(&m, read_only);
	msg_put_u32(&m, s->policy->filter);
	msg_put_u32(&m, redraw);
	msg_put_u32(&m, rows);
	msg_put_u32(&m, cols);
	msg_put_fd(&m, pair[1]);
	r = msg_send(session->relay_ctl, &m);
	fd_close(pair[1]);
	if (r < 0) {
		fd_close(pair[0]);
		return r;
	}
	return pair[0];
}

static int send_start(
	struct supervisor *s, const struct session *session, struct request *q, const int fds[3])
{
	AUTO_MSG struct msg m = MSG_INIT(INIT_START);
	bool tty = session->relay_ctl >= 0;

	msg_put_u32(&m, session->id);
	msg_put_u32(&m, tty);
	msg_put_u32(&m, cell_as_root() || s->policy->ids == CONF_IDS_RANGE);
	msg_put_u32(&m, s->policy->uid);
	msg_put_u32(&m, s->policy->gid);
	msg_put_str(&m, q->cwd);
	msg_put_strs(&m, strvec_argv(&q->argv));
	msg_put_strs(&m, strvec_argv(&q->env));
	for (int i = 0; i < (tty ? 1 : 3); i++)
		msg_put_fd(&m, fds[i]);
	return msg_send(s->cell.control, &m);
}

static void free_session(struct session *session)
{
	fd_close(session->relay_ctl);
	free(session->label);
	free(session);
}

static int start_session(
	struct supervisor *s, struct client *c, struct request *q, struct err **err)
{
	struct session *session = xcalloc(1, sizeof(*session));
	AUTO_FD int master = -1, inside = -1, stream = -1;
	AUTO_MSG struct msg ok = MSG_INIT(SUP_STARTED);
	int fds[3] = {q->fds[0], q->fds[1], q->fds[2]}, r = 0;

	*session = (struct session){.id = s->next_id++,
		.flags = q->flags,
		.label = xstrdup(q->label),
		.relay_ctl = -1,
		.rows = q->rows ? q->rows : 24,
		.cols = q->cols ? q->cols : 80};
	clock_gettime(CLOCK_REALTIME, &session->started);
	if (q->flags & (SUP_TTY | SUP_DETACH)) {
		master = open_terminal(s, q->rows, q->cols, &inside, err);
		r = master < 0 ? master : start_relay(s, session, master, err);
		fds[0] = inside;
		if (r == 0 && !(q->flags & SUP_DETACH)) {
			stream = add_to_relay(s, session, false, false, q->rows, q->cols);
			if (stream < 0)
				r = err_set(err, stream, "attach to the session");
		}
	}
	if (r == 0) {
		r = send_start(s, session, q, fds);
		if (r < 0)
			err_set(err, r,
				"start the command (its arguments and environment may be too "
				"long)");
	}
	if (r < 0) {
		free_session(session);
		return r;
	}
	s->sessions[s->n_sessions++] = session;
	c->session = session->id;
	msg_put_u32(&ok, session->id);
	if (stream >= 0)
		msg_put_fd(&ok, stream);
	(void)!msg_send(c->fd, &ok);
	return 0;
}

static int on_exec(struct supervisor *s, struct client *c, struct msg *m, struct err **err)
{
	struct request q = {.flags = msg_get_u32(m),
		.rows = msg_get_u32(m),
		.cols = msg_get_u32(m),
		.fds = {-1, -1, -1}};
	int r;

	q.label = msg_get_str(m);
	q.cwd = msg_get_str(m);
	msg_get_strs(m, &q.argv, SUP_MAX_ARGS);
	msg_get_strs(m, &q.env, SUP_MAX_ARGS);
	for (int i = 0; i < 3 && !(q.flags & (SUP_TTY | SUP_DETACH)); i++)
		q.fds[i] = msg_get_fd(m);
	if (!msg_end(m) || q.argv.n == 0 || q.rows > 10000 || q.cols > 10000)
		r = err_set(err, EPROTO, "understand the request");
	else if (s->n_sessions == MAX_SESSIONS)
		r = err_set(
			err, EAGAIN, "start more than %d sessions in one sandbox", MAX_SESSIONS);
	else if (s->ending)
		r = err_set(err, ESHUTDOWN, "start a command: the sandbox is stopping");
	else
		r = start_session(s, c, &q, err);
	for (int i = 0; i < 3; i++)
		fd_close(q.fds[i]);
	strvec_done(&q.argv);
	strvec_done(&q.env);
	return r;
}

static int on_attach(struct supervisor *s, struct client *c, struct msg *m, struct err **err)
{
	uint32_t id = msg_get_u32(m), read_only = msg_get_u32(m), rows = msg_get_u32(m),
		 cols = msg_get_u32(m);
	AUTO_MSG struct msg ok = MSG_INIT(SUP_STARTED);
	struct session *session = NULL;
	AUTO_FD int stream = -1;

	if (!msg_end(m))
		return err_set(err, EPROTO, "understand the request");
	for (size_t i = 0; i < s->n_sessions; i++)
		if (s->sessions[i]->relay_ctl >= 0 && !s->sessions[i]->over &&
			(id == 0 || s->sessions[i]->id == id))
			session = s->sessions[i];
	if (!session) {
		err_set(err, ENOENT, "find a session with a terminal in '%s'", s->policy->name);
		return err_hint(err, "start one: bailey shell %s", s->policy->name);
	}
	stream = add_to_relay(s, session, read_only, true, rows, cols);
	if (stream < 0)
		return err_set(err, stream, "attach to the session");
	c->session = session->id;
	msg_put_u32(&ok, session->id);
	msg_put_fd(&ok, stream);
	(void)!msg_send(c->fd, &ok);
	return 0;
}

static void on_list(struct supervisor *s, const struct client *c)
{
	AUTO_MSG struct msg m = MSG_INIT(SUP_TEXT);
	json_t *list = json_array();
	char *text;

	for (size_t i = 0; i < s->n_sessions; i++) {
		const struct session *x = s->sessions[i];
		size_t viewers = 0;

		for (size_t k = 0; k < s->n_clients; k++)
			viewers += s->clients[k].session == x->id;
		json_array_append_new(list,
			json_pack("{s:i s:s s:b s:b s:I s:i}", "session", (int)x->id, "command",
				x->label, "terminal", x->relay_ctl >= 0, "stopped", x->stopped,
				"started", (json_int_t)x->started.tv_sec, "clients", (int)viewers));
	}
	text = json_dumps(list, 0);
	json_decref(list);
	msg_put_str(&m, text ? text : "[]");
	free(text);
	(void)!msg_send(c->fd, &m);
}

/* ---- ending ---- */

static void set_timer(const struct supervisor *s, uint64_t seconds)
{
	struct itimerspec when = {
		.it_value.tv_sec = (time_t)seconds, .it_value.tv_nsec = seconds ? 0 : 1};

	(void)timerfd_settime(s->timer, 0, &when, NULL);
}

/* SIGTERM for every session, the end of the cell after the grace. */
static void begin_end(struct supervisor *s, uint64_t grace, const char *reason)
{
	if (s->ending && grace)
		return;
	s->ending = true;
	s->reason = s->reason ? s->reason : reason;
	for (size_t i = 0; i < s->n_sessions; i++) {
		signal_session(s, s->sessions[i]->id, SIGTERM);
		signal_session(
			s, s->sessions[i]->id, SIGHUP); /* what an interactive shell listens to */
		signal_session(s, s->sessions[i]->id, SIGCONT);
	}
	set_timer(s, grace);
}

/* The relay drains what is there, flushes to its clients and exits; we wait for that. */
static void finish_relay(struct session *session)
{
	AUTO_MSG struct msg m = MSG_INIT(RELAY_FINISH);

	if (session->relay_ctl < 0)
		return;
	/* A relay that was reaped has pid 0 here, which kill(2) takes for our own group. */
	if (msg_send(session->relay_ctl, &m) < 0 && session->relay > 0)
		kill(session->relay, SIGKILL);
}

static void end_session(struct supervisor *s, struct session *session, uint32_t status)
{
	unsigned flags = session->flags;

	session->over = true;
	finish_relay(session);
	for (size_t i = 0; i < s->n_clients; i++) {
		AUTO_MSG struct msg m = MSG_INIT(SUP_EXITED);

		if (s->clients[i].session != session->id)
			continue;
		msg_put_u32(&m, session->id);
		msg_put_u32(&m, status);
		msg_put_str(&m, s->reason ? s->reason : "");
		(void)!msg_send(s->clients[i].fd, &m);
		s->clients[i].session = 0;
	}
	for (size_t i = 0; i < s->n_sessions; i++)
		if (s->sessions[i] == session)
			s->sessions[i] = s->sessions[--s->n_sessions];
	/* The relay exits by itself; until then it is our child, and reaped at the end. */
	free_session(session);
	if (flags & SUP_MAIN)
		begin_end(s, 0, NULL);
}

/* ---- what init says ---- */

static void on_init_failed(
	struct supervisor *s, struct session *session, uint32_t code, uint32_t stage)
{
	static const char *const what[] = {
		[INIT_STAGE_FORK] = "start a process for",
		[INIT_STAGE_TERMINAL] = "give a terminal to",
		[INIT_STAGE_IDS] = "switch the user for",
		[INIT_STAGE_CWD] = "enter the working directory of",
		[INIT_STAGE_EXEC] = "run",
	};
	bool exec = stage == INIT_STAGE_EXEC;
	int status = !exec ? EXIT_BAILEY : code == ENOENT || code == ENOTDIR ? 127 : 126;
	AUTO_FREE char *label = str_escape0(session->label);
	AUTO_FREE char *text =
		xasprintf("%s '%s': %s", stage < ARRAY_SIZE(what) ? what[stage] : "start", label,
			strerror(code < 4096 ? (int)code : EIO));

	for (size_t i = 0; i < s->n_clients; i++) {
		if (s->clients[i].session != session->id)
			continue;
		send_failed(s->clients[i].fd, stage, status, (int)code, text,
			exec && code == ENOENT
				? "is it installed on this machine, outside your home?"
				: NULL);
		s->clients[i].session = 0;
	}
	end_session(s, session, (uint32_t)status);
}

static bool on_init(struct supervisor *s)
{
	AUTO_MSG struct msg m = {0};
	int r = msg_recv(s->cell.control, &m);
	uint32_t id = msg_get_u32(&m), a = msg_get_u32(&m), b = msg_get_u32(&m);
	struct session *session = find_session(s, id);

	if (r <= 0)
		return r == -EAGAIN;
	/* Anything else is not what bailey-init says: whoever speaks there is not to be talked to.
	 */
	if (!msg_end(&m) || m.n_fds)
		return false;
	if (!session)
		return true;
	switch (m.type) {
	case INIT_STARTED:
		break;
	case INIT_FAILED:
		on_init_failed(s, session, a, b);
		break;
	case INIT_STOPPED:
	case INIT_CONTINUED:
		session->stopped = m.type == INIT_STOPPED;
		for (size_t i = 0; i < s->n_clients; i++)
			if (s->clients[i].session == id)
				send_u32(s->clients[i].fd,
					session->stopped ? SUP_STOPPED : SUP_CONTINUED, id);
		break;
	case INIT_EXITED:
		end_session(s, session, b ? 128 + (b & 0x7f) : a & 0xff);
		break;
	default:
		return false;
	}
	return true;
}

/* ---- clients ---- */

static void drop_client(struct supervisor *s, struct client *c)
{
	const struct session *session = c->session ? find_session(s, c->session) : NULL;
	uint32_t id = c->session;
	bool others = false;

	if (s->n_lingering < MAX_CLIENTS)
		s->lingering[s->n_lingering++] = c->fd;
	else
		fd_close(c->fd);
	*c = s->clients[--s->n_clients];
	for (size_t i = 0; i < s->n_clients; i++)
		others |= s->clients[i].session == id;
	/* As a terminal's hang-up would: the command's own client is gone. */
	if (session && !others && (session->flags & SUP_HANGUP) && !(session->flags & SUP_DETACH)) {
		signal_session(s, id, SIGHUP);
		signal_session(s, id, SIGCONT);
		if (session->flags & SUP_MAIN)
			begin_end(s, 5, NULL);
	}
}

static void on_request(struct supervisor *s, struct client *c, struct msg *m)
{
	AUTO_ERR struct err *err = NULL;
	struct session *session;
	uint32_t id, signo;
	int r = 0;

	switch (m->type) {
	case SUP_EXEC:
		r = on_exec(s, c, m, &err);
		break;
	case SUP_ATTACH:
		r = on_attach(s, c, m, &err);
		break;
	case SUP_SIGNAL:
		id = msg_get_u32(m);
		signo = msg_get_u32(m);
		if (msg_end(m) && find_session(s, id))
			signal_session(s, id, (int)signo);
		break;
	case SUP_LEAVE:
		session = find_session(s, msg_get_u32(m));
		if (session)
			session->flags |= SUP_DETACH;
		c->session = 0;
		break;
	case SUP_LIST:
		on_list(s, c);
		break;
	case SUP_STOP:
		begin_end(s, msg_get_u32(m), "stopped");
		break;
	default:
		r = err_set(&err, EPROTO, "understand the request");
	}
	if (r < 0)
		send_failed(c->fd, 0, EXIT_BAILEY, err->code, err->text, err->hint);
}

static void on_client(struct supervisor *s, struct client *c)
{
	AUTO_MSG struct msg m = {0};
	int r = msg_recv(c->fd, &m);

	if (r == -EAGAIN)
		return;
	if (r <= 0)
		drop_client(s, c);
	else
		on_request(s, c, &m);
}

static void on_connect(struct supervisor *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (fd < 0)
		return;
	if (s->n_clients == MAX_CLIENTS ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
		(peer.uid != geteuid() && peer.uid != 0)) {
		fd_close(fd);
		return;
	}
	s->clients[s->n_clients++] = (struct client){.fd = fd};
}

/* ---- the loop ---- */

/* A relay that died takes its session along: nobody holds its terminal any more. */
static void reap(struct supervisor *s, bool *cell_gone)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		if (pid == s->cell.pid) {
			s->cell.pid = 0;
			*cell_gone = true;
		}
		if (pid == s->forwarder) { /* its doors went with it: not half a sandbox */
			s->forwarder = 0;
			begin_end(s, 5, "its port relay was killed");
		}
		for (size_t i = 0; i < s->n_sessions; i++)
			if (s->sessions[i]->relay == pid) {
				s->sessions[i]->relay = 0;
				signal_session(s, s->sessions[i]->id, SIGHUP);
				signal_session(s, s->sessions[i]->id, SIGKILL);
			}
	}
}

/* One round; false when the sandbox is over. */
static bool turn(struct supervisor *s)
{
	struct pollfd fds[4 + MAX_CLIENTS];
	size_t n = 4, clients = s->n_clients;
	bool cell_gone = false;
	uint64_t ticks;
	struct signalfd_siginfo si;

	fds[0] = (struct pollfd){.fd = s->cell.control, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = s->listener, .events = POLLIN};
	fds[2] = (struct pollfd){.fd = s->signals, .events = POLLIN};
	fds[3] = (struct pollfd){.fd = s->timer, .events = POLLIN};
	for (size_t i = 0; i < clients; i++)
		fds[n++] = (struct pollfd){.fd = s->clients[i].fd, .events = POLLIN};
	if (poll(fds, n, -1) < 0)
		return errno == EINTR;
	if (fds[0].revents && !on_init(s)) {
		if (!s->ending)
			s->reason = "its first process ended";
		return false;
	}
	if (fds[2].revents) {
		while (read(s->signals, &si, sizeof(si)) > 0)
			if (si.ssi_signo == SIGTERM)
				begin_end(s, 5, "stopped");
		reap(s, &cell_gone);
		if (cell_gone)
			return false;
	}
	if (fds[3].revents && read(s->timer, &ticks, sizeof(ticks)) > 0) {
		if (s->ending)
			return false;
		begin_end(s, 5, "timeout");
	}
	/* Backwards: dropping one moves the last into its place, which had its turn. */
	for (size_t i = clients; i-- > 0;)
		if (fds[4 + i].revents)
			on_client(s, &s->clients[i]);
	if (fds[1].revents)
		on_connect(s);
	/* Over when nobody runs and nobody is about to start something. */
	if (s->n_sessions == 0 && (s->n_clients == 0 || s->ending))
		return false;
	while (s->n_lingering)
		fd_close(s->lingering[--s->n_lingering]);
	return true;
}

static void start_forwarder(struct supervisor *s)
{
	struct forward_listener listeners[CELL_MAX_PORTS * 2];
	size_t n = 0;

	for (size_t i = 0; i < s->cell.n_listeners; i++) {
		listeners[n++] = (struct forward_listener){
			s->cell.listeners[i].v4, s->cell.listeners[i].port.host};
		if (s->cell.listeners[i].v6 >= 0)
			listeners[n++] = (struct forward_listener){
				s->cell.listeners[i].v6, s->cell.listeners[i].port.host};
	}
	if (n == 0)
		return;
	s->forwarder = fork();
	if (s->forwarder == 0)
		forward_main(listeners, n);
	/* Its own copies are enough. */
	for (size_t i = 0; i < s->cell.n_listeners; i++) {
		s->cell.listeners[i].v4 = fd_close(s->cell.listeners[i].v4);
		s->cell.listeners[i].v6 = fd_close(s->cell.listeners[i].v6);
	}
}

/* Whether anything was staged: one look, no reading of what the inside wrote. */
static bool layer_used(const struct supervisor *s)
{
	AUTO_FD int upper =
		s->cell.layer >= 0
			? fs_open_beneath(s->cell.layer, "upper", O_RDONLY | O_DIRECTORY, 0)
			: fs_open_beneath(s->state->dir, "layer/upper", O_RDONLY | O_DIRECTORY, 0);
	AUTO_DIR DIR *dir = upper < 0 ? NULL : fdopendir(upper);
	const struct dirent *de;

	if (!dir)
		return false;
	(void)TAKE_FD(upper);
	while ((de = readdir(dir)))
		if (!str_eq(de->d_name, ".") && !str_eq(de->d_name, ".."))
			return true;
	return false;
}

/* Nothing is left: sessions, cell, relays, forwarder, and for a one-shot sandbox its record. */
static void finish(struct supervisor *s)
{
	bool changed;

	while (s->n_sessions)
		end_session(s, s->sessions[0], 128 + SIGKILL);
	changed = s->state->ephemeral && layer_used(s);
	(void)unlinkat(s->state->dir, "ctl", 0);
	/* What lies in memory dies with the cell: the kernel takes that down while we clear the
	 * rest. */
	if (s->cell.pid > 0)
		kill(s->cell.pid, SIGKILL);
	if (s->state->ephemeral && s->cell.layer >= 0)
		(void)!state_remove(s->state, NULL);
	cell_kill(&s->cell);
	cgroup_remove(&s->cgroup);
	if (s->forwarder > 0)
		kill(s->forwarder, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	if (s->state->ephemeral)
		(void)!state_remove(s->state, NULL);
	state_unlock(s->state);
	/* Only now: whoever hears of it may count on nothing being left. */
	for (size_t i = 0; i < s->n_lingering; i++)
		send_u32(s->lingering[i], SUP_OVER, changed);
	for (size_t i = 0; i < s->n_clients; i++)
		send_u32(s->clients[i].fd, SUP_OVER, changed);
}

static int detach_from_caller(int keep_a, int keep_b, int keep_c, int keep_d)
{
	int keep[] = {keep_a, keep_b, keep_c, keep_d}, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	unsigned from = 3;

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(keep); i++)
		for (size_t k = i + 1; k < ARRAY_SIZE(keep); k++)
			if (keep[k] < keep[i]) {
				int t = keep[i];

				keep[i] = keep[k];
				keep[k] = t;
			}
	for (size_t i = 0; i < ARRAY_SIZE(keep); i++) {
		if (keep[i] < 3)
			continue;
		if ((unsigned)keep[i] > from)
			close_range(from, (unsigned)keep[i] - 1, 0);
		from = (unsigned)keep[i] + 1;
	}
	close_range(from, ~0U, 0);
	setsid();
	prctl(PR_SET_NAME, "bailey-super");
	return chdir("/") < 0 ? -errno : 0;
}

static int set_up(struct supervisor *s, const struct supervisor_args *args, struct err **err)
{
	struct cell_launch_args launch = {.plan = args->plan,
		.init_path = args->init_path,
		.ids_base = args->state->ids_base};
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->signals < 0 || s->timer < 0)
		return err_set(err, errno, "prepare the supervisor");
	r = cgroup_create(&s->cgroup, args->policy, err);
	if (r < 0)
		return r;
	launch.cgroup = s->cgroup.fd;
	r = cell_launch(&launch, &s->cell, err);
	if (r < 0)
		return r;
	/* Whoever does not read must not hold us up: what does not fit is not sent. */
	if (set_nonblocking(s->cell.control) < 0 || set_nonblocking(s->clients[0].fd) < 0)
		return err_set(err, errno, "prepare the supervisor");
	start_forwarder(s);
	if (args->policy->limits.timeout)
		set_timer(s, args->policy->limits.timeout);
	return 0;
}

/*
 * A socket that is closed with a request unread in it makes the other end see
 * ECONNRESET in place of what was sent to it last. So: until the client is done.
 */
static void hear_out(int conn)
{
	char byte;

	if (shutdown(conn, SHUT_WR) < 0)
		return;
	while (recv(conn, &byte, 1, 0) > 0)
		;
}

static NORETURN void supervise(const struct supervisor_args *args, int listener, int conn)
{
	struct supervisor *s = xcalloc(1, sizeof(*s));
	AUTO_ERR struct err *err = NULL;
	bool failed = false;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	*s = (struct supervisor){.policy = args->policy,
		.state = args->state,
		.listener = listener,
		.next_id = 1,
		.cgroup.fd = -1,
		.cell = {.pidfd = -1, .control = -1, .devpts = -1, .layer = -1},
		.n_clients = 1,
		.clients = {{.fd = conn}}};
	if (detach_from_caller(listener, conn, args->state->lock, args->state->dir) < 0 ||
		set_up(s, args, &err) < 0) {
		failed = true;
		send_failed(conn, 0, EXIT_BAILEY, err ? err->code : EIO,
			err ? err->text : "detach from the terminal", err ? err->hint : NULL);
	} else {
		while (turn(s))
			;
	}
	finish(s);
	if (failed)
		hear_out(conn);
	_exit(0);
}

int supervisor_start(
	const struct supervisor_args *args, int *ret_conn, pid_t *ret_pid, struct err **err)
{
	AUTO_FD int listener = state_listen(args->state, err);
	int pair[2], r;
	pid_t pid;

	if (listener < 0)
		return listener;
	r = msg_pair(pair);
	if (r < 0)
		return err_set(err, r, "make the supervisor's socket");
	pid = fork();
	if (pid == 0) {
		fd_close(pair[0]);
		supervise(args, listener, pair[1]);
	}
	fd_close(pair[1]);
	if (pid < 0) {
		fd_close(pair[0]);
		return err_set(err, errno, "start the supervisor");
	}
	*ret_conn = pair[0];
	*ret_pid = pid;
	return 0;
}
