/* Attacks on the kernel: section 3 of the catalogue. */
#include "probe.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* On the terminal that is stdin. */
static enum outcome do_tiocsti(char **a)
{
	unsigned long cmd = TIOCSTI;

	/* The kernel looks at 32 bits of the command. */
	if (a[0] && strcmp(a[0], "high") == 0)
		cmd |= 1UL << 32;
	if (!isatty(0))
		return cannot("stdin is no terminal");
	for (const char *c = "id\n"; *c; c++)
		if (syscall(SYS_ioctl, 0, cmd, c) < 0)
			return refused("TIOCSTI");
	return worked("typed a command");
}

/*
 * Whether the command gets as far as a driver: on a pipe, which answers ENOTTY to
 * all of them. Harmless, also for root.
 */
static enum outcome do_ioctl_reaches(char **a)
{
	int pipes[2];
	unsigned long cmd = (unsigned long)number(a[0]);

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return cannot("pipe");
	if (syscall(SYS_ioctl, pipes[0], cmd, NULL) == 0 || errno == ENOTTY || errno == EINVAL ||
		errno == EFAULT)
		return worked("%#lx reaches the kernel", cmd);
	return refused("%#lx", cmd);
}

static enum outcome do_key_read(char **a)
{
	char data[256] = {0};
	long key = syscall(SYS_request_key, "user", a[0], NULL, 0);

	if (key < 0)
		key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", a[0], 0);
	if (key < 0)
		return refused("look for the key");
	return verdict(syscall(SYS_keyctl, KEYCTL_READ, key, data, sizeof(data)), "read the key");
}

static enum outcome do_key_to_parent(char **a)
{
	(void)a;
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)
		return refused("join a keyring");
	/* The parent is another program: EPERM from the kernel counts as having got there. */
	if (syscall(SYS_keyctl, KEYCTL_SESSION_TO_PARENT) == 0 || errno == EPERM)
		return worked("KEYCTL_SESSION_TO_PARENT");
	return refused("KEYCTL_SESSION_TO_PARENT");
}

static enum outcome do_io_uring(char **a)
{
	/* struct io_uring_params */
	uint32_t params[30] = {0};

	(void)a;
	return verdict(syscall(SYS_io_uring_setup, 4, params), "io_uring_setup");
}

static enum outcome do_int80(char **a)
{
	(void)a;
#ifdef __x86_64__
	{
		long r = 20; /* getpid of i386 */

		__asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
		errno = 0;
		return r == getpid() ? worked("a call of i386") : refused("a call of i386: %ld", r);
	}
#else
	return cannot("no second ABI here");
#endif
}

static enum outcome do_x32(char **a)
{
	(void)a;
#ifdef __x86_64__
	return syscall(0x40000000L | 39) == getpid() ? worked("a call of x32")
						     : refused("a call of x32");
#else
	return cannot("no second ABI here");
#endif
}

static enum outcome do_personality(char **a)
{
	return verdict(personality((unsigned long)number(a[0])), a[0]);
}

static enum outcome do_unshare(char **a)
{
	return verdict(unshare((int)(unsigned long)number(a[0])), a[0]);
}

static enum outcome finish(long pid, const char *what)
{
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, __WALL);
	return verdict(pid, what);
}

static enum outcome do_clone(char **a)
{
	unsigned long flags = (unsigned long)number(a[0]);

	return finish(syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL), a[0]);
}

static enum outcome do_clone3(char **a)
{
	struct clone_args args = {.flags = (unsigned long)number(a[0]), .exit_signal = SIGCHLD};

	return finish(syscall(SYS_clone3, &args, sizeof(args)), a[0]);
}

static enum outcome do_socket(char **a)
{
	int fd;

	/* Those that need a capability: in namespaces of one's own, which must not be had inside.
	 */
	if (a[3] && own_namespaces(CLONE_NEWNET) == 0)
		write_file("/proc/sys/net/ipv4/ping_group_range", "0 0");
	fd = socket((int)number(a[0]), (int)number(a[1]) | SOCK_CLOEXEC, (int)number(a[2]));
	if (fd >= 0)
		close(fd);
	return verdict(fd, "socket");
}

static enum outcome do_socketpair(char **a)
{
	int fds[2];

	return verdict(socketpair((int)number(a[0]), (int)number(a[1]), 0, fds), "socketpair");
}

/*
 * Dangerous calls with arguments that are refused on their own account, so that
 * even root does no harm outside: the answer tells whether the kernel saw them.
 */
#define BAD ((long)0xdead0000)
static const struct {
	const char *name;
	long nr, args[6];
} calls[] = {
#define CALL(name, ...)                                                                            \
	{                                                                                          \
#name, SYS_##name,                                                                 \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
	CALL(bpf, 9999, BAD, 8),
	CALL(perf_event_open, BAD, 0, -1, -1, 0),
	CALL(userfaultfd, -1),
	CALL(io_uring_enter, -1, 0, 0, 0, 0, 0),
	CALL(io_uring_register, -1, 0, 0, 0),
	CALL(add_key, BAD, BAD, 0, 0, 0),
	CALL(request_key, BAD, BAD, 0, 0),
	CALL(keyctl, 9999, 0, 0, 0, 0),
	CALL(kcmp, 0, 0, 99, 0, 0),
	CALL(process_madvise, -1, 0, 0, 0, 0),
	CALL(pidfd_getfd, -1, 0, 0),
	CALL(process_vm_readv, 0, 0, 0, BAD, 1, 1),
	CALL(process_vm_writev, 0, 0, 0, BAD, 1, 1),
	CALL(vmsplice, -1, 0, 0, 0),
	CALL(mbind, 1, 1, 99, 0, 0, 0),
	CALL(set_mempolicy, 99, 0, 0),
	CALL(migrate_pages, 0x7fffffff, 1, 0, 0),
	CALL(move_pages, 0x7fffffff, 1, BAD, 0, 0, 0),
	CALL(fanotify_init, 0x200, 0),
	CALL(fanotify_mark, -1, 1, 0, -1, 0),
	CALL(name_to_handle_at, -1, BAD, BAD, BAD, 0),
	CALL(open_by_handle_at, -1, BAD, 0),
	CALL(quotactl, BAD, BAD, 0, 0),
	CALL(acct, BAD),
	CALL(swapon, BAD, 0),
	CALL(swapoff, BAD),
	CALL(settimeofday, BAD, BAD),
	CALL(clock_settime, 0, BAD),
	CALL(clock_adjtime, 0, BAD),
	CALL(adjtimex, BAD),
	CALL(kexec_load, 0, 0, 0, 0xff),
	CALL(kexec_file_load, -1, -1, 0, 0, 0xff),
	CALL(init_module, BAD, 0, BAD),
	CALL(finit_module, -1, BAD, 0),
	CALL(delete_module, BAD, 0),
	CALL(reboot, 1, 2, 3, 0),
	CALL(syslog, 10, 0, 0),
	CALL(sethostname, BAD, 1),
	CALL(setdomainname, BAD, 1),
	CALL(mount, BAD, BAD, BAD, 0, 0),
	CALL(umount2, BAD, 0),
	CALL(pivot_root, BAD, BAD),
	CALL(chroot, BAD),
	CALL(fsopen, BAD, 0),
	CALL(fsconfig, -1, 0, 0, 0, 0),
	CALL(fsmount, -1, 0, 0),
	CALL(fspick, -1, BAD, 0),
	CALL(open_tree, -1, BAD, 0),
	CALL(move_mount, -1, BAD, -1, BAD, 0),
	CALL(mount_setattr, -1, BAD, 0, BAD, 32),
	CALL(setns, -1, 0),
#ifdef __x86_64__
	CALL(modify_ldt, 99, 0, 0),
	CALL(iopl, 99),
	CALL(ioperm, 0x10000, 1, 1),
#endif
};

static enum outcome do_call(char **a)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		const long *v = calls[i].args;
		long r;

		if (strcmp(calls[i].name, a[0]) != 0)
			continue;
		errno = 0;
		r = syscall(calls[i].nr, v[0], v[1], v[2], v[3], v[4], v[5]);
		if (r >= 0 || (errno != EPERM && errno != ENOSYS))
			return worked("%s reaches the kernel (%s)", a[0],
				r >= 0 ? "done" : strerrorname_np(errno));
		return refused("%s", a[0]);
	}
	return cannot("unknown call %s", a[0]);
}

static enum outcome do_kallsyms(char **a)
{
	char line[256];
	unsigned long address = 0;
	FILE *f = fopen("/proc/kallsyms", "re");

	(void)a;
	if (!f)
		return refused("open /proc/kallsyms");
	while (!address && fgets(line, sizeof(line), f))
		address = hex_before(line);
	fclose(f);
	errno = 0;
	return address ? worked("addresses are shown") : refused("no addresses");
}

static enum outcome do_dmesg(char **a)
{
	char data[256];

	(void)a;
	return verdict(syscall(SYS_syslog, 3, data, sizeof(data)), "read the kernel's log");
}

const struct probe kernel_probes[] = {
	{"tiocsti", 0, do_tiocsti, "[high]: type into the terminal on stdin"},
	{"ioctl-reaches", 1, do_ioctl_reaches, "HEX"},
	{"key-read", 1, do_key_read, "NAME: of the session keyring"},
	{"key-to-parent", 0, do_key_to_parent, ""},
	{"io-uring", 0, do_io_uring, ""},
	{"int80", 0, do_int80, ""},
	{"x32", 0, do_x32, ""},
	{"personality", 1, do_personality, "HEX"},
	{"unshare", 1, do_unshare, "HEX"},
	{"clone", 1, do_clone, "HEX"},
	{"clone3", 1, do_clone3, "HEX"},
	{"socket", 3, do_socket, "FAMILY TYPE PROTOCOL [own]"},
	{"socketpair", 2, do_socketpair, "FAMILY TYPE"},
	{"call", 1, do_call, "NAME: a dangerous system call, harmlessly"},
	{"kallsyms", 0, do_kallsyms, ""},
	{"dmesg", 0, do_dmesg, ""},
	{0},
};
