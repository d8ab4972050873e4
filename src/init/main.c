/*
 * bailey-init: PID 1 of the cell. Reaps, starts sessions, passes signals on. A
 * static program that was exec'd into an empty environment, already under the
 * cell's seccomp filter and Landlock rules, without capabilities but the few that
 * a root inside has. It is not dumpable, so that the processes that it starts,
 * which have its uid, can neither read its memory nor trace it.
 *
 * When the control socket ends the supervisor is gone: init exits, and the kernel
 * kills everything else in the namespace.
 */
#include "ipc/msg.h"
#include "proto.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define MAX_SESSIONS 1024

static struct session {
	uint32_t id;
	pid_t pid; /* 0: free */
} sessions[MAX_SESSIONS];

static void report(enum init_msg type, uint32_t a, uint32_t b, uint32_t c)
{
	struct msg m = MSG_INIT(type);

	msg_put_u32(&m, a);
	msg_put_u32(&m, b);
	msg_put_u32(&m, c);
	/* A supervisor that does not read is as good as gone; the socket's end tells. */
	(void)!msg_send(INIT_CONTROL_FD, &m);
	msg_done(&m);
}

struct start {
	uint32_t id, tty, set_ids, uid, gid;
	const char *cwd;
	struct strvec argv, env;
	int fds[3];
	int n_fds;
};

static NORETURN void fail(int pipe, enum init_stage stage)
{
	int words[2] = {errno, (int)stage};

	(void)!write(pipe, words, sizeof(words));
	_exit(127);
}

/* The search of execvp(3), but in the PATH of the new environment and without a shell. */
static void exec_in_path(char *const *argv, char *const *env, const char *path)
{
	int saved = ENOENT;
	const char *end;

	if (strchr(argv[0], '/')) {
		execve(argv[0], argv, env);
		return;
	}
	for (; *path; path = *end ? end + 1 : end) {
		char *file;

		end = strchrnul(path, ':');
		file = xasprintf("%.*s/%s", (int)(end - path), path, argv[0]);
		execve(file, argv, env);
		free(file);
		if (errno != ENOENT && errno != ENOTDIR)
			saved = errno;
	}
	errno = saved;
}

static NORETURN void exec_command(struct start *s, int pipe)
{
	const char *path = strvec_env_get(&s->env, "PATH");
	sigset_t none;

	if (s->set_ids && (setgroups(0, NULL) < 0 || setresgid(s->gid, s->gid, s->gid) < 0 ||
				  setresuid(s->uid, s->uid, s->uid) < 0))
		fail(pipe, INIT_STAGE_IDS);
	if (chdir(s->cwd) < 0)
		fail(pipe, INIT_STAGE_CWD);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* init's own descriptors are CLOEXEC; the pipe must live until exec. */
	exec_in_path(strvec_argv(&s->argv), strvec_argv(&s->env), path ? path : "/usr/bin:/bin");
	fail(pipe, INIT_STAGE_EXEC);
}

/* Ends as the command did. */
static NORETURN void end_like(int status)
{
	sigset_t none;

	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	kill(getpid(), WTERMSIG(status));
	_exit(128 + WTERMSIG(status));
}

/*
 * The leader of a terminal's session: what a shell is to a job. Without it the
 * command's process group would be orphaned, and the kernel does not stop an
 * orphaned group at ^Z (POSIX, setpgid). It stops, continues and ends as its
 * command does, and passes on the signals that init sends it.
 */
static NORETURN void lead(pid_t command)
{
	sigset_t all;

	sigfillset(&all);
	for (;;) {
		int signo = sigwaitinfo(&all, NULL), status;
		pid_t pid;

		if (signo > 0 && signo != SIGCHLD)
			kill(-command, signo);
		while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
			if (pid != command || WIFCONTINUED(status))
				continue;
			if (!WIFSTOPPED(status))
				end_like(status);
			kill(getpid(), SIGSTOP);
			/* Continued: by init, with a SIGCONT that is now pending and passed on
			 * above. */
		}
	}
}

static NORETURN void child(struct start *s, int pipe)
{
	setsid();
	if (s->tty && ioctl(s->fds[0], TIOCSCTTY, 0) < 0)
		fail(pipe, INIT_STAGE_TERMINAL);
	for (int i = 0; i < 3; i++)
		if (dup2(s->tty ? s->fds[0] : s->fds[i], i) < 0)
			fail(pipe, INIT_STAGE_TERMINAL);
	if (s->tty) {
		pid_t pid = fork();

		if (pid < 0)
			fail(pipe, INIT_STAGE_FORK);
		if (pid > 0) {
			/* The terminal is the command's now; its end must not wait for us. */
			syscall(SYS_close_range, 0, ~0U, 0);
			lead(pid);
		}
		/* All signals are blocked, SIGTTOU too: the switch is not refused. */
		if (setpgid(0, 0) < 0 || tcsetpgrp(0, getpid()) < 0)
			fail(pipe, INIT_STAGE_TERMINAL);
	}
	exec_command(s, pipe);
}

static struct session *find(uint32_t id, pid_t pid)
{
	for (size_t i = 0; i < MAX_SESSIONS; i++)
		if (pid ? sessions[i].pid == pid : (sessions[i].pid && sessions[i].id == id))
			return &sessions[i];
	return NULL;
}

static struct session *find_free(void)
{
	for (size_t i = 0; i < MAX_SESSIONS; i++)
		if (!sessions[i].pid)
			return &sessions[i];
	return NULL;
}

static void start(struct start *s)
{
	struct session *session = find_free();
	int pipes[2], words[2];
	pid_t pid;

	if (!session || s->argv.n == 0 || pipe2(pipes, O_CLOEXEC) < 0) {
		report(INIT_FAILED, s->id, session ? (uint32_t)errno : EAGAIN, INIT_STAGE_FORK);
		return;
	}
	pid = fork();
	if (pid == 0)
		child(s, pipes[1]);
	fd_close(pipes[1]);
	if (pid < 0) {
		report(INIT_FAILED, s->id, (uint32_t)errno, INIT_STAGE_FORK);
	} else if (read(pipes[0], words, sizeof(words)) == sizeof(words)) {
		waitpid(pid, NULL, 0);
		report(INIT_FAILED, s->id, (uint32_t)words[0], (uint32_t)words[1]);
	} else {
		*session = (struct session){s->id, pid};
		report(INIT_STARTED, s->id, (uint32_t)pid, 0);
	}
	fd_close(pipes[0]);
}

static void on_start(struct msg *m)
{
	struct start s = {.id = msg_get_u32(m), .tty = msg_get_u32(m), .set_ids = msg_get_u32(m)};

	s.uid = msg_get_u32(m);
	s.gid = msg_get_u32(m);
	s.cwd = msg_get_str(m);
	msg_get_strs(m, &s.argv, INIT_MAX_ARGS);
	msg_get_strs(m, &s.env, INIT_MAX_ARGS);
	for (int i = 0; i < (s.tty ? 1 : 3); i++)
		s.fds[s.n_fds++] = msg_get_fd(m);
	if (msg_end(m))
		start(&s);
	else
		report(INIT_FAILED, s.id, EPROTO, INIT_STAGE_FORK);
	for (int i = 0; i < s.n_fds; i++)
		fd_close(s.fds[i]);
	strvec_done(&s.argv);
	strvec_done(&s.env);
}

static void on_signal(struct msg *m)
{
	uint32_t id = msg_get_u32(m), signo = msg_get_u32(m);
	const struct session *s = find(id, 0);

	/* Each session is a process group of its own: setsid made it so. */
	if (msg_end(m) && s && signo > 0 && signo < 65 && kill(-s->pid, (int)signo) < 0)
		kill(s->pid, (int)signo);
}

static bool on_control(void)
{
	struct msg m = {0};
	int r = msg_recv(INIT_CONTROL_FD, &m);

	if (r <= 0)
		return r == -EAGAIN || r == -EBADMSG;
	if (m.type == INIT_START)
		on_start(&m);
	else if (m.type == INIT_SIGNAL)
		on_signal(&m);
	msg_done(&m);
	return true;
}

static void reap(void)
{
	for (;;) {
		siginfo_t info = {0};
		struct session *s;

		if (waitid(P_ALL, 0, &info, WNOHANG | WEXITED | WSTOPPED | WCONTINUED) < 0 ||
			info.si_pid == 0)
			return;
		s = find(0, info.si_pid);
		if (!s)
			continue;
		switch (info.si_code) {
		case CLD_STOPPED:
			report(INIT_STOPPED, s->id, 0, (uint32_t)info.si_status);
			break;
		case CLD_CONTINUED:
			report(INIT_CONTINUED, s->id, 0, 0);
			break;
		case CLD_EXITED:
			report(INIT_EXITED, s->id, (uint32_t)info.si_status, 0);
			s->pid = 0;
			break;
		case CLD_KILLED:
		case CLD_DUMPED:
			report(INIT_EXITED, s->id, 0, (uint32_t)info.si_status);
			s->pid = 0;
			break;
		default:
			break;
		}
	}
}

int main(void)
{
	struct pollfd fds[2];
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return EXIT_BAILEY;
	if (fcntl(INIT_CONTROL_FD, F_SETFD, FD_CLOEXEC) < 0)
		return EXIT_BAILEY;
	sigemptyset(&all);
	sigaddset(&all, SIGCHLD);
	fds[0] = (struct pollfd){.fd = INIT_CONTROL_FD, .events = POLLIN};
	fds[1] = (struct pollfd){
		.fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK), .events = POLLIN};
	if (fds[1].fd < 0)
		return EXIT_BAILEY;
	for (;;) {
		struct signalfd_siginfo si;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return EXIT_BAILEY;
		if (fds[1].revents) {
			while (read(fds[1].fd, &si, sizeof(si)) > 0)
				;
			reap();
		}
		if (fds[0].revents && !on_control())
			return 0;
	}
}
