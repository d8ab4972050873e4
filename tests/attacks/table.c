/*
 * The attacks, by row of the catalogue, and what keeps each out. Which line, when it
 * is taken away, turns which rows red (those marked + were tried: the line was taken
 * away and the rows did turn red):
 *
 *   mount namespace and new root (enter.c: pivot_root)      F1-F4 F14 F26 F27 F31 I1 I3-I10 K21
 *   staged overlay instead of the project itself            F8-F11 F22 F23 F33, I1 the project's
 * socket op_mask, + check_links, plan_masks (enter.c, plan.c)    F7 F12, + F6, F36 execve of
 * bailey-init with an empty environment         F16 the environment of PID 1 (with the next)
 * + PR_SET_DUMPABLE in bailey-init                          F16 the environment of PID 1, F18
 *   rebuilt environment (policy)                            F16 I3 I4 I6-I9, the variables
 *   pid namespace, own /proc                                F14 F16 F17 K12 K13, any process's
 * + system call filter                                      K1-K3 K5 K7 K8 and K6
 *   Landlock                                                none alone: the second opinion; unit
 * tests. With the filter gone it still holds F19 own devpts, own /dev F29 F30
 * + CLONE_NEWIPC                                            F28 System V
 * + CLONE_NEWNET                                            all: the cell is not built without it
 * + NO_NEW_PRIVS                                            all: no filter without it
 *   tmpfs sizes, rlimits                                    F25 K14
 * + leave_some_for_the_user (enter.c)                       K14 inotify
 * + RLIMIT_CORE 1, and the filter's clause on it            K21 the handler
 *   terminal filter of the relay                            K18
 *   the relay's own pipes and pty                           F15 stdin, K1 the caller's terminal
 *   close_range (three: the command's, the supervisor's,    F15 I11, when all three are gone
 *     the cell's), O_CLOEXEC everywhere
 *   new session keyring                                     K2, when the filter is gone as well
 *   PDEATHSIG, end of the pid namespace                     K13
 *
 * Rows of the catalogue that are not here, and where they are: F5 F24 F34 (diff and
 * apply: tests of workspace/), F13 (no rules by pattern in this version), F32 (no
 * images), F35 (no vm), K9 (no seccomp-notify), K11
 * (no rules by program), K15 and K19 (session tests), K20 (no switch exists).
 */
#include "attacks.h"

#define IOCTL(hex, name)                                                                           \
	{                                                                                          \
		"K1", name " on a pipe reaches the kernel",                                        \
		{                                                                                  \
			"ioctl-reaches", hex                                                       \
		}                                                                                  \
	}
#define IOCTL_HIGH(hex, name)                                                                      \
	{                                                                                          \
		"K1", name " with a high bit set",                                                 \
		{                                                                                  \
			"ioctl-reaches", hex                                                       \
		}                                                                                  \
	}
#define CALL(name)                                                                                 \
	{                                                                                          \
		"K6", name,                                                                        \
		{                                                                                  \
			"call", name                                                               \
		}                                                                                  \
	}
/* The kernel asks for a capability before it looks at anything else. */
#define ROOT_CALL(name)                                                                            \
	{                                                                                          \
		"K6", name, {"call", name}, .flags = ROOT_ONLY                                     \
	}
#define LACKING_CALL(name)                                                                         \
	{                                                                                          \
		"K6", name, {"call", name}, .flags = ROOT_ONLY | MAY_LACK                          \
	}
#define SOCKET(text, ...)                                                                          \
	{                                                                                          \
		"K7", text, {"socket", __VA_ARGS__}, .flags = MAY_LACK                             \
	}
#define RC(path)                                                                                   \
	{                                                                                          \
		"F27", "write " path, {"write", "@H/" path}, .effect = EVIL_IN, .arg = "@H/" path  \
	}
#define CACHE(path)                                                                                \
	{                                                                                          \
		"F26", "write " path, {"write", "@H/" path}, .effect = EVIL_IN, .arg = "@H/" path  \
	}
#define ENV(row_, name)                                                                            \
	{                                                                                          \
		row_, name " is set",                                                              \
		{                                                                                  \
			"env", name                                                                \
		}                                                                                  \
	}
#define UNIX(row_, path)                                                                           \
	{                                                                                          \
		row_, "connect to " path,                                                          \
		{                                                                                  \
			"unix", path                                                               \
		}                                                                                  \
	}
#define ESCAPE(text_, bytes)                                                                       \
	{                                                                                          \
		"K18", text_, {"print", bytes}, .flags = ON_TTY, .effect = PRINTED, .arg = bytes   \
	}

const struct attack attacks[] = {
	{"F1", "read a file beside the home", {"read", "@T/canary"}},
	{"F1", "read a file of the home", {"read", "@H/.canary"}},
	{"F1", "read an ssh key", {"read", "@H/.ssh/id_ed25519"}},
	{"F1", "read cloud credentials", {"read", "@H/.aws/credentials"}},
	{"F1", "read .netrc", {"read", "@H/.netrc"}},
	{"F1", "read the host's users", {"read-has", "/etc/passwd", "messagebus"},
		.flags = MAY_LACK},
	{"F1", "read another project", {"read", "@T/other/secret-plans"}},
	{"F2", "list the home", {"list", "@H", ".ssh"}},
	{"F2", "list beside the home", {"list", "@T", "canary"}},
	{"F2", "stat a file outside", {"stat", "@T/canary"}},
	{"F2", "stat a key", {"stat", "@H/.ssh/id_ed25519"}},
	{"F3", "chmod a directory of the home", {"chmod", "@H/.ssh"}},
	{"F3", "utime a key", {"utime", "@H/.ssh/id_ed25519"}},
	{"F3", "setxattr a key", {"setxattr", "@H/.ssh/id_ed25519", "user.x"}},
	{"F3", "chdir into .ssh", {"chdir", "@H/.ssh"}},
	{"F4", "symlink of its own to a file outside", {"symlink-read", "@T/canary", "@P/l"}},
	{"F4", "the host's symlink to a file outside", {"read", "@P/hostlink"}},
	{"F4", "the host's symlink to a directory above", {"read", "@P/updir/canary"}},
	{"F6", "a masked file by its other name", {"read-has", "@P/other-name", "SECRET"},
		.options = {"--mask", "@P/linked"}, .says = "would still show it"},
	{"F6", "a masked file, both names masked", {"read-has", "@P/other-name", "SECRET"},
		.options = {"--mask", "@P/linked", "--mask", "@P/other-name"}},
	{"F7", "a masked file", {"read-has", "@P/.env", "SECRET"},
		.options = {"--mask", "@P/.env"}},
	{"F7", "link a masked file", {"link-read", "@P/.env", "@P/y"},
		.options = {"--mask", "@P/.env"}},
	{"F7", "rename a masked file", {"rename-read", "@P/.env", "@P/z"},
		.options = {"--mask", "@P/.env"}},
	{"F7", "unlink a masked file", {"unlink", "@P/.env"}, .options = {"--mask", "@P/.env"}},
	{"F7", "a file in a masked directory", {"read", "@P/masked/key"},
		.options = {"--mask", "@P/masked"}},
	{"F7", "rename the directory of a masked file",
		{"rename-read", "@P/masked", "@P/seen", "key"},
		.options = {"--mask", "@P/masked/key"}},
	{"F8", "rename .git away and plant a hook",
		{"ancestor-swap", "@P/.git", "hooks/pre-commit"}, .effect = EVIL_IN,
		.arg = "@P/.git/hooks/pre-commit"},
	{"F8", "write a hook", {"write", "@P/.git/hooks/pre-commit"}, .effect = EVIL_IN,
		.arg = "@P/.git/hooks/pre-commit"},
	{"F9", "exchange .git with another directory", {"exchange", "@P/.git", "@P/other"},
		.effect = MISSING, .arg = "@P/.git/config"},
	{"F9", "rename the project away", {"ancestor-swap", "@P", "planted"}, .effect = EVIL_IN,
		.arg = "@P/planted"},
	{"F9", "rename the home away", {"ancestor-swap", "@H", ".bashrc"}, .effect = EVIL_IN,
		.arg = "@H/.bashrc", .control = {"write", "@H/.bashrc"}},
	{"F10", "create .mcp.json", {"write", "@P/.mcp.json"}, .effect = EVIL_IN,
		.arg = "@P/.mcp.json"},
	{"F10", "create .claude/settings.json", {"write", "@P/.claude/settings.json"},
		.effect = EVIL_IN, .arg = "@P/.claude/settings.json"},
	{"F11", "replace a symlink by a directory", {"replace-link", "@P/.vscode"},
		.effect = EVIL_IN, .arg = "@P/.vscode/tasks.json"},
	{"F12", "mask with a trailing slash", {"read", "@P/masked/key"},
		.options = {"--mask", "@P/masked/"}},
	{"F12", "mask with two slashes", {"read", "@P/masked/key"},
		.options = {"--mask", "@P//masked"}},
	{"F12", "mask with dots", {"read", "@P/masked/key"},
		.options = {"--mask", "@P/./a/../masked"}},
	{"F12", "a mask given relative to the project", {"read", "@P/masked/key"},
		.options = {"--mask", "masked"}},
	{"F14", "/proc/self/root", {"read", "/proc/self/root@T/canary"}},
	{"F14", "/proc/1/root", {"read", "/proc/1/root@T/canary"},
		.control = {"read", "/proc/@SLEEPER/root@T/canary"}},
	{"F14", "/proc/self/cwd/..", {"read", "/proc/self/cwd/../../canary"}},
	{"F14", "any process's root, cwd and descriptors", {"proc-links", "@T/canary"}},
	{"F14", "any process's open directories", {"proc-links", "/canary"}},
	{"F15", "an inherited descriptor", {"fd-read", "9"}},
	{"F15", "an inherited descriptor with a high number", {"fd-read", "700"}},
	{"F15", "any inherited descriptor", {"fd-scan"}},
	{"F15", "the caller's stdin, opened again for writing", {"reopen-stdin"},
		.flags = STDIN_FILE, .effect = EVIL_IN, .arg = "@T/notes"},
	{"F15", "a directory as the caller's stdin", {"stdin-dir", "canary"}, .flags = STDIN_DIR},
	{"F16", "environment of PID 1", {"environ-of", "1"}, .control = {"environ-of", "@SLEEPER"}},
	{"F16", "a secret in any process's environment", {"environ-scan", "@MARK-env"}},
	ENV("F16", "AWS_SECRET_ACCESS_KEY"),
	ENV("F16", "GITHUB_TOKEN"),
	ENV("F16", "MY_PASSWORD"),
	ENV("F16", "BASH_ENV"),
	ENV("F16", "LD_AUDIT"),
	ENV("F16", "NODE_OPTIONS"),
	{"F17", "a command line of the host's", {"cmdline-scan", "@MARK"}},
	{"F17", "the host's other mounts", {"read-has", "/proc/self/mountinfo", " /sys/fs/cgroup"},
		.flags = MAY_LACK},
	{"F18", "memory of PID 1", {"mem-of", "1"}, .control = {"mem-of", "@SLEEPER"}},
	{"F18", "process_vm_readv of PID 1", {"vm-read", "1"}, .control = {"vm-read", "@SLEEPER"}},
	{"F18", "ptrace PID 1", {"ptrace", "1"}, .control = {"ptrace", "@SLEEPER"}},
	{"F18", "a descriptor of PID 1", {"pidfd-getfd", "1"},
		.control = {"pidfd-getfd", "@SLEEPER"}},
	{"F19", "mount a tmpfs in namespaces of its own", {"mount-tmpfs", "@P/mnt"}},
	{"F19", "bind mount over", {"mount-bind", "@P/a", "@P/mnt"}},
	{"F19", "take a mount away", {"umount", "@P/mnt", "own"}},
	{"F19", "take a mask away", {"umount", "@P/.env"}, .options = {"--mask", "@P/.env"},
		.control = {"umount", "@P/mnt", "own"}},
	{"F19", "mount an overlay", {"overlay", "@P/a", "@P/mnt"}},
	{"F20", "fsopen, fsmount", {"fsopen"}},
	{"F20", "open_tree, move_mount", {"open-tree", "@P/mnt"}},
	{"F20", "mount_setattr", {"mount-setattr", "@P/mnt"}},
	{"F20", "pivot_root", {"pivot-root", "@P/mnt"}},
	{"F20", "chroot", {"chroot", "@P/mnt"}},
	{"F21", "a file by its handle", {"file-handle", "@P"}, .flags = ROOT_ONLY,
		.control = {"file-handle", "/tmp"}},
	{"F22", "a setuid program in the project", {"suid-plant", "@P/s"}, .effect = SUID_ON,
		.arg = "@P/s"},
	{"F22", "a setuid program in the home", {"suid-plant", "@H/s"}, .effect = SUID_ON,
		.arg = "@H/s"},
	{"F23", "a FIFO where git reads", {"mknod", "@P/.git/info/exclude", "p", "0"},
		.effect = FIFO_AT, .arg = "@P/.git/info/exclude"},
	{"F23", "a socket in the project", {"mknod", "@P/evil.sock", "s", "0"}, .effect = EXISTS,
		.arg = "@P/evil.sock"},
	{"F25", "fill /tmp", {"fill", "/tmp/bailey-attack-fill", "0x5000000"},
		.options = {"--set", "limits.tmp=16M"}},
	{"F25", "fill /dev/shm", {"fill", "/dev/shm/bailey-attack-fill", "0x5000000"},
		.options = {"--set", "limits.tmp=16M"}},
	{"F25", "fill /var/tmp", {"fill", "/var/tmp/bailey-attack-fill", "0x5000000"},
		.options = {"--set", "limits.tmp=16M"}},
	{"F25", "inodes of /tmp", {"fill-inodes", "/tmp/bailey-attack-inodes", "20000"},
		.options = {"--set", "limits.tmp=16M"}},
	CACHE(".cargo/bin/cargo"),
	CACHE(".local/bin/git"),
	CACHE("project/node_modules/.bin/eslint"),
	CACHE("project/venv/bin/python"),
	RC(".bashrc"),
	RC(".profile"),
	RC(".zshenv"),
	RC(".config/fish/config.fish"),
	RC(".config/autostart/x.desktop"),
	RC(".config/systemd/user/x.service"),
	RC(".local/share/applications/x.desktop"),
	RC(".pam_environment"),
	RC(".ssh/config"),
	RC(".ssh/authorized_keys"),
	RC(".gitconfig"),
	RC(".config/git/hooks/pre-commit"),
	RC(".npmrc"),
	RC(".config/pip/pip.conf"),
	RC(".cargo/config.toml"),
	RC(".docker/config.json"),
	RC(".config/bailey/config.toml"),
	{"F28", "POSIX shared memory", {"posix-shm", "/@MARK"}},
	{"F28", "System V shared memory", {"sysv-shm", "@SHMKEY"}},
	{"F28", "a POSIX message queue", {"mq", "/@MARK"}},
	{"F29", "another terminal", {"write", "@PTS"}, .effect = PTY_WRITTEN},
	{"F30", "devices in /dev", {"dev-nodes"}},
	{"F30", "make a device in the project", {"mknod", "@P/mem", "c", "0x101"},
		.flags = ROOT_ONLY},
	{"F30", "make a device in /tmp", {"mknod", "/tmp/@MARK-null", "c", "0x103"},
		.flags = ROOT_ONLY},
	{"F31", "other directories of the host",
		{"any-of", "/boot", "/mnt", "/media", "/srv", "/net", "/lost+found"}},
	{"F33", "a whiteout", {"mknod", "@P/whiteout", "c", "0"}},
	{"F36", "a masked file that the host replaces meanwhile",
		{"after-stdin", "read-has", "@P/.env", "SECRET"}, .flags = HOST_REPLACES,
		.options = {"--mask", "@P/.env"}},
	{"F36", "unlink a masked file that the host replaced", {"after-stdin", "unlink", "@P/.env"},
		.flags = HOST_REPLACES, .options = {"--mask", "@P/.env"}},
	{"F36", "a masked file of a mount that the host replaces meanwhile",
		{"after-stdin", "read-has", "@T/other/.env", "SECRET"}, .flags = HOST_REPLACES,
		.options = {"--mount", "@T/other:rw", "--mask", "@T/other/.env"},
		.says = "comes off"},

	{"K1", "type into the terminal", {"tiocsti"}, .flags = ON_TTY, .effect = TYPED},
	{"K1", "type into the terminal, a high bit set", {"tiocsti", "high"}, .flags = ON_TTY,
		.effect = TYPED},
	{"K1", "type into the terminal it sees", {"tiocsti"}, .flags = ON_TTY},
	IOCTL("0x5412", "TIOCSTI"),
	IOCTL("0x541C", "TIOCLINUX"),
	IOCTL("0x541D", "TIOCCONS"),
	IOCTL("0x5423", "TIOCSETD"),
	IOCTL("0x541F", "TIOCSSERIAL"),
	IOCTL("0x4B3A", "KDSETMODE"),
	IOCTL("0x5606", "VT_ACTIVATE"),
	IOCTL_HIGH("0x100005412", "TIOCSTI"),
	IOCTL_HIGH("0xffffffff0000541C", "TIOCLINUX"),
	{"K2", "a key of the caller's session", {"key-read", "@MARK"}},
	{"K2", "give a keyring to the parent", {"key-to-parent"}},
	{"K3", "io_uring", {"io-uring"}},
	{"K4", "a call by int 0x80", {"int80"}, .flags = MAY_LACK},
	{"K4", "a call of x32", {"x32"}, .flags = MAY_LACK},
	{"K4", "another personality", {"personality", "0x8"}},
	{"K5", "unshare the user namespace", {"unshare", "0x10000000"}},
	{"K5", "unshare user and network", {"unshare", "0x50000000"}},
	{"K5", "clone with a user namespace", {"clone", "0x10000000"}},
	{"K5", "clone3 with a user namespace", {"clone3", "0x10000000"}},
	{"K5", "clone3 at all", {"clone3", "0x0"}},
	{"K5", "join a namespace of PID 1", {"setns", "1", "user"},
		.control = {"setns", "@SLEEPER", "mnt"}, .flags = ROOT_ONLY},
	CALL("bpf"),
	CALL("perf_event_open"),
	CALL("userfaultfd"),
	CALL("io_uring_enter"),
	CALL("io_uring_register"),
	CALL("add_key"),
	CALL("request_key"),
	CALL("keyctl"),
	CALL("kcmp"),
	CALL("process_madvise"),
	CALL("pidfd_getfd"),
	CALL("process_vm_readv"),
	CALL("process_vm_writev"),
	CALL("vmsplice"),
	CALL("mbind"),
	CALL("set_mempolicy"),
	CALL("migrate_pages"),
	CALL("move_pages"),
	CALL("fanotify_init"),
	CALL("fanotify_mark"),
	CALL("name_to_handle_at"),
	ROOT_CALL("open_by_handle_at"),
	CALL("quotactl"),
	ROOT_CALL("acct"),
	ROOT_CALL("swapon"),
	ROOT_CALL("swapoff"),
	CALL("settimeofday"),
	CALL("clock_settime"),
	CALL("clock_adjtime"),
	CALL("adjtimex"),
	LACKING_CALL("kexec_load"),
	LACKING_CALL("kexec_file_load"),
	LACKING_CALL("init_module"),
	LACKING_CALL("finit_module"),
	LACKING_CALL("delete_module"),
	ROOT_CALL("reboot"),
	ROOT_CALL("syslog"),
	ROOT_CALL("sethostname"),
	ROOT_CALL("setdomainname"),
	CALL("mount"),
	ROOT_CALL("umount2"),
	ROOT_CALL("pivot_root"),
	CALL("chroot"),
	ROOT_CALL("fsopen"),
	CALL("fsconfig"),
	ROOT_CALL("fsmount"),
	ROOT_CALL("fspick"),
	CALL("open_tree"),
	ROOT_CALL("move_mount"),
	ROOT_CALL("mount_setattr"),
	CALL("setns"),
#ifdef __x86_64__
	CALL("modify_ldt"),
	LACKING_CALL("iopl"),
	LACKING_CALL("ioperm"),
#endif
	SOCKET("packet sockets", "17", "3", "0", "own"),
	SOCKET("raw IPv4 sockets", "2", "3", "255", "own"),
	SOCKET("raw IPv6 sockets", "10", "3", "58", "own"),
	SOCKET("ping sockets", "2", "2", "1", "own"),
	SOCKET("MPTCP", "2", "1", "262"),
	SOCKET("MPTCP over IPv6", "10", "1", "262"),
	SOCKET("SCTP", "2", "1", "132"),
	SOCKET("DCCP", "2", "6", "33"),
	SOCKET("UDP-Lite", "2", "2", "136"),
	SOCKET("netlink of netfilter", "16", "3", "12"),
	SOCKET("netlink of uevents", "16", "3", "15"),
	SOCKET("netlink of audit", "16", "3", "9"),
	SOCKET("netlink of sockets' diagnosis", "16", "3", "4"),
	SOCKET("generic netlink", "16", "3", "16"),
	SOCKET("vsock", "40", "1", "0"),
	SOCKET("crypto (AF_ALG)", "38", "5", "0"),
	SOCKET("TIPC", "30", "1", "0"),
	SOCKET("RDS", "21", "5", "0"),
	SOCKET("CAN", "29", "3", "1"),
	SOCKET("Bluetooth", "31", "3", "1"),
	SOCKET("KCM", "41", "2", "0"),
	SOCKET("QIPCRTR", "42", "2", "0"),
	SOCKET("SMC", "43", "1", "0"),
	SOCKET("XDP", "44", "3", "0", "own"),
	{"K7", "a socketpair of another family", {"socketpair", "30", "1"}, .flags = MAY_LACK},
	{"K8", "connect to the host by vsock", {"vsock", "1", "@VSOCK"}, .flags = MAY_LACK},
	{"K8", "connect to the machine below by vsock", {"vsock", "2", "1"}, .flags = MAY_LACK},
	{"K10", "read a file, from a copy in memory", {"via-memfd", "read", "@T/canary"}},
	{"K10", "a forbidden call, from a copy in memory", {"via-memfd", "io-uring"}},
	{"K10", "read a file, through /proc/self/root",
		{"/proc/self/root/usr/bin/cat", "@T/canary"}, .flags = NO_PROBE},
#ifdef __x86_64__
	{"K10", "read a file, through the dynamic linker",
		{"/lib64/ld-linux-x86-64.so.2", "/usr/bin/cat", "@T/canary"}, .flags = NO_PROBE},
#endif
	{"K12", "kill a process of the host", {"kill", "@SLEEPER"}, .effect = SLEEPER_DEAD},
	{"K12", "kill everything", {"kill-all", "inside"}, .control = {"kill", "@SLEEPER"},
		.effect = SLEEPER_DEAD},
	{"K13", "leave a daemon behind", {"daemonise", "@MARK"}, .effect = LINGERS, .arg = "@MARK"},
	{"K14", "many processes", {"fork-bomb", "300"}, .options = {"--pids", "100"}},
	{"K14", "many threads", {"thread-bomb", "300"}, .options = {"--pids", "100"}},
	{"K14", "many zombies", {"zombies", "300"}, .options = {"--pids", "100"}},
	{"K14", "many descriptors", {"fd-bomb", "500"}, .options = {"--set", "limits.files=200"}},
	{"K14", "raise the limit of processes", {"raise-limit", "nproc", "150"},
		.options = {"--pids", "100"}},
	{"K14", "raise the limit of descriptors", {"raise-limit", "nofile", "300"},
		.options = {"--set", "limits.files=200"}},
	{"K14", "all inotify instances of the user", {"hold-inotify"}, .flags = HOST_WATCHES,
		.effect = STARVED},
	{"K16", "gain from a setuid program", {"suid-exec", "/usr/bin/su"}},
	{"K16", "capabilities that no root inside needs", {"caps", "0x1ff7ffffa04"}, .flags = 0},
	{"K17", "core_pattern", {"open-write", "/proc/sys/kernel/core_pattern"},
		.flags = ROOT_ONLY},
	{"K17", "modprobe", {"open-write", "/proc/sys/kernel/modprobe"},
		.flags = ROOT_ONLY | MAY_LACK},
	{"K17", "sysrq", {"open-write", "/proc/sys/kernel/sysrq"}, .flags = ROOT_ONLY | MAY_LACK},
	{"K17", "sysrq-trigger", {"open-write", "/proc/sysrq-trigger"},
		.flags = ROOT_ONLY | MAY_LACK},
	{"K17", "overcommit", {"open-write", "/proc/sys/vm/overcommit_memory"}, .flags = ROOT_ONLY},
	{"K17", "ip_forward", {"open-write", "/proc/sys/net/ipv4/ip_forward"}, .flags = ROOT_ONLY},
	{"K17", "uevent_helper", {"open-write", "/sys/kernel/uevent_helper"},
		.flags = ROOT_ONLY | MAY_LACK},
	{"K17", "a processor's switch", {"open-write", "/sys/devices/system/cpu/smt/control"},
		.flags = ROOT_ONLY | MAY_LACK},
	{"K17", "control groups",
		{"any-of", "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/unified",
			"/sys/fs/cgroup/memory"}},
	ESCAPE("write the clipboard (OSC 52)", "\\e]52;c;ZXZpbA==\\a"),
	ESCAPE("read the clipboard (OSC 52)", "\\e]52;c;?\\a"),
	ESCAPE("report the title (CSI 21 t)", "\\e[21t"),
	ESCAPE("report settings (DECRQSS)", "\\eP$qm\\e\\"),
	ESCAPE("files of iTerm2 (OSC 1337)", "\\e]1337;File=name=eA==:AAAA\\a"),
	ESCAPE("notifications (OSC 777)", "\\e]777;notify;a;b\\a"),
	ESCAPE("answerback (ENQ)", "\\5"),
	{"K21", "core dumps", {"raise-limit", "core", "4096"}},
	{"K21", "run the host's handler of core dumps", {"core-handler"}},
	{"K21", "/var/tmp", {"write", "/var/tmp/@MARK"}, .effect = EXISTS, .arg = "/var/tmp/@MARK"},
	{"K21", "/tmp", {"write", "@T/left"}, .effect = EXISTS, .arg = "@T/left"},
	{"K22", "the kernel's log", {"dmesg"}, .flags = ROOT_ONLY},
	{"K22", "the kernel's addresses", {"kallsyms"}, .flags = ROOT_ONLY},
	{"K22", "tracing", {"any-of", "/sys/kernel/tracing", "/sys/kernel/debug"}},
	{"K22", "/proc/timer_list", {"read", "/proc/timer_list"}, .flags = ROOT_ONLY | MAY_LACK},
	{"K22", "/proc/keys", {"read", "/proc/keys"}},
	{"K22", "the kernel's command line", {"read", "/proc/cmdline"}},
	{"K22", "modules", {"read", "/proc/modules"}, .flags = MAY_LACK},

	UNIX("I1", "@T/plain.sock"),
	UNIX("I1", "@P/d.sock"),
	{"I3", "the nix daemon's directory", {"any-of", "/nix/var/nix/daemon-socket/socket"},
		.flags = MAY_LACK},
	{"I2", "connect to an abstract socket", {"abstract", "@MARK"}},
	UNIX("I3", "@T/run/docker.sock"),
	UNIX("I3", "@T/run/podman.sock"),
	UNIX("I3", "@H/.docker/run/docker.sock"),
	ENV("I3", "DOCKER_HOST"),
	UNIX("I4", "@T/run/bus"),
	ENV("I4", "DBUS_SESSION_BUS_ADDRESS"),
	{"I5", "the system's sockets",
		{"any-of", "/run/dbus", "/run/udev", "/run/systemd", "/run/user", "/run/sshd",
			"/run/shm", "/run/initctl"},
		.flags = MAY_LACK},
	{"I6", "an X server's abstract socket", {"abstract", "/tmp/.X11-unix/X@PID"}},
	UNIX("I6", "@T/.X11-unix/X0"),
	ENV("I6", "DISPLAY"),
	UNIX("I7", "@T/run/wayland-0"),
	UNIX("I7", "@T/run/pipewire-0"),
	ENV("I7", "WAYLAND_DISPLAY"),
	UNIX("I8", "@T/run/ssh-agent"),
	ENV("I8", "SSH_AUTH_SOCK"),
	UNIX("I8", "@T/run/S.gpg-agent"),
	UNIX("I8", "@T/run/S.gpg-agent.ssh"),
	UNIX("I8", "@H/.gnupg/S.gpg-agent"),
	UNIX("I8", "@H/.ssh/cm-host"),
	UNIX("I9", "@T/run/vscode-ipc.sock"),
	UNIX("I9", "@T/run/emacs"),
	UNIX("I9", "@T/run/nvim"),
	UNIX("I9", "@T/run/kitty"),
	ENV("I9", "VSCODE_IPC_HOOK_CLI"),
	ENV("I9", "TMUX"),
	ENV("I9", "NVIM"),
	{"I9", "a command through the host's tmux",
		{"tmux", "-S", "@T/tmux.sock", "run-shell", "echo evil >@T/owned"},
		.flags = NO_PROBE, .effect = EVIL_IN, .arg = "@T/owned"},
	UNIX("I10", "@T/run/pulse"),
	UNIX("I10", "@H/.cache/daemon.sock"),
	{"I11", "a descriptor that nobody vetted", {"fd-scan"}},
	{"N13", "a port of the host, IPv4", {"tcp", "127.0.0.1", "@TCP4"}},
	{"N13", "a port of the host, 0.0.0.0", {"tcp", "0.0.0.0", "@TCP4"}},
	{"N13", "a port of the host, IPv6", {"tcp", "::1", "@TCP6"}, .flags = MAY_LACK},
	{"N13", "a packet to the host", {"udp", "127.0.0.1", "@UDP4"}, .effect = UDP_RECEIVED},
};
const size_t n_attacks = ARRAY_SIZE(attacks);
