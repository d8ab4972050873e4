/*
 * Theory of operation. The new root is a tmpfs that is attached over the old root
 * inside our own mount namespace, filled by descriptor, made read-only, and swapped
 * in by pivot_root(".", "."); the old root is then detached, so no path leads
 * there. Sources are cloned detached trees (open_tree): no mount point is ever made
 * on the host. Targets are opened with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS
 * below the new root, because a home directory kept from an earlier run may hold
 * any symlink that the inside liked to plant.
 */
#include "enter.h"

#include "cell/landlock.h"
#include "cell/seccomp.h"
#include "ipc/msg.h"
#include "sys/fs.h"
#include "sys/kernel.h"

#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#define BENEATH (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)
/* Files of /etc up to this size are copied: cheaper than a mount and nothing to see in mountinfo.
 */
#define COPY_MAX (16 * 1024)
/* For what we put into the root ourselves. */
#define ROOT_SIZE (16 << 20)
#define EMPTY_FILE ".empty"
#define EMPTY_DIR ".none"

/* A masked file that has other names as well. */
struct masked_file {
	dev_t dev;
	ino_t ino;
	nlink_t names, hidden;
	const char *path;
};

struct enter {
	const struct cell_enter_args *args;
	int root;   /* the new root */
	int parent; /* see open_parent */
	char *parent_path;
	int *trees; /* by operation: a source tree from the parent, or -1 */
	int devpts;
	int layer; /* of an overlay in memory, or -1 */
	struct masked_file *masked;
	size_t n_masked, cap_masked;
	struct msg ready; /* collects descriptors to send */
	int ready_fds[MSG_MAX_FDS];
};

static int write_proc(const char *path, const char *text, struct err **err)
{
	int r = fs_write_at(AT_FDCWD, path, text, strlen(text), 0);

	return r < 0 ? err_set(err, r, "write '%s'", path) : 0;
}

/* One id, the caller's own: needs no privilege and no helper. */
static int map_single(const struct cell_enter_args *a, struct err **err)
{
	AUTO_FREE char *uids = xasprintf("%u %u 1\n", a->plan->uid, a->host_uid);
	AUTO_FREE char *gids = xasprintf("%u %u 1\n", a->plan->gid, a->host_gid);
	int r = write_proc("/proc/self/setgroups", "deny", err);

	if (r == 0)
		r = write_proc("/proc/self/uid_map", uids, err);
	if (r == 0)
		r = write_proc("/proc/self/gid_map", gids, err);
	return r;
}

static int wait_mapped(struct enter *e, struct err **err)
{
	for (;;) {
		AUTO_MSG struct msg m = {0};
		int r = msg_recv(e->args->sock, &m);
		uint32_t n;

		if (r <= 0 || m.type != CELL_MAPPED)
			return err_set(err, r < 0 ? r : EPIPE, "wait for the id maps");
		n = msg_get_u32(&m);
		for (uint32_t i = 0; i < n; i++) {
			uint32_t op = msg_get_u32(&m);
			int fd = msg_get_fd(&m);

			if (op >= e->args->plan->n_ops * 2 || fd < 0)
				return err_set(err, EPROTO, "read the id-mapped trees");
			e->trees[op] = fd;
		}
		if (!msg_end(&m))
			return err_set(err, EPROTO, "read the id-mapped trees");
		if (n == 0)
			return 0;
	}
}

/* All of it as the inside's root, when the maps have one. */
static int become_root(struct err **err)
{
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_set(err, errno, "become the cell's root");
	return 0;
}

static int bring_up_loopback(struct err **err)
{
	struct ifreq ifr = {.ifr_name = "lo"};
	AUTO_FD int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0)
		return err_set(err, errno, "open a socket for the loopback interface");
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(s, SIOCSIFFLAGS, &ifr) < 0)
		return err_set(err, errno, "bring up the loopback interface");
	return 0;
}

static int listen_on(int family, uint16_t port)
{
	AUTO_FD int s = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in v4 = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int one = 1;

	if (s < 0)
		return -errno;
	if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		return -errno;
	if (bind(s, family == AF_INET ? (void *)&v4 : (void *)&v6,
		    family == AF_INET ? sizeof(v4) : sizeof(v6)) < 0)
		return -errno;
	return listen(s, 512) < 0 ? -errno : TAKE_FD(s);
}

/*
 * Doors for the granted host ports. A socket keeps its namespace, so the
 * supervisor's forwarder accepts here and connects there.
 */
static int send_listeners(struct enter *e, struct err **err)
{
	static const int families[] = {AF_INET, AF_INET6};

	for (size_t i = 0; i < e->args->plan->n_ports; i++) {
		AUTO_MSG struct msg m = MSG_INIT(CELL_READY);
		int fds[2] = {-1, -1};
		uint32_t n = 0;
		int r = 0;

		for (size_t f = 0; f < ARRAY_SIZE(families) && r == 0; f++) {
			int fd = listen_on(families[f], e->args->plan->ports[i].guest);

			if (fd < 0 && families[f] == AF_INET6 &&
				(fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL))
				continue; /* no IPv6 on this machine */
			if (fd < 0)
				r = err_set(err, fd, "listen on port %u inside",
					e->args->plan->ports[i].guest);
			else
				fds[n++] = fd;
		}
		msg_put_u32(&m, 0);
		msg_put_u32(&m, (uint32_t)i);
		msg_put_u32(&m, n);
		for (uint32_t k = 0; k < n; k++)
			msg_put_fd(&m, fds[k]);
		if (r == 0 && (r = msg_send(e->args->sock, &m)) < 0)
			err_set(err, r, "send the listeners");
		fd_close(fds[0]);
		fd_close(fds[1]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Sets up a file system of its own kind: key, value pairs end with NULL; a NULL value is a flag. */
static int new_fs(const char *type, const char *const *options, unsigned attr)
{
	AUTO_FD int fs = fsopen(type, FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0)
		return -errno;
	for (; *options; options += 2) {
		unsigned cmd = options[1] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

		if (fsconfig(fs, cmd, options[0], options[1], 0) < 0)
			return -errno;
	}
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(fs, FSMOUNT_CLOEXEC, attr);
	return fd < 0 ? -errno : fd;
}

static int new_tmpfs(uint64_t size, unsigned mode, unsigned attr)
{
	AUTO_FREE char *bytes = xasprintf("%llu", (unsigned long long)size);
	AUTO_FREE char *octal = xasprintf("0%o", mode ? mode : 0755);
	/* An inode costs about a kilobyte of kernel memory: bound both. */
	AUTO_FREE char *inodes = xasprintf("%llu", (unsigned long long)size / 4096 + 1024);
	const char *options[] = {"size", bytes, "nr_inodes", inodes, "mode", octal, NULL};

	return new_fs("tmpfs", size ? options : options + 4, attr);
}

static int make_parents(struct enter *e, const char *parent, const char *path, struct err **err)
{
	AUTO_FREE char *copy = xstrdup(parent);
	AUTO_FD int fd = fcntl(e->root, F_DUPFD_CLOEXEC, 3);
	char *rest = copy, *part;

	while (fd >= 0 && (part = strsep(&rest, "/"))) {
		int next;

		if (mkdirat(fd, part, 0755) < 0 && errno != EEXIST)
			return err_set(err, errno, "make the directory of '%s' inside", path);
		next = sys_openat2(fd, part, O_PATH | O_DIRECTORY, 0, BENEATH);
		if (next < 0)
			return err_set(err, next, "open the directory of '%s' inside", path);
		fd_close(fd);
		fd = next;
	}
	return TAKE_FD(fd);
}

/*
 * The directory that holds path's last component, made where missing: O_PATH,
 * borrowed, good until the next call. Neighbours come one after the other in a plan,
 * so the last one is remembered.
 */
static int open_parent(struct enter *e, const char *path, const char **ret_name, struct err **err)
{
	const char *rel = path + strspn(path, "/"), *slash = strrchr(rel, '/');
	AUTO_FREE char *parent = slash ? xstrndup(rel, (size_t)(slash - rel)) : xstrdup(".");
	int fd;

	*ret_name = slash ? slash + 1 : rel;
	if (e->parent >= 0 && str_eq(e->parent_path, parent))
		return e->parent;
	fd = sys_openat2(e->root, parent, O_PATH | O_DIRECTORY, 0, BENEATH);
	if (fd == -ENOENT)
		fd = make_parents(e, parent, path, err);
	else if (fd < 0)
		err_set(err, fd, "open the directory of '%s' inside", path);
	if (fd < 0)
		return fd;
	fd_close(e->parent);
	free(e->parent_path);
	e->parent = fd;
	e->parent_path = TAKE_PTR(parent);
	return fd;
}

/* Something new lies at path: what is remembered below it is no longer what is seen. */
static void forget_parent(struct enter *e, const char *path)
{
	const char *rel = path + strspn(path, "/");
	const char *rest = e->parent_path ? str_after(e->parent_path, rel) : NULL;

	if (rest && (*rest == '\0' || *rest == '/'))
		e->parent = fd_close(e->parent);
}

/*
 * Attaches the detached mount at dst, made where missing. The last component is not
 * followed (no MOVE_MOUNT_T_SYMLINKS), the others are without symlinks. Takes
 * ownership of the mount.
 */
static int attach(struct enter *e, int mount_fd, const char *dst, bool dir, struct err **err)
{
	AUTO_FD int mount = mount_fd;
	const char *name;
	int parent = open_parent(e, dst, &name, err);

	if (parent < 0)
		return parent;
	if ((dir ? mkdirat(parent, name, 0755) : mknodat(parent, name, S_IFREG | 0644, 0)) < 0 &&
		errno != EEXIST)
		return err_set(err, errno, "make '%s' inside", dst);
	if (move_mount(mount, "", parent, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_set(err, errno, "mount onto '%s' inside", dst);
	forget_parent(e, dst);
	return 0;
}

static int restrict_tree(int tree, unsigned flags, const char *what, struct err **err)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID};

	if (!(flags & CELL_DEVICE))
		attr.attr_set |= MOUNT_ATTR_NODEV;
	if (flags & CELL_RO)
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	if (flags & CELL_NOEXEC)
		attr.attr_set |= MOUNT_ATTR_NOEXEC;
	if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return err_set(err, errno, "restrict the mount of '%s'", what);
	return 0;
}

/* A tree of the host, detached. -ENOENT without a story when it is missing. */
static int clone_tree(struct enter *e, const struct cell_op *op, const char *src)
{
	size_t i = (size_t)(op - e->args->plan->ops);
	int fd;

	if (src == op->src && e->trees[i] >= 0)
		return TAKE_FD(e->trees[i]);
	fd = open_tree(AT_FDCWD, src, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	return fd < 0 ? -errno : fd;
}

static int op_bind(struct enter *e, const struct cell_op *op, struct err **err)
{
	AUTO_FD int tree = clone_tree(e, op, op->src);
	struct stat st;
	int r;

	if (tree == -ENOENT && (op->flags & CELL_OPTIONAL))
		return 0;
	if (tree < 0)
		return err_set(err, tree, "open '%s' to show it inside", op->src);
	if (fstat(tree, &st) < 0)
		return err_set(err, errno, "look at '%s'", op->src);
	r = restrict_tree(tree, op->flags, op->src, err);
	if (r < 0)
		return r;
	return attach(e, TAKE_FD(tree), op->dst, S_ISDIR(st.st_mode), err);
}

static int put_file(struct enter *e, const char *dst, const void *data, size_t n, unsigned mode,
	struct err **err)
{
	const char *name;
	int parent = open_parent(e, dst, &name, err);
	AUTO_FD int fd = -1;
	int r;

	if (parent < 0)
		return parent;
	fd = sys_openat2(parent, name, O_WRONLY | O_CREAT | O_TRUNC, mode ? mode : 0644, BENEATH);
	if (fd < 0)
		return err_set(err, fd, "make '%s' inside", dst);
	r = fs_write_all(fd, data, n);
	return r < 0 ? err_set(err, r, "write '%s' inside", dst) : 0;
}

static int put_symlink(struct enter *e, const char *target, const char *dst, struct err **err)
{
	const char *name;
	int parent = open_parent(e, dst, &name, err);

	if (parent < 0)
		return parent;
	if (symlinkat(target, parent, name) < 0 && errno != EEXIST)
		return err_set(err, errno, "make the symlink '%s' inside", dst);
	return 0;
}

static int op_copy(struct enter *e, const struct cell_op *op, struct err **err)
{
	AUTO_BUF struct buf b = BUF_INIT(COPY_MAX);
	int r = fs_read_at(AT_FDCWD, op->src, &b);

	if ((r == -ENOENT || r == -EACCES) && (op->flags & CELL_OPTIONAL))
		return 0;
	if (r < 0)
		return err_set(err, r, "read '%s'", op->src);
	return put_file(e, op->dst, b.data, b.len, 0444, err);
}

static int op_same(struct enter *e, const struct cell_op *op, struct err **err)
{
	AUTO_FREE char *target = NULL;
	struct stat st;
	int r;

	if (fstatat(AT_FDCWD, op->src, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (op->flags & CELL_OPTIONAL)
			return 0;
		return err_set(err, errno, "look at '%s'", op->src);
	}
	if (S_ISLNK(st.st_mode)) {
		r = fs_readlink_at(AT_FDCWD, op->src, &target);
		return r < 0 ? err_set(err, r, "read the link '%s'", op->src)
			     : put_symlink(e, target, op->dst, err);
	}
	if (S_ISREG(st.st_mode) && st.st_size <= COPY_MAX)
		return op_copy(e, op, err);
	return op_bind(e, op, err);
}

static int op_dir(struct enter *e, const struct cell_op *op, struct err **err)
{
	const char *name;
	int parent = open_parent(e, op->dst, &name, err);

	if (parent < 0)
		return parent;
	if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
		return err_set(err, errno, "make '%s' inside", op->dst);
	if (op->mode && fchmodat(parent, name, op->mode, 0) < 0)
		return err_set(err, errno, "set the mode of '%s' inside", op->dst);
	return 0;
}

static int op_symlink(struct enter *e, const struct cell_op *op, struct err **err)
{
	return put_symlink(e, op->src, op->dst, err);
}

static int op_file(struct enter *e, const struct cell_op *op, struct err **err)
{
	return put_file(e, op->dst, op->data, strlen(op->data), op->mode, err);
}

/*
 * A directory of the root's own tmpfs, made writable by a mount of its own: what can be
 * written is one file system with one limit, and costs a bind instead of a super block.
 */
static int op_tmpfs(struct enter *e, const struct cell_op *op, struct err **err)
{
	const char *name;
	int parent = open_parent(e, op->dst, &name, err), r;
	AUTO_FD int tree = -1;

	if (parent < 0)
		return parent;
	if (mkdirat(parent, name, op->mode) < 0 && errno != EEXIST)
		return err_set(err, errno, "make '%s' inside", op->dst);
	if (fchmodat(parent, name, op->mode, 0) < 0)
		return err_set(err, errno, "set the mode of '%s' inside", op->dst);
	tree = open_tree(parent, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return err_set(err, errno, "make '%s' writable inside", op->dst);
	r = restrict_tree(tree, op->flags, op->dst, err);
	return r < 0 ? r : attach(e, TAKE_FD(tree), op->dst, true, err);
}

static int op_proc(struct enter *e, const struct cell_op *op, struct err **err)
{
	static const char *const none[] = {NULL};
	int fd = new_fs("proc", none, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);

	if (fd == -EPERM) {
		err_set(err, EPERM, "make the sandbox's own /proc");
		return err_hint(err, "the kernel allows it only where /proc is whole: inside "
				     "Docker, add --security-opt systempaths=unconfined");
	}
	return fd < 0 ? err_set(err, fd, "make the sandbox's own /proc")
		      : attach(e, fd, op->dst, true, err);
}

static int op_devpts(struct enter *e, const struct cell_op *op, struct err **err)
{
	static const char *const options[] = {
		"newinstance", NULL, "ptmxmode", "0666", "mode", "0620", NULL};
	AUTO_FD int fd = new_fs("devpts", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	int copy;

	if (fd < 0)
		return err_set(err, fd, "make the sandbox's own terminals");
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return err_set(err, errno, "keep the sandbox's terminals");
	e->devpts = TAKE_FD(fd);
	return attach(e, copy, op->dst, true, err);
}

/* Shows a tree at a name in the new root for as long as an overlay is being made of it. */
static int lend(struct enter *e, int tree_fd, const char *name, struct err **err)
{
	AUTO_FREE char *path = xasprintf("/%s", name);

	return attach(e, tree_fd, path, true, err);
}

static int unlend(struct enter *e, const char *name, struct err **err)
{
	if (umount2(name, MNT_DETACH) < 0 || unlinkat(e->root, name, AT_REMOVEDIR) < 0)
		return err_set(err, errno, "take '%s' away again", name);
	return 0;
}

/*
 * A layer in memory, for changes that will be thrown away: nothing of them ever
 * reaches a disk. It looks like the project's directory; overlayfs needs extended
 * attributes, which tmpfs has since Linux 6.6.
 */
static int memory_layer(struct enter *e, const struct cell_op *op, int lower, struct err **err)
{
	AUTO_FD int layer = new_tmpfs(op->size, 0700, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	AUTO_FD int work = -1;
	struct stat st;

	if (layer < 0)
		return err_set(err, layer, "make a staging layer in memory");
	if (fstat(lower, &st) < 0 || mkdirat(layer, "upper", 0700) < 0 ||
		mkdirat(layer, "work", 0700) < 0)
		return err_set(err, errno, "prepare the staging layer");
	/* An owner without a number inside cannot be given; then it is the inside's own. */
	if (fchownat(layer, "upper", st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
		errno != EINVAL && errno != EPERM)
		return err_set(err, errno, "prepare the staging layer");
	if (fchmodat(layer, "upper", st.st_mode & 0777, 0) < 0)
		return err_set(err, errno, "prepare the staging layer");
	work = openat(layer, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (work < 0 || fsetxattr(work, "user.overlay.probe", "", 0, 0) < 0 ||
		fremovexattr(work, "user.overlay.probe") < 0) {
		err_set(err, errno, "stage changes in memory (tmpfs without extended attributes)");
		return err_hint(err, "use --keep, which stages on disk");
	}
	e->layer = fcntl(layer, F_DUPFD_CLOEXEC, 3);
	return TAKE_FD(layer);
}

/* Where the changes go: a directory of the sandbox's state, or memory. */
static int open_layer(struct enter *e, const struct cell_op *op, int lower, struct err **err)
{
	int *given = &e->trees[e->args->plan->n_ops + (size_t)(op - e->args->plan->ops)];
	int fd;

	if (!op->layer)
		return memory_layer(e, op, lower, err);
	if (*given >= 0)
		return TAKE_FD(*given);
	fd = open_tree(AT_FDCWD, op->layer, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return fd < 0 ? err_set(err, errno, "open the staging layer '%s'", op->layer) : fd;
}

/*
 * The kernel resolves lowerdir and the others as paths: they are names without any
 * special character in the new root (which is the working directory), where the
 * trees are lent, so that no path of the user's ever meets the option parser.
 */
static int op_overlay(struct enter *e, const struct cell_op *op, struct err **err)
{
	const char *options[] = {"lowerdir", ".lower", "upperdir", ".layer/upper", "workdir",
		".layer/work", "userxattr", NULL, op->flags & CELL_VOLATILE ? "volatile" : NULL,
		NULL, NULL};
	AUTO_FD int lower = clone_tree(e, op, op->src);
	AUTO_FD int layer = -1;
	int fd, r;

	if (lower < 0)
		return err_set(err, lower, "open the project '%s'", op->src);
	layer = open_layer(e, op, lower, err);
	if (layer < 0)
		return layer;
	r = lend(e, TAKE_FD(lower), ".lower", err);
	if (r == 0)
		r = lend(e, TAKE_FD(layer), ".layer", err);
	if (r < 0)
		return r;
	fd = new_fs("overlay", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (fd < 0) {
		err_set(err, fd, "stage '%s' with an overlay", op->src);
		return err_hint(err, "Bailey's state directory must be on a local file system such "
				     "as ext4, xfs, btrfs or tmpfs");
	}
	r = unlend(e, ".lower", err);
	if (r == 0)
		r = unlend(e, ".layer", err);
	if (r < 0) {
		fd_close(fd);
		return r;
	}
	return attach(e, fd, op->dst, true, err);
}

/*
 * A file with several names is masked only when all of them are: through one that
 * is not, it would be read all the same.
 */
static void note_links(struct enter *e, const struct cell_op *op, const struct stat *st)
{
	struct masked_file *f;

	if (!S_ISREG(st->st_mode) || st->st_nlink < 2)
		return;
	for (f = e->masked; f < e->masked + e->n_masked; f++)
		if (f->dev == st->st_dev && f->ino == st->st_ino) {
			f->hidden++;
			return;
		}
	GROW(e->masked, e->n_masked, e->cap_masked);
	e->masked[e->n_masked++] =
		(struct masked_file){st->st_dev, st->st_ino, st->st_nlink, 1, op->dst};
}

static int check_links(const struct enter *e, struct err **err)
{
	for (size_t i = 0; i < e->n_masked; i++) {
		const struct masked_file *f = &e->masked[i];

		if (f->hidden >= f->names)
			continue;
		err_set(err, ENOTSUP,
			"mask '%s': the file has %ju names (hard links), and %ju of them would "
			"still show it",
			f->path, (uintmax_t)f->names, (uintmax_t)(f->names - f->hidden));
		return err_hint(
			err, "mask the other names too, or make the file a copy of its own");
	}
	return 0;
}

static int op_mask(struct enter *e, const struct cell_op *op, struct err **err)
{
	AUTO_FD int target =
		sys_openat2(e->root, op->dst + strspn(op->dst, "/"), O_PATH, 0, BENEATH);
	AUTO_FD int tree = -1;
	struct stat st;
	int r;

	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0)
		return err_set(err, target, "open '%s' to mask it", op->dst);
	if (fstat(target, &st) < 0)
		return err_set(err, errno, "look at '%s'", op->dst);
	note_links(e, op, &st);
	tree = open_tree(e->root, S_ISDIR(st.st_mode) ? EMPTY_DIR : EMPTY_FILE,
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return err_set(err, errno, "prepare the mask of '%s'", op->dst);
	r = restrict_tree(tree, CELL_RO | CELL_NOEXEC, op->dst, err);
	if (r < 0)
		return r;
	if (move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_set(err, errno, "mask '%s'", op->dst);
	return 0;
}

static int op_readonly(struct enter *e, const struct cell_op *op, struct err **err)
{
	AUTO_FD int target =
		sys_openat2(e->root, op->dst + strspn(op->dst, "/"), O_PATH, 0, BENEATH);
	AUTO_FD int tree = -1;
	int r;

	if (target == -ENOENT && (op->flags & CELL_OPTIONAL))
		return 0;
	if (target < 0)
		return err_set(err, target, "open '%s' to protect it", op->dst);
	tree = open_tree(
		target, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree < 0)
		return err_set(err, errno, "protect '%s'", op->dst);
	r = restrict_tree(tree, CELL_RO | CELL_NOEXEC, op->dst, err);
	if (r < 0)
		return r;
	if (move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_set(err, errno, "protect '%s'", op->dst);
	return 0;
}

static int (*const op_run[])(struct enter *, const struct cell_op *, struct err **) = {
	[CELL_DIR] = op_dir,
	[CELL_SYMLINK] = op_symlink,
	[CELL_FILE] = op_file,
	[CELL_COPY] = op_copy,
	[CELL_SAME] = op_same,
	[CELL_BIND] = op_bind,
	[CELL_TMPFS] = op_tmpfs,
	[CELL_PROC] = op_proc,
	[CELL_DEVPTS] = op_devpts,
	[CELL_OVERLAY] = op_overlay,
	[CELL_MASK] = op_mask,
	[CELL_READONLY] = op_readonly,
};
static_assert(ARRAY_SIZE(op_run) == CELL_OP_MAX_, "a function for every operation");

static int build_root(struct enter *e, struct err **err)
{
	struct mount_attr ro = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID};
	const struct cell_plan *plan = e->args->plan;
	int r;

	e->root = new_tmpfs(plan->scratch ? plan->scratch + ROOT_SIZE : 0, 0755, 0);
	if (e->root < 0)
		return err_set(err, e->root, "make the new root");
	if (move_mount(e->root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_set(err, errno, "attach the new root");
	if (fchdir(e->root) < 0)
		return err_set(err, errno, "enter the new root");
	if (mknodat(e->root, EMPTY_FILE, S_IFREG | 0444, 0) < 0 ||
		mkdirat(e->root, EMPTY_DIR, 0555) < 0)
		return err_set(err, errno, "prepare masks");
	for (size_t i = 0; i < plan->n_ops; i++) {
		r = op_run[plan->ops[i].kind](e, &plan->ops[i], err);
		if (r < 0)
			return r;
	}
	r = check_links(e, err);
	if (r < 0)
		return r;
	if (unlinkat(e->root, EMPTY_FILE, 0) < 0 || unlinkat(e->root, EMPTY_DIR, AT_REMOVEDIR) < 0)
		return err_set(err, errno, "clear up the new root");
	if (mount_setattr(e->root, "", AT_EMPTY_PATH, &ro, sizeof(ro)) < 0)
		return err_set(err, errno, "make the new root read-only");
	/* pivot_root(2), NOTES: the old root ends up on top of the new one, at ".". */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_set(err, errno, "change the root");
	if (umount2(".", MNT_DETACH) < 0)
		return err_set(err, errno, "let go of the old root");
	if (chdir("/") < 0)
		return err_set(err, errno, "enter the new root");
	return 0;
}

static int apply_landlock(const struct cell_plan *plan, int init_fd, struct err **err)
{
	struct cell_landlock_rule *rules = xcalloc(plan->n_ops + 1, sizeof(*rules));
	AUTO_FD int fd = -1;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < plan->n_ops; i++)
		if (plan->ops[i].flags & CELL_WRITABLE)
			rules[n++] = (struct cell_landlock_rule){.path = plan->ops[i].dst,
				.optional = plan->ops[i].flags & CELL_OPTIONAL};
	r = cell_landlock_build(rules, n, &fd);
	free(rules);
	if (r == -ENOSYS || r == -EOPNOTSUPP) {
		if (plan->no_landlock)
			return 0;
		err_set(err, r, "add the second layer (Landlock)");
		return err_hint(err,
			"boot with lsm=landlock,..., or go without it: --allow-degraded landlock");
	}
	/* bailey-init lies outside the new root: it needs a rule of its own to be started. */
	if (r == 0)
		r = ll_add_path(fd, init_fd, LL_FS_EXECUTE | LL_FS_READ_FILE);
	if (r < 0)
		return err_set(err, r, "build the second layer (Landlock)");
	r = ll_restrict_self(fd);
	return r < 0 ? err_set(err, r, "apply the second layer (Landlock)") : 0;
}

/*
 * What the inside's root keeps in its own user namespace, when there is one: enough
 * to install packages and switch users. Nothing that mounts, traces, or touches the
 * network or the kernel. Without a root all of them go.
 */
#define CAP_BIT(c) (1ULL << (c))
#define ROOT_CAPS                                                                                  \
	(CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_FOWNER) |                    \
		CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_KILL) | CAP_BIT(CAP_SETGID) |                    \
		CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETPCAP) | CAP_BIT(CAP_NET_BIND_SERVICE) |       \
		CAP_BIT(CAP_SETFCAP))

static int limit_caps(bool has_root, struct err **err)
{
	uint64_t keep = has_root ? ROOT_CAPS : 0;
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = (uint32_t)keep, .permitted = (uint32_t)keep},
		{.effective = (uint32_t)(keep >> 32), .permitted = (uint32_t)(keep >> 32)},
	};

	for (int cap = 0; cap <= 63; cap++)
		if (!(keep & CAP_BIT(cap)) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) {
			if (errno == EINVAL)
				break; /* the kernel knows no more of them */
			return err_set(err, errno, "drop capability %d", cap);
		}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_set(err, errno, "clear ambient capabilities");
	if (!has_root &&
		prctl(PR_SET_SECUREBITS,
			SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
				SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
				SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
			0, 0, 0) < 0)
		return err_set(err, errno, "lock the securebits");
	if (syscall(SYS_capset, &head, data) < 0)
		return err_set(err, errno, "drop capabilities");
	return 0;
}

static void set_limit(__rlimit_resource_t what, uint64_t value)
{
	struct rlimit old, new = {value, value};

	/* Raising the hard limit is not ours to do; as far up as it goes, then. */
	if (getrlimit(what, &old) == 0 && old.rlim_max < value)
		new.rlim_cur = new.rlim_max = old.rlim_max;
	(void)setrlimit(what, &new);
}

static int confine(const struct cell_enter_args *a, struct err **err)
{
	const struct cell_plan *plan = a->plan;
	int r;

	/*
	 * Not 0: where core_pattern is a pipe, the host's handler would still be run, as
	 * its root, on what the inside makes up. 1 is the kernel's word for "never"
	 * (core(5)), and below the smallest core file as well.
	 */
	set_limit(RLIMIT_CORE, 1);
	if (plan->pids)
		set_limit(RLIMIT_NPROC, plan->pids);
	r = limit_caps(a->mapped_by_parent, err);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, errno, "set no_new_privs");
	r = apply_landlock(plan, a->init_fd, err);
	if (r < 0)
		return r;
	r = cell_seccomp_install(CELL_SECCOMP_DEFAULT);
	return r < 0 ? err_set(err, r, "install the system call filter") : 0;
}

static int send_ready(struct enter *e, struct err **err)
{
	AUTO_MSG struct msg m = MSG_INIT(CELL_READY);
	int r;

	msg_put_u32(&m, 1);
	msg_put_fd(&m, e->devpts);
	if (e->layer >= 0)
		msg_put_fd(&m, e->layer);
	r = msg_send(e->args->sock, &m);
	e->devpts = fd_close(e->devpts);
	e->layer = fd_close(e->layer);
	return r < 0 ? err_set(err, r, "report the cell as ready") : 0;
}

/*
 * Some things are counted for the user on the host, however many namespaces the
 * user makes. The inside gets no more than half, so that it cannot starve the
 * user's own programs. Best effort: a container around us may forbid the writing.
 */
static void leave_some_for_the_user(void)
{
	static const char *const counted[][2] = {
		{"/proc/sys/fs/inotify/max_user_instances", "/proc/sys/user/max_inotify_instances"},
		{"/proc/sys/fs/inotify/max_user_watches", "/proc/sys/user/max_inotify_watches"},
	};
	static const __rlimit_resource_t limits[] = {RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE};

	for (size_t i = 0; i < ARRAY_SIZE(counted); i++) {
		AUTO_BUF struct buf b = BUF_INIT(64);
		AUTO_FREE char *half = NULL;
		uint64_t n;

		if (fs_read_at(AT_FDCWD, counted[i][0], &b) < 0)
			continue;
		b.data[strcspn(b.data, "\n")] = '\0';
		if (parse_u64(b.data, 0, INT32_MAX, &n) < 0)
			continue;
		half = xasprintf("%" PRIu64, n / 2);
		(void)!fs_write_at(AT_FDCWD, counted[i][1], half, strlen(half), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit lim;

		if (getrlimit(limits[i], &lim) == 0 && lim.rlim_cur != RLIM_INFINITY)
			set_limit(limits[i], lim.rlim_cur / 2);
	}
}

static int enter(struct enter *e, struct err **err)
{
	const struct cell_enter_args *a = e->args;
	int r;

	if (setsid() < 0)
		return err_set(err, errno, "start a session");
	r = a->mapped_by_parent ? wait_mapped(e, err) : map_single(a, err);
	if (r == 0 && a->mapped_by_parent)
		r = become_root(err);
	if (r < 0)
		return r;
	/* Credentials have changed: only now does the death signal stick (prctl(2)). */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_set(err, errno, "tie the cell to its supervisor");
	umask(022);
	if (sethostname(a->plan->hostname, strlen(a->plan->hostname)) < 0)
		return err_set(err, errno, "set the host name");
	leave_some_for_the_user();
	r = bring_up_loopback(err);
	if (r == 0)
		r = send_listeners(e, err);
	if (r == 0)
		r = build_root(e, err);
	if (r < 0)
		return r;
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS) {
		r = err_set(err, errno, "start a new session keyring");
		if (r == -EDQUOT)
			err_hint(err, "each running sandbox takes one of your keys: raise the "
				      "limit with 'sysctl kernel.keys.maxkeys=2000'");
		return r;
	}
	return confine(a, err);
}

static void run_init(const struct cell_enter_args *a, struct err **err)
{
	static char name[] = "bailey-init";
	static char *const argv[] = {name, NULL};
	static char *const envp[] = {NULL};
	sigset_t none;
	int null;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0) {
		err_set(err, errno, "open the sandbox's /dev/null");
		return;
	}
	/* Descriptor 3 is the control socket, 4 the program itself, and nothing else is left. */
	if (dup3(a->sock, 300, O_CLOEXEC) < 0 || dup3(a->init_fd, 301, O_CLOEXEC) < 0 ||
		dup2(300, 3) < 0 || dup3(301, 4, O_CLOEXEC) < 0 || close_range(5, ~0U, 0) < 0) {
		err_set(err, errno, "arrange descriptors");
		return;
	}
	/* Not before: the arranging itself needs numbers above a low limit. */
	if (a->plan->files)
		set_limit(RLIMIT_NOFILE, a->plan->files);
	execveat(4, "", argv, envp, AT_EMPTY_PATH);
	err_set(err, errno, "start bailey-init");
}

NORETURN void cell_enter(const struct cell_enter_args *args)
{
	/* Two per operation: its source, and for an overlay its layer. */
	struct enter e = {.args = args,
		.root = -1,
		.parent = -1,
		.devpts = -1,
		.layer = -1,
		.trees = xcalloc(args->plan->n_ops * 2, sizeof(int))};
	struct msg m = MSG_INIT(CELL_FAILED);
	struct err *err = NULL;

	for (size_t i = 0; i < args->plan->n_ops * 2; i++)
		e.trees[i] = -1;
	if (enter(&e, &err) == 0 && send_ready(&e, &err) == 0)
		run_init(args, &err);
	msg_put_u32(&m, err ? (uint32_t)err->code : EIO);
	msg_put_str(&m, err ? err->text : "build the cell");
	msg_put_str(&m, err && err->hint ? err->hint : "");
	/* Late failures come when the socket has already moved to descriptor 3. */
	if (msg_send(args->sock, &m) < 0)
		(void)!msg_send(3, &m);
	_exit(EXIT_BAILEY);
}
