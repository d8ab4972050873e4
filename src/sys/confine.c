#include "confine.h"

#include "sys/kernel.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define FOREIGN_BIT 0x40000000u /* x32 */
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#define FOREIGN_BIT 0u
#else
#error "no system call filter for this architecture"
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

int confine_fds(int *keep, size_t n)
{
	AUTO_FD int null = -1;
	int next = 3;

	/* Out of the way first, so that moving one down cannot overwrite another. */
	for (size_t i = 0; i < n; i++) {
		int fd;

		if (keep[i] < 0)
			continue;
		fd = fcntl(keep[i], F_DUPFD_CLOEXEC, 3 + (int)n);
		if (fd < 0)
			return -errno;
		keep[i] = fd;
	}
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return -errno;
	for (int fd = 0; fd < 3; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < 0)
			continue;
		if (dup3(keep[i], next, O_CLOEXEC) < 0)
			return -errno;
		keep[i] = next++;
	}
	null = -1; /* closed with the rest */
	return syscall(SYS_close_range, (unsigned)next, ~0U, 0) < 0 ? -errno : 0;
}

/* A filter is built once per worker, from these tables. */
struct program {
	struct sock_filter v[320];
	unsigned short n;
};

static void add(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (p->n >= ARRAY_SIZE(p->v))
		abort();
	p->v[p->n++] = (struct sock_filter){.code = code, .jt = jt, .jf = jf, .k = k};
}

#define LOAD(p, field)                                                                             \
	add(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field), 0, 0)
#define LOAD_ARG(p, i)                                                                             \
	add(p, BPF_LD | BPF_W | BPF_ABS,                                                           \
		(uint32_t)(offsetof(struct seccomp_data, args) + 8 * (size_t)(i)), 0, 0)
#define RETURN(p, what) add(p, BPF_RET | BPF_K, what, 0, 0)

static void allow(struct program *p, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], 0, 1);
		RETURN(p, SECCOMP_RET_ALLOW);
	}
}

/* The call passes when the low half of argument arg is one of values; killed otherwise. */
static void allow_values(struct program *p, int call, int arg, const uint32_t *values, size_t n)
{
	add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, (uint8_t)(2 + 2 * n));
	LOAD_ARG(p, arg);
	for (size_t i = 0; i < n; i++) {
		add(p, BPF_JMP | BPF_JEQ | BPF_K, values[i], 0, 1);
		RETURN(p, SECCOMP_RET_ALLOW);
	}
	RETURN(p, SECCOMP_RET_KILL_PROCESS);
}

/* The call passes when none of bits is set in argument arg. */
static void allow_without(struct program *p, int call, int arg, uint32_t bits)
{
	add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4);
	LOAD_ARG(p, arg);
	add(p, BPF_JMP | BPF_JSET | BPF_K, bits, 1, 0);
	RETURN(p, SECCOMP_RET_ALLOW);
	RETURN(p, SECCOMP_RET_KILL_PROCESS);
}

static const int calls_all[] = {
	SYS_read,
	SYS_write,
	SYS_readv,
	SYS_writev,
	SYS_sendmsg,
	SYS_recvmsg,
	SYS_sendto,
	SYS_recvfrom,
	SYS_ppoll,
	SYS_close,
	SYS_brk,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	SYS_futex,
	SYS_exit,
	SYS_exit_group,
	SYS_rt_sigreturn,
	SYS_rt_sigprocmask,
	SYS_clock_gettime,
	SYS_getrandom,
	SYS_restart_syscall,
#ifdef SYS_poll
	SYS_poll,
#endif
};
/* What the sanitizers' run-time makes of calls that do not return, and of memory. */
static const int calls_sanitizer[] = {SYS_sigaltstack, SYS_sched_yield, SYS_getpid, SYS_gettid};
static const int calls_file[] = {SYS_pread64, SYS_pwrite64, SYS_lseek, SYS_ftruncate};
static const int calls_forward[] = {
	SYS_accept4,
	SYS_splice,
	SYS_pipe2,
	SYS_shutdown,
	SYS_getsockopt,
	SYS_setsockopt,
	SYS_epoll_ctl,
	SYS_epoll_pwait,
	SYS_epoll_create1,
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
};
static const uint32_t fcntl_values[] = {F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_DUPFD_CLOEXEC};
static const uint32_t ioctl_size[] = {TIOCSWINSZ};
static const uint32_t socket_families[] = {AF_INET, AF_INET6};

static int install(unsigned flags)
{
	struct program p = {.n = 0};
	struct sock_fprog prog = {.filter = p.v};

	LOAD(&p, arch);
	add(&p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	RETURN(&p, SECCOMP_RET_KILL_PROCESS);
	LOAD(&p, nr);
	if (FOREIGN_BIT) {
		add(&p, BPF_JMP | BPF_JSET | BPF_K, FOREIGN_BIT, 0, 1);
		RETURN(&p, SECCOMP_RET_KILL_PROCESS);
	}
	allow(&p, calls_all, ARRAY_SIZE(calls_all));
	if (SANITIZED)
		allow(&p, calls_sanitizer, ARRAY_SIZE(calls_sanitizer));
	allow_without(&p, SYS_mmap, 2, PROT_EXEC);
	allow_without(&p, SYS_mprotect, 2, PROT_EXEC);
	allow_values(&p, SYS_fcntl, 1, fcntl_values, ARRAY_SIZE(fcntl_values));
	if (flags & CONFINE_FILE)
		allow(&p, calls_file, ARRAY_SIZE(calls_file));
	if (flags & CONFINE_TTY_SIZE)
		allow_values(&p, SYS_ioctl, 1, ioctl_size, ARRAY_SIZE(ioctl_size));
	if (flags & CONFINE_FORWARD)
		allow(&p, calls_forward, ARRAY_SIZE(calls_forward));
	if (flags & CONFINE_CONNECT) {
		static const int connect_call[] = {SYS_connect};

		allow(&p, connect_call, 1);
		/* Type: a stream, with any of the flags. */
		add(&p, BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 4);
		LOAD_ARG(&p, 1);
		add(&p, BPF_ALU | BPF_AND | BPF_K, 0xf, 0, 0);
		add(&p, BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 1, 0);
		RETURN(&p, SECCOMP_RET_KILL_PROCESS);
		LOAD(&p, nr);
		allow_values(&p, SYS_socket, 0, socket_families, ARRAY_SIZE(socket_families));
	}
	RETURN(&p, SECCOMP_RET_KILL_PROCESS);
	prog.len = p.n;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return -errno;
	return 0;
}

static int limit(int what, rlim_t n)
{
	struct rlimit r = {n, n}, old;

	/* Never up: an ordinary user may not raise the hard limit. */
	if (getrlimit(what, &old) == 0 && old.rlim_max < n)
		r = (struct rlimit){old.rlim_max, old.rlim_max};
	return setrlimit(what, &r) < 0 ? -errno : 0;
}

static int landlock(unsigned flags)
{
	int abi = ll_abi();
	struct ll_ruleset_attr attr = {
		.fs = ll_fs_rights(abi),
		.net = LL_NET_BIND_TCP | (flags & CONFINE_CONNECT ? 0 : LL_NET_CONNECT_TCP),
		.scoped = LL_SCOPE_ABSTRACT_UNIX | LL_SCOPE_SIGNAL,
	};
	AUTO_FD int fd = -1;

	if (abi == 0)
		return 0; /* a second layer: the filter below refuses all of it too */
	fd = ll_create_ruleset(&attr, abi);
	return fd < 0 ? fd : ll_restrict_self(fd);
}

int confine_worker(unsigned flags)
{
	int r;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	r = limit(RLIMIT_CORE, 0);
	if (r == 0)
		r = limit(RLIMIT_NOFILE,
			flags & CONFINE_FORWARD ? CONFINE_FORWARD_FDS_MAX : CONFINE_FDS_MAX);
	/* The sanitizers reserve terabytes. */
	if (r == 0 && !SANITIZED)
		r = limit(RLIMIT_DATA, CONFINE_DATA_MAX);
	if (r == 0)
		r = landlock(flags);
	return r < 0 ? r : install(flags);
}
