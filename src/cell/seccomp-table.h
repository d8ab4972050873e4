/*
 * What the inside may ask of the kernel: the one source of the system call filter.
 * Read by tools/gen-seccomp.c at build time, which makes the programs of
 * seccomp-filters.c from it, and by `explain`.
 *
 * Every call stands in exactly one group, and the group's action is what happens
 * to it unless one of the clauses below, tried in order, decides first. A call in
 * no group gets ENOSYS: that is how a kernel without the call answers, so that
 * programs fall back, and calls that are newer than this table stay shut.
 *
 * A clause may look at an argument only if the kernel itself takes no more than 32
 * bits of it (int, unsigned int, umode_t; lower_32_bits() for the flags of clone):
 * then the low word is all there is, and the high word cannot hide anything. Of
 * pointers only NULL is known, by both words.
 * Nothing behind a pointer is ever looked at, since another thread could change it
 * after the look.
 *
 * Names come from libseccomp; "name=NR" gives the number of a call that is newer
 * than some libseccomp (from 424 on, numbers are the same on all architectures).
 */
#ifndef BAILEY_CELL_SECCOMP_TABLE_H
#define BAILEY_CELL_SECCOMP_TABLE_H

#include "seccomp.h"

#include <errno.h>
#include <stddef.h>

/* These repeat uapi headers, because the headers of an older kernel lack some of them. */
#define SC_CLONE_NEW 0x7E020000U   /* NEWNS NEWCGROUP NEWUTS NEWIPC NEWUSER NEWPID NEWNET */
#define SC_UNSHARE_NEW 0x7E020080U /* and NEWTIME, which for clone is part of the signal */
#define SC_SOCK_TYPE 0xfU	   /* SOCK_TYPE_MASK */
#define SC_WORD 0xffffffffU

static const struct cell_seccomp_group sc_groups[] = {
	{"files", 0, "files and directories; what can be reached is up to mounts and Landlock",
		"read write open close stat fstat lstat lseek pread64 pwrite64 readv writev access "
		"sendfile "
		"fcntl flock fsync fdatasync truncate ftruncate getdents getdents64 getcwd chdir "
		"fchdir rename "
		"mkdir rmdir creat link unlink symlink readlink chmod fchmod chown fchown lchown "
		"umask utime "
		"statfs fstatfs sync syncfs readahead fadvise64 utimes openat mkdirat fchownat "
		"futimesat "
		"newfstatat unlinkat renameat linkat symlinkat readlinkat fchmodat faccessat "
		"splice tee "
		"sync_file_range utimensat fallocate preadv pwritev preadv2 pwritev2 renameat2 "
		"copy_file_range "
		"statx openat2 faccessat2 close_range mknod mknodat setxattr lsetxattr fsetxattr "
		"getxattr "
		"lgetxattr fgetxattr listxattr llistxattr flistxattr removexattr lremovexattr "
		"fremovexattr "
		"inotify_init inotify_init1 inotify_add_watch inotify_rm_watch cachestat=451 "
		"fchmodat2=452"},
	{"descriptors", 0, "waiting, pipes, timers, events",
		"poll select pselect6 ppoll pipe pipe2 dup dup2 dup3 epoll_create epoll_create1 "
		"epoll_ctl "
		"epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4 "
		"timerfd_create "
		"timerfd_settime timerfd_gettime io_setup io_destroy io_getevents io_submit "
		"io_cancel "
		"io_pgetevents ioctl memfd_create"},
	{"memory", 0, "also executable, which every JIT needs",
		"mmap mprotect munmap brk mremap msync mincore madvise mlock munlock mlockall "
		"munlockall mlock2 "
		"pkey_mprotect pkey_alloc pkey_free membarrier get_mempolicy map_shadow_stack=453 "
		"mseal=462"},
	{"processes", 0, "the processes of the sandbox's own pid namespace",
		"clone fork vfork execve execveat exit exit_group wait4 waitid kill tkill tgkill "
		"getpid getppid "
		"gettid getpgid setpgid getpgrp getsid setsid getuid geteuid getgid getegid setuid "
		"setgid "
		"setreuid setregid getgroups setgroups setresuid getresuid setresgid getresgid "
		"setfsuid setfsgid "
		"capget capset getpriority setpriority sched_yield sched_setparam sched_getparam "
		"sched_setscheduler sched_getscheduler sched_get_priority_max "
		"sched_get_priority_min "
		"sched_rr_get_interval sched_setaffinity sched_getaffinity sched_setattr "
		"sched_getattr "
		"ioprio_set ioprio_get prctl arch_prctl set_thread_area get_thread_area "
		"set_tid_address "
		"restart_syscall rseq pidfd_open pidfd_send_signal getrlimit setrlimit prlimit64 "
		"getrusage times "
		"getcpu futex futex_waitv futex_wake=454 futex_wait=455 futex_requeue=456 "
		"set_robust_list "
		"get_robust_list"},
	{"signals", 0, "",
		"rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait "
		"rt_sigqueueinfo "
		"rt_tgsigqueueinfo rt_sigsuspend sigaltstack pause"},
	{"time", 0, "reading clocks, sleeping, timers",
		"nanosleep getitimer alarm setitimer gettimeofday time clock_gettime clock_getres "
		"clock_nanosleep timer_create timer_settime timer_gettime timer_getoverrun "
		"timer_delete"},
	{"ipc", 0, "System V and POSIX, in the sandbox's own ipc namespace",
		"shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv "
		"msgctl mq_open "
		"mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr"},
	{"system", 0, "facts about the machine, random numbers", "uname sysinfo getrandom"},
	{"network", 0, "in the sandbox's own network namespace",
		"connect accept accept4 sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg shutdown "
		"bind listen "
		"getsockname getpeername setsockopt getsockopt"},
	{"tracing", 0,
		"strace and gdb on the sandbox's own processes; pid namespace and Landlock confine "
		"it",
		"ptrace"},
	{"confinement", 0, "a program may shut itself in further",
		"landlock_create_ruleset landlock_add_rule landlock_restrict_self seccomp"},

	{"socket families", EAFNOSUPPORT,
		"unix, IPv4 and IPv6 with TCP and UDP, and route netlink are enough",
		"socket socketpair"},
	{"personality", EPERM, "foreign execution domains change what checks see", "personality"},
	{"namespaces", EPERM, "a nested user namespace opens much of the kernel to the inside",
		"unshare setns"},
	{"clone3", ENOSYS, "its flags are behind a pointer; C libraries fall back to clone",
		"clone3"},
	{"mounts", EPERM, "the cell's mounts are its walls",
		"mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick open_tree "
		"move_mount mount_setattr"},
	{"file handles", EPERM, "a handle reaches a file whatever the mounts are",
		"open_by_handle_at name_to_handle_at"},
	{"keyrings", EPERM, "keys belong to users, not to namespaces",
		"add_key request_key keyctl"},
	{"io_uring", EPERM, "does what this filter cannot see",
		"io_uring_setup io_uring_enter io_uring_register"},
	{"kernel programs", EPERM, "", "bpf perf_event_open lookup_dcookie"},
	{"page faults", EPERM, "stops the kernel in the middle of a copy, which exploits want",
		"userfaultfd"},
	{"foreign memory", ENOSYS, "strace and gdb fall back to ptrace, which is checked",
		"process_vm_readv process_vm_writev"},
	{"foreign processes", EPERM, "", "pidfd_getfd kcmp process_madvise"},
	{"kernel code", EPERM, "",
		"init_module finit_module delete_module kexec_load kexec_file_load reboot"},
	{"clock", EPERM, "one for the whole machine",
		"settimeofday clock_settime clock_adjtime adjtimex"},
	{"hardware", EPERM, "", "iopl ioperm modify_ldt"},
	{"machine", EPERM, "belongs to the host's administrator",
		"acct swapon swapoff quotactl quotactl_fd syslog vhangup sethostname "
		"setdomainname"},
	{"memory placement", EPERM, "",
		"mbind set_mempolicy set_mempolicy_home_node migrate_pages move_pages"},
	{"watching", EPERM, "watches whole file systems", "fanotify_init fanotify_mark"},
	{"page gifts", EPERM, "pages in a pipe that their owner can still write", "vmsplice"},
};

#define SC_IS(arg, value)                                                                          \
	{                                                                                          \
		(arg) + 1, 0, SC_WORD, (value), 0                                                  \
	}
#define SC_MASKED(arg, mask, value)                                                                \
	{                                                                                          \
		(arg) + 1, 0, (mask), (value), 0                                                   \
	}
#define SC_NULL(arg)                                                                               \
	SC_IS(arg, 0),                                                                             \
	{                                                                                          \
		(arg) + 1, 0, SC_WORD, 0, 1                                                        \
	}
#define SC_ANY_OF(arg, mask)                                                                       \
	{                                                                                          \
		(arg) + 1, 1, (mask), 0, 0                                                         \
	}
#define SC_ALL CELL_SECCOMP_ALL_
#define SC_DIRECT (1U << CELL_SECCOMP_DIRECT)
#define SC_BAD_IOCTL(cmd, why)                                                                     \
	{                                                                                          \
		"ioctl", SC_ALL, {SC_IS(1, cmd)}, EPERM, why                                       \
	}
#define SC_INET(family)                                                                            \
	{"socket", SC_ALL, {SC_IS(0, family), SC_MASKED(1, SC_SOCK_TYPE, 1), SC_IS(2, 0)}, 0,      \
		"TCP"},                                                                            \
		{"socket", SC_ALL, {SC_IS(0, family), SC_MASKED(1, SC_SOCK_TYPE, 1), SC_IS(2, 6)}, \
			0, "TCP"},                                                                 \
		{"socket", SC_ALL, {SC_IS(0, family), SC_MASKED(1, SC_SOCK_TYPE, 2), SC_IS(2, 0)}, \
			0, "UDP"},                                                                 \
		{"socket", SC_ALL,                                                                 \
			{SC_IS(0, family), SC_MASKED(1, SC_SOCK_TYPE, 2), SC_IS(2, 17)}, 0,        \
			"UDP"},                                                                    \
		{"socket", SC_ALL, {SC_IS(0, family), SC_MASKED(1, SC_SOCK_TYPE, 3)}, EPERM,       \
			"raw packets"},                                                            \
	{                                                                                          \
		"socket", SC_ALL, {SC_IS(0, family)}, EPROTONOSUPPORT,                             \
			"MPTCP, SCTP, DCCP, ICMP, UDP-Lite, SMC"                                   \
	}

static const struct cell_seccomp_clause sc_clauses[] = {
	{"clone", SC_ALL, {SC_ANY_OF(0, SC_CLONE_NEW)}, EPERM, "new namespaces"},
	/* unshare of what is the process's own, as threads do with CLONE_FS, is harmless. */
	{"unshare", SC_ALL, {SC_MASKED(0, SC_UNSHARE_NEW, 0)}, 0, "of the process's own things"},

	/* personality(2): the query, Linux, and Linux without address randomisation for gdb. */
	{"personality", SC_ALL, {SC_IS(0, 0xffffffffU)}, 0, "the query"},
	{"personality", SC_ALL, {SC_IS(0, 0)}, 0, "Linux"},
	{"personality", SC_ALL, {SC_IS(0, 0x0040000)}, 0, "ADDR_NO_RANDOMIZE, for gdb"},

	{"socket", SC_ALL, {SC_IS(0, 1)}, 0,
		"unix: paths are the cell's, abstract names its network namespace's"},
	{"socketpair", SC_ALL, {SC_IS(0, 1)}, 0, "unix"},
	SC_INET(2),
	SC_INET(10),
	{"socket", SC_ALL, {SC_IS(0, 16), SC_IS(2, 0)}, 0, "route netlink"},
	/* What libaudit takes for a kernel without audit. */
	{"socket", SC_ALL, {SC_IS(0, 16)}, EPROTONOSUPPORT,
		"netfilter, audit, uevent and other netlinks"},

	/* {IPT,IP6T}_SO_SET_REPLACE, SO_SET_ADD_COUNTERS, ARPT_, EBT_: old packet filters. */
	{"setsockopt", SC_ALL, {SC_IS(1, 0), SC_MASKED(2, ~1U, 64)}, EPERM,
		"iptables' own interface"},
	{"setsockopt", SC_ALL, {SC_IS(1, 41), SC_MASKED(2, ~1U, 64)}, EPERM,
		"ip6tables' own interface"},
	{"setsockopt", SC_ALL, {SC_IS(1, 0), SC_MASKED(2, ~1U, 96)}, EPERM,
		"arptables' own interface"},
	{"setsockopt", SC_ALL, {SC_IS(1, 0), SC_MASKED(2, ~1U, 128)}, EPERM,
		"ebtables' own interface"},

	SC_BAD_IOCTL(0x5412, "TIOCSTI types into the terminal"),
	SC_BAD_IOCTL(0x541C, "TIOCLINUX pastes into the console"),
	SC_BAD_IOCTL(0x541D, "TIOCCONS takes the console's output"),
	SC_BAD_IOCTL(0x5423, "TIOCSETD loads line disciplines"),
	SC_BAD_IOCTL(0x5437, "TIOCVHANGUP"),
	SC_BAD_IOCTL(0x541F, "TIOCSSERIAL reprograms a port"),
	{"ioctl", SC_ALL, {SC_MASKED(1, 0xffffff00U, 0x4B00)}, EPERM,
		"keyboard and font of the console (KD*)"},
	{"ioctl", SC_ALL, {SC_MASKED(1, 0xffffff00U, 0x5600)}, EPERM, "virtual terminals (VT_*)"},
	SC_BAD_IOCTL(0x40806685U, "FS_IOC_ENABLE_VERITY freezes a file for its owner too"),
	SC_BAD_IOCTL(0x800c6613U, "FS_IOC_SET_ENCRYPTION_POLICY locks a directory up"),
	SC_BAD_IOCTL(0xc0506617U, "FS_IOC_ADD_ENCRYPTION_KEY"),

	{"prctl", SC_ALL, {SC_IS(0, 35)}, EPERM, "PR_SET_MM moves what /proc shows"},

	/*
	 * RLIMIT_CORE stays 1 (enter.c): at 0 the kernel would again start the host's
	 * handler for core dumps. Programs that turn dumps off for their secrets' sake
	 * are told that it is done, which is true.
	 */
	{"setrlimit", SC_ALL, {SC_IS(0, 4)}, CELL_SECCOMP_PRETEND,
		"core dumps are off, and stay so"},
	{"prlimit64", SC_ALL, {SC_IS(1, 4), SC_NULL(2)}, 0, "asking for the limit of core dumps"},
	{"prlimit64", SC_ALL, {SC_IS(1, 4)}, CELL_SECCOMP_PRETEND,
		"core dumps are off, and stay so"},

	/*
	 * The inside writes the host's own files there, as the user: a setuid program
	 * would stay behind. mkdir ignores these bits. openat2 has its mode behind a
	 * pointer; programs fall back to openat. fchmodat2 likewise to fchmodat.
	 */
	{"chmod", SC_DIRECT, {SC_ANY_OF(1, 06000)}, EPERM, "setuid and setgid"},
	{"fchmod", SC_DIRECT, {SC_ANY_OF(1, 06000)}, EPERM, "setuid and setgid"},
	{"fchmodat", SC_DIRECT, {SC_ANY_OF(2, 06000)}, EPERM, "setuid and setgid"},
	{"fchmodat2", SC_DIRECT, {SC_ANY_OF(2, 06000)}, EPERM, "setuid and setgid"},
	{"creat", SC_DIRECT, {SC_ANY_OF(1, 06000)}, EPERM, "setuid and setgid"},
	{"mknod", SC_DIRECT, {SC_ANY_OF(1, 06000)}, EPERM, "setuid and setgid"},
	{"mknodat", SC_DIRECT, {SC_ANY_OF(2, 06000)}, EPERM, "setuid and setgid"},
	/* O_CREAT, __O_TMPFILE: without them the mode may be anything. */
	{"open", SC_DIRECT, {SC_ANY_OF(1, 020000100), SC_ANY_OF(2, 06000)}, EPERM,
		"setuid and setgid"},
	{"openat", SC_DIRECT, {SC_ANY_OF(2, 020000100), SC_ANY_OF(3, 06000)}, EPERM,
		"setuid and setgid"},
	{"openat2", SC_DIRECT, {{0}}, ENOSYS, "its mode is behind a pointer"},
};

#endif
