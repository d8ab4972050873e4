/*
 * The generated filters, run by a small BPF interpreter over tables of
 * (architecture, call, arguments): every architecture and variant, also those that
 * this machine is not. Names become numbers through libseccomp here too, but the
 * lists below are written by hand: taking a call out of seccomp-table.h, or
 * changing its fate there, turns a test red.
 */
#include "tap.h"

#include "cell/seccomp.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define KILL SECCOMP_RET_KILL_PROCESS
#define ALLOW SECCOMP_RET_ALLOW
#define ERR(e) (SECCOMP_RET_ERRNO | (e))
#define HIGH 0xdeadbeef00000000ULL
#define DEFAULT (1U << CELL_SECCOMP_DEFAULT)
#define DIRECT (1U << CELL_SECCOMP_DIRECT)
#define ALL (DEFAULT | DIRECT)

static const struct {
	const char *name;
	uint32_t audit, scmp;
} archs[] = {
	{"x86_64", AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64},
	{"aarch64", AUDIT_ARCH_AARCH64, SCMP_ARCH_AARCH64},
};

/* What the kernel's seccomp checker admits, and no more; anything else fails the test. */
static uint32_t run_bpf(const struct sock_filter *f, size_t n, const struct seccomp_data *data)
{
	uint32_t a = 0, word;

	for (size_t pc = 0; pc < n; pc++) {
		const struct sock_filter *i = &f[pc];
		bool yes = false;

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			CHECK(i->k % 4 == 0 && i->k + 4 <= sizeof(*data));
			memcpy(&word, (const char *)data + i->k, sizeof(word));
			a = word;
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			continue;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == i->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a >= i->k;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			tap_fail(__FILE__, __LINE__, "instruction %zu: code %#x", pc, i->code);
		}
		pc += yes ? i->jt : i->jf;
	}
	tap_fail(__FILE__, __LINE__, "ran off the end");
}

static uint32_t decide(uint32_t arch, enum cell_seccomp_variant v, uint32_t data_arch, int nr,
	const uint64_t args[6])
{
	struct seccomp_data data = {.nr = nr, .arch = data_arch, .instruction_pointer = 0x1234};
	size_t n;
	const struct sock_filter *f = cell_seccomp_program(arch, v, &n);

	CHECK(f != NULL);
	if (args)
		memcpy(data.args, args, sizeof(data.args));
	return run_bpf(f, n, &data);
}

struct expect {
	const char *call;
	unsigned variants;
	uint64_t args[6];
	uint32_t action;
};

static void check_number(size_t a, const struct expect *e, int nr)
{
	for (unsigned v = 0; v < CELL_SECCOMP_N_VARIANTS; v++) {
		uint32_t got;

		if (!(e->variants & (1U << v)))
			continue;
		got = decide(archs[a].audit, v, archs[a].audit, nr, e->args);
		if (got != e->action)
			tap_fail(__FILE__, __LINE__,
				"%s, variant %u: %s(%#llx, %#llx, %#llx, %#llx): %#x, not %#x",
				archs[a].name, v, e->call, (unsigned long long)e->args[0],
				(unsigned long long)e->args[1], (unsigned long long)e->args[2],
				(unsigned long long)e->args[3], got, e->action);
	}
}

/* Every architecture that has the call; at least one must. */
static void check(const struct expect *e)
{
	int found = 0;

	for (size_t a = 0; a < ARRAY_SIZE(archs); a++) {
		int nr = seccomp_syscall_resolve_name_arch(archs[a].scmp, e->call);

		if (nr < 0)
			continue;
		found++;
		check_number(a, e, nr);
	}
	if (!found)
		tap_fail(__FILE__, __LINE__, "no architecture has %s", e->call);
}

static void check_names(const char *const *names, size_t n, uint32_t action)
{
	static const uint64_t fill[] = {0, ~0ULL, 1, 0x7fffffff};

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(fill); k++)
			check(&(struct expect){names[i], ALL,
				{fill[k], fill[k], fill[k], fill[k], fill[k], fill[k]}, action});
}

/* Whatever their arguments are. */
TEST(seccomp_dangerous_calls_are_refused)
{
	static const char *const eperm[] = {
		/* mounts */
		"mount",
		"umount2",
		"pivot_root",
		"chroot",
		"fsopen",
		"fsconfig",
		"fsmount",
		"fspick",
		"open_tree",
		"move_mount",
		"mount_setattr",
		/* names that go round the mounts */
		"open_by_handle_at",
		"name_to_handle_at",
		/* other namespaces' things */
		"setns",
		"add_key",
		"request_key",
		"keyctl",
		"sethostname",
		"setdomainname",
		/* the kernel's programs, code and faults */
		"bpf",
		"perf_event_open",
		"userfaultfd",
		"io_uring_setup",
		"io_uring_enter",
		"io_uring_register",
		"lookup_dcookie",
		"init_module",
		"finit_module",
		"delete_module",
		"kexec_load",
		"kexec_file_load",
		"reboot",
		/* the machine's */
		"settimeofday",
		"clock_settime",
		"clock_adjtime",
		"adjtimex",
		"iopl",
		"ioperm",
		"modify_ldt",
		"acct",
		"swapon",
		"swapoff",
		"quotactl",
		"quotactl_fd",
		"syslog",
		"vhangup",
		"mbind",
		"set_mempolicy",
		"set_mempolicy_home_node",
		"migrate_pages",
		"move_pages",
		"fanotify_init",
		"fanotify_mark",
		"vmsplice",
		/* other processes' */
		"pidfd_getfd",
		"kcmp",
		"process_madvise",
	};
	static const char *const enosys[] = {
		"clone3",
		"process_vm_readv",
		"process_vm_writev",
		/* in no group */
		"nfsservctl",
		"memfd_secret",
		"uselib",
		"ustat",
		"sysfs",
		"_sysctl",
		"create_module",
		"get_kernel_syms",
		"query_module",
		"security",
		"vserver",
		"remap_file_pages",
		"process_mrelease",
	};

	check_names(eperm, ARRAY_SIZE(eperm), ERR(EPERM));
	check_names(enosys, ARRAY_SIZE(enosys), ERR(ENOSYS));
}

/* What agents, compilers and package managers need (traced), and nested sandboxes. */
TEST(seccomp_needed_calls_are_allowed)
{
	static const char *const names[] = {
		"read",
		"write",
		"openat",
		"close",
		"newfstatat",
		"statx",
		"mmap",
		"mprotect",
		"munmap",
		"brk",
		"execve",
		"execveat",
		"exit_group",
		"wait4",
		"waitid",
		"kill",
		"futex",
		"epoll_ctl",
		"epoll_pwait",
		"pipe2",
		"dup3",
		"inotify_init1",
		"inotify_add_watch",
		"eventfd2",
		"timerfd_create",
		"memfd_create",
		"connect",
		"accept4",
		"bind",
		"listen",
		"sendmsg",
		"recvmsg",
		"getrandom",
		"prlimit64",
		"rseq",
		"set_robust_list",
		"pidfd_open",
		"pidfd_send_signal",
		"close_range",
		"faccessat2",
		"renameat2",
		"copy_file_range",
		"splice",
		"ptrace",
		"seccomp",
		"landlock_create_ruleset",
		"landlock_add_rule",
		"landlock_restrict_self",
		"shmget",
		"mq_open",
		"setuid",
		"setgroups",
		"capset",
		"fchown",
		"fsync",
		"sched_setaffinity",
		"membarrier",
		"sigaltstack",
		"rt_sigreturn",
		"restart_syscall",
		"vfork",
		"arch_prctl",
		"get_mempolicy",
		"mknodat",
		"utimensat",
		"flock",
		"getdents64",
		"mremap",
		"io_setup",
		"pkey_alloc",
		"setpriority",
		"getcwd",
		"lgetxattr",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		check(&(struct expect){names[i], ALL, {0}, ALLOW});
		check(&(struct expect){names[i], DEFAULT, {~0ULL, ~0ULL, ~0ULL, ~0ULL}, ALLOW});
	}
	check(&(struct expect){"openat2", DEFAULT, {0}, ALLOW});
}

TEST(seccomp_namespaces)
{
	static const uint64_t flags[] = {
		0x00020000, /* NEWNS */
		0x02000000, /* NEWCGROUP */
		0x04000000, /* NEWUTS */
		0x08000000, /* NEWIPC */
		0x10000000, /* NEWUSER */
		0x20000000, /* NEWPID */
		0x40000000, /* NEWNET */
	};
	static const uint64_t thread = 0x3d0f00, fork_ = 0x1200011;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		check(&(struct expect){"clone", ALL, {flags[i]}, ERR(EPERM)});
		check(&(struct expect){"clone", ALL, {flags[i] | 17 | HIGH}, ERR(EPERM)});
		check(&(struct expect){"clone", ALL, {flags[i] | thread}, ERR(EPERM)});
		check(&(struct expect){"unshare", ALL, {flags[i]}, ERR(EPERM)});
		check(&(struct expect){"unshare", ALL, {flags[i] | HIGH}, ERR(EPERM)});
	}
	check(&(struct expect){"unshare", ALL, {0x80}, ERR(EPERM)}); /* NEWTIME */
	check(&(struct expect){"unshare", ALL, {0x200}, ALLOW});     /* CLONE_FS */
	check(&(struct expect){"clone", ALL, {thread}, ALLOW});
	check(&(struct expect){"clone", ALL, {fork_}, ALLOW});
	check(&(struct expect){"clone", ALL, {17}, ALLOW});
	check(&(struct expect){"clone", ALL, {thread | HIGH}, ALLOW});
}

TEST(seccomp_sockets)
{
	enum { CLOEXEC = 02000000, NONBLOCK = 04000 };

	static const struct expect table[] = {
		{"socket", ALL, {1, 1, 0}, ALLOW},
		{"socket", ALL, {1, 5 | CLOEXEC, 0}, ALLOW},
		{"socket", ALL, {HIGH | 1, 1, 0}, ALLOW}, /* the kernel sees an int too */
		{"socket", ALL, {2, 1 | CLOEXEC | NONBLOCK, 0}, ALLOW},
		{"socket", ALL, {2, 1, 6}, ALLOW},
		{"socket", ALL, {2, 2, 0}, ALLOW},
		{"socket", ALL, {2, 2 | CLOEXEC, 17}, ALLOW},
		{"socket", ALL, {10, 1, 6}, ALLOW},
		{"socket", ALL, {10, 2, 0}, ALLOW},
		{"socket", ALL, {16, 3 | CLOEXEC, 0}, ALLOW},
		{"socket", ALL, {16, 2, 0}, ALLOW},
		{"socketpair", ALL, {1, 1, 0}, ALLOW},
		{"socketpair", ALL, {1, 5 | CLOEXEC, 0}, ALLOW},
		/* protocols */
		{"socket", ALL, {2, 1, 262}, ERR(EPROTONOSUPPORT)}, /* MPTCP */
		{"socket", ALL, {10, 1, 262}, ERR(EPROTONOSUPPORT)},
		{"socket", ALL, {HIGH | 2, HIGH | 1, HIGH | 262}, ERR(EPROTONOSUPPORT)},
		{"socket", ALL, {2, 1, 132}, ERR(EPROTONOSUPPORT)}, /* SCTP */
		{"socket", ALL, {2, 5, 132}, ERR(EPROTONOSUPPORT)},
		{"socket", ALL, {2, 5, 0}, ERR(EPROTONOSUPPORT)},
		{"socket", ALL, {2, 6, 33}, ERR(EPROTONOSUPPORT)}, /* DCCP */
		{"socket", ALL, {2, 2, 1}, ERR(EPROTONOSUPPORT)},  /* ping */
		{"socket", ALL, {10, 2, 58}, ERR(EPROTONOSUPPORT)},
		{"socket", ALL, {2, 2, 136}, ERR(EPROTONOSUPPORT)}, /* UDP-Lite */
		{"socket", ALL, {2, 1, 256}, ERR(EPROTONOSUPPORT)}, /* SMC */
		{"socket", ALL, {2, 3, 255}, ERR(EPERM)},
		{"socket", ALL, {2, 3 | CLOEXEC, 1}, ERR(EPERM)},
		{"socket", ALL, {HIGH | 10, HIGH | 3, 58}, ERR(EPERM)},
		{"socket", ALL, {2, 10, 0}, ERR(EPROTONOSUPPORT)},  /* SOCK_PACKET */
		{"socket", ALL, {16, 3, 12}, ERR(EPROTONOSUPPORT)}, /* netfilter */
		{"socket", ALL, {16, 3, 15}, ERR(EPROTONOSUPPORT)}, /* uevents */
		{"socket", ALL, {16, 3, 9}, ERR(EPROTONOSUPPORT)},  /* audit */
		{"socket", ALL, {16, 3, 6}, ERR(EPROTONOSUPPORT)},  /* xfrm */
		{"socket", ALL, {HIGH | 16, 3, HIGH | 12}, ERR(EPROTONOSUPPORT)},
		/* the domain in the high word only */
		{"socket", ALL, {0x100000000ULL, 1, 0}, ERR(EAFNOSUPPORT)},
		{"socketpair", ALL, {2, 1, 0}, ERR(EAFNOSUPPORT)},
		{"socketpair", ALL, {30, 1, 0}, ERR(EAFNOSUPPORT)},
		{"setsockopt", ALL, {3, 0, 64}, ERR(EPERM)},
		{"setsockopt", ALL, {3, 0, 65}, ERR(EPERM)},
		{"setsockopt", ALL, {3, HIGH, HIGH | 64}, ERR(EPERM)},
		{"setsockopt", ALL, {3, 41, 64}, ERR(EPERM)},
		{"setsockopt", ALL, {3, 0, 96}, ERR(EPERM)},
		{"setsockopt", ALL, {3, 0, 128}, ERR(EPERM)},
		{"setsockopt", ALL, {3, 1, 64}, ALLOW},
		{"setsockopt", ALL, {3, 0, 2}, ALLOW},
		{"setsockopt", ALL, {3, 6, 1}, ALLOW},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		check(&table[i]);
	for (uint64_t family = 0; family < 64; family++) {
		bool known = family == 1 || family == 2 || family == 10 || family == 16;

		for (uint64_t type = 1; type <= 6 && !known; type++)
			check(&(struct expect){
				"socket", ALL, {family, type, 0}, ERR(EAFNOSUPPORT)});
		if (!known)
			check(&(struct expect){
				"socket", ALL, {HIGH | family, 3, 0}, ERR(EAFNOSUPPORT)});
	}
}

TEST(seccomp_ioctls)
{
	static const uint64_t bad[] = {
		0x5412,
		0x541C,
		0x541D,
		0x5423,
		0x5437,
		0x541F, /* TIOC: STI LINUX CONS SETD VHANGUP SSERIAL */
		0x4B3A,
		0x4B66,
		0x4B72,
		0x5600,
		0x5606, /* KDSETMODE PIO_UNIMAP KDFONTOP VT_ */
		0x40806685,
		0x800c6613,
		0xc0506617,
	};
	static const uint64_t good[] = {
		0x5401,
		0x5402,
		0x5403,
		0x5404,
		0x5413,
		0x5414, /* TCGETS.. TIOCGWINSZ TIOCSWINSZ */
		0x540E,
		0x540F,
		0x5410,
		0x541B,
		0x5421,
		0x5422, /* SCTTY GPGRP SPGRP FIONREAD FIONBIO NOTTY */
		0x5430,
		0x5431,
		0x40045431,
		0x80045430,
		0x5441, /* ptys */
		0x40049409,
		0x8912,
		0x6601,
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		check(&(struct expect){"ioctl", ALL, {0, bad[i]}, ERR(EPERM)});
		/* CVE-2023-1523 and older: the kernel takes 32 bits of it, some filters
		 * compared 64. */
		check(&(struct expect){"ioctl", ALL, {0, bad[i] | HIGH}, ERR(EPERM)});
		check(&(struct expect){"ioctl", ALL, {0, bad[i] | 1ULL << 32}, ERR(EPERM)});
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		check(&(struct expect){"ioctl", ALL, {0, good[i]}, ALLOW});
}

TEST(seccomp_personality_and_prctl)
{
	static const struct expect table[] = {
		{"personality", ALL, {0}, ALLOW},
		{"personality", ALL, {0xffffffff}, ALLOW},
		{"personality", ALL, {~0ULL}, ALLOW},
		{"personality", ALL, {0x0040000}, ALLOW},
		{"personality", ALL, {8}, ERR(EPERM)},
		{"personality", ALL, {HIGH | 8}, ERR(EPERM)},
		{"personality", ALL, {0x0400000}, ERR(EPERM)}, /* READ_IMPLIES_EXEC */
		{"personality", ALL, {0x0140000}, ERR(EPERM)},
		{"prctl", ALL, {35, 14}, ERR(EPERM)}, /* PR_SET_MM */
		{"prctl", ALL, {HIGH | 35, 14}, ERR(EPERM)},
		{"prctl", ALL, {15}, ALLOW},
		{"prctl", ALL, {38, 1}, ALLOW},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		check(&table[i]);
}

/* core(5): a limit of 1 keeps the host's handler from running, 0 does not. */
TEST(seccomp_core_limit_stays)
{
	static const struct expect table[] = {
		{"setrlimit", ALL, {4, 0x1000}, ERR(0)},
		{"setrlimit", ALL, {HIGH | 4, 0x1000}, ERR(0)},
		{"setrlimit", ALL, {7, 0x1000}, ALLOW},
		{"getrlimit", ALL, {4, 0x1000}, ALLOW},
		{"prlimit64", ALL, {0, 4, 0, 0x1000}, ALLOW},
		{"prlimit64", ALL, {0, 4, 0x1000, 0}, ERR(0)},
		{"prlimit64", ALL, {1, HIGH | 4, 0x1000, 0}, ERR(0)},
		/* A pointer whose lower word is zero is not NULL. */
		{"prlimit64", ALL, {0, 4, 0x100000000ULL, 0}, ERR(0)},
		{"prlimit64", ALL, {0, 7, 0x1000, 0}, ALLOW},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		check(&table[i]);
}

/* creat and mknod of x86_64 too, which other architectures do not have. */
TEST(seccomp_direct_refuses_setuid)
{
	static const uint64_t bits[] = {04000, 02000, 06000, 06755, HIGH | 04755};
	static const struct {
		const char *call;
		int mode;
	} calls[] = {{"chmod", 1}, {"fchmod", 1}, {"fchmodat", 2}, {"creat", 1}, {"mknod", 1},
		{"mknodat", 2}};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct expect e = {calls[i].call, DIRECT, {0}, ALLOW};

		for (size_t b = 0; b < ARRAY_SIZE(bits); b++) {
			e.args[calls[i].mode] = bits[b];
			e.variants = DIRECT;
			e.action = ERR(EPERM);
			check(&e);
			e.variants = DEFAULT;
			e.action = ALLOW;
			check(&e);
		}
		e.variants = DIRECT;
		e.args[calls[i].mode] = 01777;
		check(&e);
	}
	check(&(struct expect){"open", DIRECT, {0, 0101, 04755}, ERR(EPERM)});
	check(&(struct expect){
		"open", DIRECT, {0, 020200000 | 1, 04755}, ERR(EPERM)}); /* O_TMPFILE */
	check(&(struct expect){"open", DIRECT, {0, 0, 04755}, ALLOW});
	check(&(struct expect){"open", DIRECT, {0, 0101, 0755}, ALLOW});
	check(&(struct expect){"openat", DIRECT, {0, 0, 0101, 02755}, ERR(EPERM)});
	check(&(struct expect){"openat", DIRECT, {0, 0, HIGH | 0101, HIGH | 02755}, ERR(EPERM)});
	check(&(struct expect){"openat", DIRECT, {0, 0, 020200000 | 1, 06755}, ERR(EPERM)});
	check(&(struct expect){"openat", DIRECT, {0, 0, 0, 02755}, ALLOW});
	check(&(struct expect){"openat", DIRECT, {0, 0, 0101, 0644}, ALLOW});
	check(&(struct expect){"openat2", DIRECT, {0}, ERR(ENOSYS)});
	check_number(0, &(struct expect){"fchmodat2", DIRECT, {0, 0, 04755}, ERR(EPERM)}, 452);
	check_number(1, &(struct expect){"fchmodat2", DIRECT, {0, 0, 04755}, ERR(EPERM)}, 452);
	check_number(1, &(struct expect){"fchmodat2", ALL, {0, 0, 0755}, ALLOW}, 452);
}

TEST(seccomp_foreign_abis_are_fatal)
{
	static const uint32_t foreign[] = {
		AUDIT_ARCH_I386,
		AUDIT_ARCH_ARM,
		AUDIT_ARCH_X86_64,
		AUDIT_ARCH_AARCH64,
		AUDIT_ARCH_ARMEB,
		0,
		0xffffffff,
		AUDIT_ARCH_RISCV64,
		AUDIT_ARCH_X86_64 & ~__AUDIT_ARCH_64BIT,
		AUDIT_ARCH_AARCH64 & ~__AUDIT_ARCH_LE,
	};

	for (size_t a = 0; a < ARRAY_SIZE(archs); a++)
		for (unsigned v = 0; v < CELL_SECCOMP_N_VARIANTS; v++)
			for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
				for (int nr = 0; nr < 600 && foreign[i] != archs[a].audit; nr++)
					CHECK_INT(decide(archs[a].audit, v, foreign[i], nr, NULL),
						KILL);
}

TEST(seccomp_x32_is_fatal)
{
	for (unsigned v = 0; v < CELL_SECCOMP_N_VARIANTS; v++) {
		for (int nr = 0; nr < 1024; nr++)
			CHECK_INT(decide(AUDIT_ARCH_X86_64, v, AUDIT_ARCH_X86_64, nr | 0x40000000,
					  NULL),
				KILL);
		CHECK_INT(decide(AUDIT_ARCH_X86_64, v, AUDIT_ARCH_X86_64, (int)0x80000001, NULL),
			KILL);
		/* A tracer that cancels a call writes -1. */
		CHECK_INT(decide(AUDIT_ARCH_X86_64, v, AUDIT_ARCH_X86_64, -1, NULL), ERR(ENOSYS));
		CHECK_INT(decide(AUDIT_ARCH_AARCH64, v, AUDIT_ARCH_AARCH64, -1, NULL), ERR(ENOSYS));
		CHECK_INT(decide(AUDIT_ARCH_AARCH64, v, AUDIT_ARCH_AARCH64, 0x40000000, NULL),
			ERR(ENOSYS));
	}
}

/* Newer than the table: as a kernel without them. */
TEST(seccomp_unknown_calls_do_not_exist)
{
	for (size_t a = 0; a < ARRAY_SIZE(archs); a++)
		for (unsigned v = 0; v < CELL_SECCOMP_N_VARIANTS; v++)
			for (int nr = 463; nr < 4096; nr++)
				CHECK_INT(decide(archs[a].audit, v, archs[a].audit, nr, NULL),
					ERR(ENOSYS));
}

TEST(seccomp_programs_are_short)
{
	size_t n;

	for (size_t a = 0; a < ARRAY_SIZE(archs); a++)
		for (unsigned v = 0; v < CELL_SECCOMP_N_VARIANTS; v++)
			CHECK(cell_seccomp_program(archs[a].audit, v, &n) && n < 700);
	CHECK(!cell_seccomp_program(AUDIT_ARCH_I386, CELL_SECCOMP_DEFAULT, &n));
	CHECK(!cell_seccomp_program(AUDIT_ARCH_X86_64, CELL_SECCOMP_N_VARIANTS, &n));
	CHECK_INT(cell_seccomp_install(CELL_SECCOMP_N_VARIANTS), -EINVAL);
}

/* The kernel takes the programs, and they do there what they do here. */
TEST(seccomp_installs)
{
	for (unsigned v = 0; v < CELL_SECCOMP_N_VARIANTS; v++) {
		int status;
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0) {
			int pair[2];

			/* A sanitizer's own calls at exit are not the matter here: only _exit. */
			if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
				cell_seccomp_install(v) < 0)
				_exit(10);
			if (syscall(SYS_keyctl, 0, 0, 0, 0, 0) >= 0 || errno != EPERM)
				_exit(11);
			if (syscall(SYS_clone3, NULL, 0) >= 0 || errno != ENOSYS)
				_exit(12);
			if (socket(AF_VSOCK, SOCK_STREAM, 0) >= 0 || errno != EAFNOSUPPORT)
				_exit(13);
			if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
				_exit(14);
			if (syscall(SYS_openat2, -1, "x", NULL, 0) >= 0 ||
				(errno == ENOSYS) != (v == CELL_SECCOMP_DIRECT))
				_exit(15);
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(WIFEXITED(status));
		CHECK_INT(WEXITSTATUS(status), 0);
	}
}

#ifdef __x86_64__
TEST(seccomp_int_0x80_kills)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		long r = 20; /* getpid of i386 */

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
			cell_seccomp_install(CELL_SECCOMP_DEFAULT) < 0)
			_exit(10);
		__asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
		_exit(11);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status));
	/* Without the i386 ABI in the kernel: SIGSEGV, no less dead. */
	CHECK(WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV);
}
#endif

TEST(seccomp_table_for_explain)
{
	size_t groups, clauses;
	const struct cell_seccomp_group *g = cell_seccomp_groups(&groups);
	const struct cell_seccomp_clause *c = cell_seccomp_clauses(&clauses);

	CHECK(groups > 10 && clauses > 10);
	for (size_t i = 0; i < groups; i++)
		CHECK(g[i].name && g[i].why && g[i].calls && g[i].action >= 0);
	for (size_t i = 0; i < clauses; i++)
		CHECK(c[i].call && c[i].what && c[i].variants);
}
