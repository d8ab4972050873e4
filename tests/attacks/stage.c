#include "attacks.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/vm_sockets.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

struct stage stage = {.pty = -1, .vsock = -1};
static int shm_id = -1;
static bool starved;
static char ipc_name[80];

void die(const char *fmt, ...)
{
	va_list ap;

	printf("Bail out! ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(" (%s)\n", strerror(errno));
	fflush(stdout);
	/* Not from a child, which only reports. */
	if (stage.home[0] && getpid() == stage.driver) {
		pid_t pid = fork();

		if (pid == 0) {
			execlp("rm", "rm", "-rf", stage.base, NULL);
			_exit(127);
		}
		waitpid(pid, NULL, 0);
	}
	exit(1);
}

static void run(const char *const *argv)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		die("%s failed", argv[0]);
}

/* "path=text" below the base; a path that ends in / is a directory. */
static void put(const char *rel, const char *text, mode_t mode)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", stage.base, rel);
	for (char *p = path + strlen(stage.base) + 1; *p; p++)
		if (*p == '/') {
			*p = '\0';
			if (mkdir(path, 0755) < 0 && errno != EEXIST)
				die("mkdir %s", path);
			*p = '/';
		}
	if (!text)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) < 0 || fchmod(fd, mode) < 0)
		die("make %s", path);
	close(fd);
}

/* As the calling user; @MARK is in its command line, @MARK-env in its environment. */
static void start_sleeper(void)
{
	int pipes[2];
	char c, env[96];
	char *const envp[] = {env, NULL};

	snprintf(env, sizeof(env), "BAILEY_ATTACK_SECRET=%s-env", stage.mark);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		die("pipe");
	stage.sleeper = fork();
	if (stage.sleeper == 0) {
		dup2(pipes[1], 1);
		execle(stage.probe_from, "probe", "sleeper", stage.mark, NULL, envp);
		_exit(127);
	}
	close(pipes[1]);
	if (read(pipes[0], &c, 1) != 1)
		die("start a victim");
	close(pipes[0]);
}

/* Within so many milliseconds: a signal takes its time. */
static bool sleeper_dead(int patience)
{
	int status, fd;

	if (stage.sleeper <= 0)
		return true;
	fd = pidfd_open(stage.sleeper, 0);
	if (fd >= 0) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		poll(&p, 1, patience);
		close(fd);
	}
	if (waitpid(stage.sleeper, &status, WNOHANG) == stage.sleeper)
		stage.sleeper = 0;
	return stage.sleeper == 0;
}

static int listener(int family, const void *addr, size_t len, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, addr, (socklen_t)len) < 0 ||
		(type == SOCK_STREAM && listen(fd, 1024) < 0)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static void unix_listener(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(addr.sun_path))
		die("path too long: %s", path);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	unlink(path);
	if (listener(AF_UNIX, &addr, sizeof(addr), SOCK_STREAM) < 0)
		die("listen on %s", path);
	chmod(path, 0777);
}

static void abstract_listener(const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	memcpy(addr.sun_path + 1, name, strlen(name));
	if (listener(AF_UNIX, &addr, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name),
		    SOCK_STREAM) < 0)
		die("listen on @%s", name);
}

static int inet_listener(int family, int type, int *ret_fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} u = {.any.sa_family = (sa_family_t)family};
	socklen_t len = sizeof(u);
	int fd;

	if (family == AF_INET)
		u.v4.sin_addr.s_addr = htonl(INADDR_ANY);
	fd = listener(family, &u, family == AF_INET ? sizeof(u.v4) : sizeof(u.v6), type);
	if (fd < 0 || getsockname(fd, &u.any, &len) < 0)
		return 0;
	if (ret_fd)
		*ret_fd = fd;
	return ntohs(family == AF_INET ? u.v4.sin_port : u.v6.sin6_port);
}

static void make_sockets(void)
{
	static const char *const paths[] = {"@T/run/docker.sock", "@T/.X11-unix/X0", "@T/run/bus",
		"@T/run/wayland-0", "@T/run/ssh-agent", "@T/run/S.gpg-agent",
		"@T/run/S.gpg-agent.ssh", "@T/run/pulse", "@T/run/pipewire-0",
		"@T/run/vscode-ipc.sock", "@T/run/podman.sock", "@T/run/emacs", "@T/run/nvim",
		"@T/run/kitty", "@H/.cache/daemon.sock", "@H/.ssh/cm-host", "@H/.gnupg/S.gpg-agent",
		"@H/.docker/run/docker.sock", "@T/plain.sock"};
	struct sockaddr_vm vm = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = VMADDR_PORT_ANY};
	socklen_t len = sizeof(vm);
	char name[64];
	int fd;

	put("run/", NULL, 0);
	put(".X11-unix/", NULL, 0);
	put("home/.cache/", NULL, 0);
	put("home/.ssh/", NULL, 0);
	put("home/.gnupg/", NULL, 0);
	put("home/.docker/run/", NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		char *path = stage_expand(paths[i]);

		unix_listener(path);
		free(path);
	}
	abstract_listener(stage.mark);
	snprintf(name, sizeof(name), "/tmp/.X11-unix/X%d", (int)getpid());
	abstract_listener(name);
	stage.tcp4 = inet_listener(AF_INET, SOCK_STREAM, NULL);
	stage.tcp6 = inet_listener(AF_INET6, SOCK_STREAM, NULL);
	stage.udp4 = inet_listener(AF_INET, SOCK_DGRAM, &stage.udp_fd);
	if (!stage.tcp4 || !stage.udp4)
		die("listen on the host");
	fd = listener(AF_VSOCK, &vm, sizeof(vm), SOCK_STREAM);
	if (fd >= 0 && getsockname(fd, (struct sockaddr *)&vm, &len) == 0)
		stage.vsock = (int)vm.svm_port;
}

static void make_ipc(void)
{
	int fd, *p;
	mqd_t mq;

	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ||
		syscall(SYS_add_key, "user", stage.mark, "secret", 6, KEY_SPEC_SESSION_KEYRING) < 0)
		die("make a key");
	snprintf(ipc_name, sizeof(ipc_name), "/%s", stage.mark);
	fd = shm_open(ipc_name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || ftruncate(fd, 1) < 0)
		die("make POSIX shared memory");
	close(fd);
	mq = mq_open(ipc_name, O_RDWR | O_CREAT | O_CLOEXEC, 0666, NULL);
	if (mq < 0)
		die("make a message queue");
	mq_close(mq);
	shm_id = shmget((key_t)(0x0ba11e00 ^ getpid()), 1, IPC_CREAT | 0666);
	p = shm_id < 0 ? (void *)-1 : shmat(shm_id, NULL, 0);
	if (p == (void *)-1)
		die("make System V shared memory");
	*(char *)p = 42;
}

static int new_pty(char *name, size_t size)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct winsize ws = {.ws_row = 24, .ws_col = 80};

	if (fd < 0 || grantpt(fd) < 0 || unlockpt(fd) < 0 || ptsname_r(fd, name, size) != 0 ||
		ioctl(fd, TIOCSWINSZ, &ws) < 0)
		die("make a terminal");
	return fd;
}

/* An open end keeps what was written from getting lost. */
static int raw_slave(const char *name)
{
	int fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios t;

	if (fd < 0 || tcgetattr(fd, &t) < 0)
		die("open %s", name);
	cfmakeraw(&t);
	if (tcsetattr(fd, TCSANOW, &t) < 0)
		die("set up %s", name);
	return fd;
}

static void inherit(const char *path, int at)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0 || dup2(fd, at) < 0)
		die("inherit %s", path);
	close(fd);
}

/* What the caller's environment holds, and what a sandbox must not hand on. */
static void make_environment(void)
{
	static const char *const vars[][2] = {{"AWS_SECRET_ACCESS_KEY", "@MARK-env"},
		{"GITHUB_TOKEN", "@MARK-env"}, {"MY_PASSWORD", "@MARK-env"},
		{"DOCKER_HOST", "unix://@T/run/docker.sock"},
		{"DBUS_SESSION_BUS_ADDRESS", "unix:path=@T/run/bus"}, {"DISPLAY", ":0"},
		{"WAYLAND_DISPLAY", "wayland-0"}, {"SSH_AUTH_SOCK", "@T/run/ssh-agent"},
		{"GPG_AGENT_INFO", "@T/run/S.gpg-agent"},
		{"VSCODE_IPC_HOOK_CLI", "@T/run/vscode-ipc.sock"},
		{"VSCODE_GIT_IPC_HANDLE", "@T/run/vscode-ipc.sock"}, {"NVIM", "@T/run/nvim"},
		{"KITTY_LISTEN_ON", "unix:@T/run/kitty"}, {"TMUX", "@T/tmux.sock,1,0"},
		{"BASH_ENV", "@T/notes"}, {"LD_AUDIT", ""},
		{"NODE_OPTIONS", "--max-old-space-size=4096"}, {"XDG_RUNTIME_DIR", "@T/run"},
		{"HOME", "@H"}, {"XDG_CONFIG_HOME", "@H/.config"},
		{"XDG_DATA_HOME", "@H/.local/share"}, {"XDG_STATE_HOME", "@H/.local/state"},
		{"XDG_CACHE_HOME", "@H/.cache"}};

	for (size_t i = 0; i < ARRAY_SIZE(vars); i++) {
		char *value = stage_expand(vars[i][1]);

		if (setenv(vars[i][0], value, 1) < 0)
			die("set %s", vars[i][0]);
		free(value);
	}
}

/* The user's own, with a socket that anyone who can connect to commands it. */
static void start_tmux(void)
{
	char *socket = stage_expand("@T/tmux.sock");
	const char *const argv[] = {
		"tmux", "-f", "/dev/null", "-S", socket, "new-session", "-d", "sleep 600", NULL};

	run(argv);
	free(socket);
}

static void stop_tmux(void)
{
	char *socket = stage_expand("@T/tmux.sock");
	const char *const argv[] = {"tmux", "-S", socket, "kill-server", NULL};

	run(argv);
	free(socket);
}

static void replace_files(void)
{
	static const char *const paths[] = {"home/project/.env", "other/.env"};
	char from[256], to[256];

	put("new", "SECRET=2\n", 0644);
	snprintf(from, sizeof(from), "%s/new", stage.base);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		put("new", "SECRET=2\n", 0644);
		snprintf(to, sizeof(to), "%s/%s", stage.base, paths[i]);
		if (rename(from, to) < 0)
			die("rename over %s", to);
	}
}

void stage_cue(unsigned flags)
{
	if (flags & HOST_REPLACES)
		replace_files();
	if (flags & HOST_WATCHES) {
		int fd = inotify_init1(IN_CLOEXEC);

		starved = fd < 0;
		if (fd >= 0)
			close(fd);
	}
}

void stage_make(const char *probe)
{
	char name[64], path[160];

	umask(022);
	stage.driver = getpid();
	stage.probe_from = probe;
	snprintf(stage.base, sizeof(stage.base), "/tmp/bailey-attacks-XXXXXX");
	if (!mkdtemp(stage.base) || chmod(stage.base, 0755) < 0)
		die("make a place to play");
	snprintf(stage.home, sizeof(stage.home), "%s/home", stage.base);
	snprintf(stage.project, sizeof(stage.project), "%s/project", stage.home);
	snprintf(stage.probe, sizeof(stage.probe), "%s/probe", stage.project);
	snprintf(stage.mark, sizeof(stage.mark), "bailey-attack-%d", (int)getpid());
	put("home/", NULL, 0);
	put("canary", "the canary\n", 0644);
	snprintf(path, sizeof(path), "%s/canary", stage.base);
	/* Without CLOEXEC, as a careless parent would. First, or it would take the place of
	 * another. */
	inherit(path, 9);
	inherit(path, 700);
	inherit(stage.base, 8);
	make_sockets();
	make_ipc();
	stage.pty = new_pty(stage.pts, sizeof(stage.pts));
	raw_slave(stage.pts);
	stage.tty = new_pty(name, sizeof(name));
	stage.tty_slave = raw_slave(name);
	make_environment();
	stage_reset(BY_STATUS, NULL);
	start_tmux();
}

static void set_up_secrets(void)
{
	static const char *const names[] = {".ssh/id_ed25519", ".ssh/config",
		".ssh/authorized_keys", ".aws/credentials", ".netrc", ".bashrc", ".profile",
		".zshenv", ".gitconfig", ".npmrc", ".docker/config.json", ".cargo/bin/cargo",
		".cargo/config.toml", ".config/fish/config.fish"};
	char rel[128];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(rel, sizeof(rel), "home/%s", names[i]);
		put(rel, "secret\n", 0600);
	}
	put("canary", "the canary\n", 0644);
	put("home/.canary", "the canary\n", 0644);
	put("notes", "notes\n", 0644);
	put("other/secret-plans", "plans\n", 0644);
	put("other/.env", "SECRET=1\n", 0644);
	snprintf(rel, sizeof(rel), "%s/home/.ssh", stage.base);
	chmod(rel, 0700);
}

static void set_up_project(void)
{
	static const char *const dirs[] = {"a", "b", "mnt", "vendor/x/.git/hooks", ".git/hooks",
		".git/info", ".git/objects", "real"};
	const char *const remove[] = {"rm", "-rf", stage.project, NULL};
	const char *const copy[] = {"cp", stage.probe_from, stage.probe, NULL};
	char rel[128], from[256], to[256];
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	static int project_socket = -1;

	run(remove);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		snprintf(rel, sizeof(rel), "home/project/%s/", dirs[i]);
		put(rel, NULL, 0);
	}
	run(copy);
	put("home/project/a/f", "content\n", 0644);
	put("home/project/.env", "SECRET=1\n", 0644);
	put("home/project/masked/key", "SECRET=1\n", 0644);
	put("home/project/.git/config", "[core]\n\trepositoryformatversion = 0\n", 0644);
	put("home/project/.git/HEAD", "ref: refs/heads/main\n", 0644);
	put("home/project/.git/hooks/pre-commit", "#!/bin/sh\n", 0755);
	put("home/project/real/tasks.json", "{}\n", 0644);
	snprintf(to, sizeof(to), "%s/.vscode", stage.project);
	if (symlink("real", to) < 0)
		die("symlink");
	snprintf(from, sizeof(from), "%s/canary", stage.base);
	snprintf(to, sizeof(to), "%s/hostlink", stage.project);
	if (symlink(from, to) < 0)
		die("symlink");
	snprintf(to, sizeof(to), "%s/updir", stage.project);
	if (symlink("../..", to) < 0)
		die("symlink");
	put("home/project/linked", "SECRET=1\n", 0644);
	snprintf(from, sizeof(from), "%s/linked", stage.project);
	snprintf(to, sizeof(to), "%s/other-name", stage.project);
	if (link(from, to) < 0)
		die("link");
	/* A daemon of the host's that listens in the project. */
	if (project_socket >= 0)
		close(project_socket);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/d.sock", stage.project);
	project_socket = listener(AF_UNIX, &addr, sizeof(addr), SOCK_STREAM);
	if (project_socket < 0)
		die("listen in the project");
}

static void drain(int fd)
{
	char data[4096];
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (poll(&p, 1, 0) == 1 && (p.revents & POLLIN) && read(fd, data, sizeof(data)) > 0)
		;
}

/* What a control left elsewhere. */
static void remove_made(const char *place)
{
	char *path = stage_expand(place);

	unlink(path);
	free(path);
}

void stage_reset(enum effect e, const char *arg)
{
	if (e == EVIL_IN || e == EXISTS || e == SUID_ON) {
		remove_made(arg);
	}
	starved = false;
	set_up_secrets();
	set_up_project();
	if (sleeper_dead(0))
		start_sleeper();
	drain(stage.pty);
	drain(stage.udp_fd);
	drain(stage.tty);
	tcflush(stage.tty_slave, TCIOFLUSH);
}

static pid_t to_pid(const char *digits)
{
	pid_t pid = 0;

	for (; *digits >= '0' && *digits <= '9'; digits++)
		pid = pid * 10 + (*digits - '0');
	return pid;
}

/* Of the marks that LINGERS looks for, ours to end. */
static int end_lingering(const char *mark)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int found = 0;

	while (d && (e = readdir(d))) {
		char path[300], data[4096] = {0};
		int fd;
		ssize_t n;

		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? 0 : read(fd, data, sizeof(data) - 1);
		if (fd >= 0)
			close(fd);
		/* argv is "probe", "linger", mark. */
		if (n > 13 && memcmp(data, "probe\0linger\0", 13) == 0 &&
			strcmp(data + 13, mark) == 0) {
			kill(to_pid(e->d_name), SIGKILL);
			found++;
		}
	}
	if (d)
		closedir(d);
	return found;
}

void stage_drop(void)
{
	const char *const remove[] = {"rm", "-rf", stage.base, NULL};

	if (stage.sleeper > 0) {
		kill(stage.sleeper, SIGKILL);
		waitpid(stage.sleeper, NULL, 0);
	}
	end_lingering(stage.mark);
	stop_tmux();
	shm_unlink(ipc_name);
	mq_unlink(ipc_name);
	shmctl(shm_id, IPC_RMID, NULL);
	remove_made("/tmp/@MARK-null");
	remove_made("/var/tmp/@MARK");
	run(remove);
}

char *stage_expand(const char *s)
{
	char key[64];
	const struct {
		const char *name, *text;
		long n;
	} places[] = {
		{"@PROBE", stage.probe, 0},
		{"@PTS", stage.pts, 0},
		{"@PID", NULL, getpid()},
		{"@P", stage.project, 0},
		{"@H", stage.home, 0},
		{"@TCP4", NULL, stage.tcp4},
		{"@TCP6", NULL, stage.tcp6},
		{"@T", stage.base, 0},
		{"@SLEEPER", NULL, stage.sleeper},
		{"@UDP4", NULL, stage.udp4},
		{"@VSOCK", NULL, stage.vsock},
		{"@MARK", stage.mark, 0},
		{"@SHMKEY", NULL, 0x0ba11e00 ^ getpid()},
	};
	char *out = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);

	while (*s) {
		size_t i = 0;

		for (; i < ARRAY_SIZE(places); i++)
			if (strncmp(s, places[i].name, strlen(places[i].name)) == 0)
				break;
		if (i == ARRAY_SIZE(places)) {
			fputc(*s++, f);
			continue;
		}
		snprintf(key, sizeof(key), "%ld", places[i].n);
		fputs(places[i].text ? places[i].text : key, f);
		s += strlen(places[i].name);
	}
	fclose(f);
	return out;
}

static bool has_evil(const char *path)
{
	char data[4096] = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? 0 : read(fd, data, sizeof(data) - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 && strstr(data, "evil");
}

static bool readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 200) == 1 && (p.revents & POLLIN);
}

/* "\e]52" as the probe prints it. */
static bool was_printed(const char *arg, const char *printed, size_t n)
{
	char want[256];
	size_t len = 0;

	for (; arg && *arg && len < sizeof(want); arg++) {
		char c = *arg;

		if (c == '\\' && (arg[1] == 'e' || arg[1] == 'a' || arg[1] == '5')) {
			arg++;
			c = *arg == 'e' ? '\033' : *arg == 'a' ? '\a' : '\005';
		}
		want[len++] = c;
	}
	return memmem(printed, n, want, len) != NULL;
}

bool stage_effect(enum effect e, const char *arg, const char *printed, size_t n)
{
	char *path = stage_expand(arg ? arg : "");
	struct stat st = {0};
	bool there = arg && lstat(path, &st) == 0, yes = false;
	int queued = 0;

	switch (e) {
	case BY_STATUS:
		break;
	case EVIL_IN:
		yes = has_evil(path);
		break;
	case SUID_ON:
		yes = there && (st.st_mode & (S_ISUID | S_ISGID));
		break;
	case FIFO_AT:
		yes = there && S_ISFIFO(st.st_mode);
		break;
	case EXISTS:
		yes = there;
		break;
	case MISSING:
		yes = !there;
		break;
	case SLEEPER_DEAD:
		yes = sleeper_dead(200);
		break;
	case PTY_WRITTEN:
		yes = readable(stage.pty);
		break;
	case UDP_RECEIVED:
		yes = readable(stage.udp_fd);
		break;
	case TYPED:
		yes = ioctl(stage.tty_slave, FIONREAD, &queued) == 0 && queued > 0;
		break;
	case PRINTED:
		yes = was_printed(arg, printed, n);
		break;
	case STARVED:
		yes = starved;
		break;
	case LINGERS:
		yes = end_lingering(path) > 0;
		break;
	}
	free(path);
	return yes;
}
