#include "launch.h"

#include "enter.h"
#include "ids.h"
#include "ipc/msg.h"
#include "sys/fs.h"
#include "sys/kernel.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

bool cell_as_root(void)
{
	return geteuid() == 0;
}

static void cell_init(struct cell *c)
{
	*c = (struct cell){.pidfd = -1, .control = -1, .devpts = -1, .layer = -1};
}

void cell_kill(struct cell *c)
{
	if (c->pid > 0) {
		/* PID 1 of the namespace: the kernel kills all the others with it. */
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	fd_close(c->pidfd);
	fd_close(c->control);
	fd_close(c->devpts);
	fd_close(c->layer);
	for (size_t i = 0; i < c->n_listeners; i++) {
		fd_close(c->listeners[i].v4);
		fd_close(c->listeners[i].v6);
	}
	cell_init(c);
}

static int send_tree(int sock, size_t index, int tree, struct err **err)
{
	AUTO_MSG struct msg m = MSG_INIT(CELL_MAPPED);
	int r;

	msg_put_u32(&m, 1);
	msg_put_u32(&m, (uint32_t)index);
	msg_put_fd(&m, tree);
	r = msg_send(sock, &m);
	return r < 0 ? err_set(err, r, "hand a tree to the cell") : 0;
}

static int open_source(const char *path, bool recursive, struct err **err)
{
	int fd = open_tree(AT_FDCWD, path,
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0U));

	return fd < 0 ? err_set(err, errno, "open '%s' to show it inside", path) : fd;
}

/*
 * As root the inside's ids are a range of unused host ids, so that a way out would
 * arrive as nobody. The user's own trees are then id-mapped: what root owns on the
 * host belongs to root inside. Bailey's own state is owned by the range itself.
 */
static int send_trees(const struct cell_plan *plan, int sock, int userns, struct err **err)
{
	struct mount_attr map = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns};
	int r = 0;

	for (size_t i = 0; i < plan->n_ops && r == 0; i++) {
		const struct cell_op *op = &plan->ops[i];
		AUTO_FD int tree = -1;
		AUTO_FD int layer = -1;

		if (!(op->flags & (CELL_USER_DATA | CELL_STATE)))
			continue;
		if ((op->flags & CELL_OPTIONAL) && access(op->src, F_OK) < 0)
			continue;
		/* Nested mounts may be of kinds that cannot be mapped: only the tree itself. */
		tree = open_source(op->src, false, err);
		if (tree < 0)
			return tree;
		if ((op->flags & CELL_USER_DATA) &&
			mount_setattr(tree, "", AT_EMPTY_PATH, &map, sizeof(map)) < 0) {
			err_set(err, errno, "map the owners of '%s'", op->src);
			return err_hint(err,
				"its file system cannot be id-mapped: run Bailey as an ordinary "
				"user, or keep the project on ext4, xfs, btrfs or tmpfs");
		}
		r = send_tree(sock, i, tree, err);
		if (r == 0 && op->kind == CELL_OVERLAY && op->layer) {
			layer = open_source(op->layer, false, err);
			r = layer < 0 ? layer : send_tree(sock, plan->n_ops + i, layer, err);
		}
	}
	return r;
}

static int map_and_send(const struct cell_launch_args *args, pid_t pid, int sock, struct err **err)
{
	AUTO_MSG struct msg end = MSG_INIT(CELL_MAPPED);
	AUTO_FREE char *ns_path = xasprintf("/proc/%d/ns/user", (int)pid);
	AUTO_FD int userns = -1;
	int r = cell_as_root() ? ids_map_as_root(pid, args->ids_base, CELL_ROOT_IDS, err)
			       : ids_map_range(pid, args->plan->uid ? args->plan->uid : getuid(),
					 args->plan->gid ? args->plan->gid : getgid(), err);

	if (r < 0)
		return r;
	if (cell_as_root()) {
		userns = open(ns_path, O_RDONLY | O_CLOEXEC);
		if (userns < 0)
			return err_set(err, errno, "open the cell's user namespace");
		r = send_trees(args->plan, sock, userns, err);
		if (r < 0)
			return r;
	}
	msg_put_u32(&end, 0);
	r = msg_send(sock, &end);
	return r < 0 ? err_set(err, r, "tell the cell of its ids") : 0;
}

static int take_ready(struct cell *c, const struct cell_plan *plan, struct msg *m, struct err **err)
{
	if (msg_get_u32(m) == 1) {
		c->devpts = msg_get_fd(m);
		if (m->n_fds == 2)
			c->layer = msg_get_fd(m);
		return msg_end(m) ? 1 : err_set(err, EPROTO, "read the cell's terminals");
	}
	uint32_t i = msg_get_u32(m), n = msg_get_u32(m);

	if (i >= plan->n_ports || i != c->n_listeners || n < 1 || n > 2 || i >= CELL_MAX_PORTS)
		return err_set(err, EPROTO, "read the cell's listeners");
	c->listeners[i].port = plan->ports[i];
	c->listeners[i].v4 = msg_get_fd(m);
	c->listeners[i].v6 = n == 2 ? msg_get_fd(m) : -1;
	c->n_listeners++;
	return msg_end(m) ? 0 : err_set(err, EPROTO, "read the cell's listeners");
}

static int wait_ready(struct cell *c, const struct cell_plan *plan, struct err **err)
{
	for (;;) {
		AUTO_MSG struct msg m = {0};
		int r = msg_recv(c->control, &m);

		if (r <= 0)
			return err_set(err, r < 0 ? r : EPIPE, "build the cell");
		if (m.type == CELL_FAILED) {
			int code = (int)msg_get_u32(&m);
			const char *text = msg_get_str(&m), *hint = msg_get_str(&m);

			err_set(err, 0, "%s", text);
			if (err && *err)
				(*err)->code = code > 0 && code < 4096 ? code : EIO;
			if (*hint)
				err_hint(err, "%s", hint);
			return err && *err ? -(*err)->code : -EIO;
		}
		r = m.type == CELL_READY ? take_ready(c, plan, &m, err)
					 : err_set(err, EPROTO, "build the cell");
		if (r != 0)
			return r < 0 ? r : 0;
	}
}

static int explain_clone(int r, struct err **err)
{
	err_set(err, r, "make namespaces for the sandbox");
	if (r == -EPERM || r == -EACCES)
		return err_hint(err, "this machine forbids unprivileged user namespaces: see "
				     "kernel.unprivileged_userns_clone, "
				     "kernel.apparmor_restrict_unprivileged_userns, or your "
				     "container's seccomp profile");
	if (r == -ENOSPC || r == -EUSERS)
		return err_hint(err, "raise user.max_user_namespaces and its sisters (sysctl)");
	return r;
}

int cell_launch(const struct cell_launch_args *args, struct cell *ret, struct err **err)
{
	struct cell c;
	AUTO_FD int init = open(args->init_path, O_PATH | O_CLOEXEC);
	int pair[2], pidfd = -1, r;
	/* Ranges need the parent: newuidmap, or being root. */
	bool by_parent = cell_as_root() || args->plan->ids == CONF_IDS_RANGE;
	/* Asked for here: in the new namespace we are nobody until the map is written. */
	struct cell_enter_args enter = {.plan = args->plan,
		.init_fd = init,
		.mapped_by_parent = by_parent,
		.host_uid = geteuid(),
		.host_gid = getegid()};
	struct clone_args clone = {
		.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
			 CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};

	cell_init(&c);
	if (init < 0) {
		err_set(err, errno, "open '%s'", args->init_path);
		return err_hint(err, "Bailey is not installed completely: run make install");
	}
	if (args->plan->n_ports > CELL_MAX_PORTS)
		return err_set(err, E2BIG, "grant more than %d host ports", CELL_MAX_PORTS);
	r = msg_pair(pair);
	if (r < 0)
		return err_set(err, r, "make the control socket");
	if (args->cgroup >= 0) {
		clone.flags |= CLONE_INTO_CGROUP;
		clone.cgroup = (uint64_t)args->cgroup;
	}
	c.pid = sys_clone3(&clone);
	if (c.pid == 0) {
		enter.sock = pair[1];
		cell_enter(&enter);
	}
	fd_close(pair[1]);
	c.control = pair[0];
	if (c.pid < 0) {
		r = explain_clone(c.pid, err);
		c.pid = 0;
		cell_kill(&c);
		return r;
	}
	c.pidfd = pidfd;
	r = by_parent ? map_and_send(args, c.pid, c.control, err) : 0;
	if (r == 0)
		r = wait_ready(&c, args->plan, err);
	if (r < 0) {
		cell_kill(&c);
		return r;
	}
	*ret = c;
	return 0;
}
