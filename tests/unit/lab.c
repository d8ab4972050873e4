#include "lab.h"

#include "sys/fs.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static void stamp(struct lab *l)
{
	struct stat st;

	CHECK_INT(fs_write_at(l->dir, "stamp", "x", 1, 0600), 0);
	CHECK_INT(fchmodat(l->dir, "stamp", 0600, 0), 0);
	CHECK_INT(fstatat(l->dir, "stamp", &st, 0), 0);
	l->s.since = st.st_ctim;
}

static void next_stamp(struct lab *l)
{
	struct timespec before = l->s.since;

	do
		stamp(l);
	while (l->s.since.tv_sec == before.tv_sec && l->s.since.tv_nsec == before.tv_nsec);
}

void lab_tick(struct lab *l)
{
	struct timespec since;

	/*
	 * File times are as coarse as the scheduler's tick. What is there already is not
	 * younger than the present one; since is the next; what comes is of a later one.
	 */
	stamp(l);
	next_stamp(l);
	since = l->s.since;
	next_stamp(l);
	l->s.since = since;
}

void lab_init(struct lab *l)
{
	AUTO_ERR struct err *err = NULL;
	AUTO_FREE char *project = NULL;
	AUTO_FREE char *upper = NULL;
	AUTO_FREE char *state = NULL;

	memcpy(l->root, "/tmp/bailey-lab-XXXXXX", 23);
	CHECK(mkdtemp(l->root));
	l->dir = open(l->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(l->dir >= 0);
	project = xasprintf("%s/project", l->root);
	upper = xasprintf("%s/upper", l->root);
	state = xasprintf("%s/state", l->root);
	CHECK_INT(mkdir(project, 0755), 0);
	CHECK_INT(mkdir(upper, 0755), 0);
	CHECK_INT(mkdir(state, 0700), 0);
	CHECK_INT(staged_open(project, upper, state, &l->s, &err), 0);
	stamp(l);
}

void lab_done(struct lab *l)
{
	staged_done(&l->s);
	CHECK_INT(fs_remove_tree(AT_FDCWD, l->root), 0);
	l->dir = fd_close(l->dir);
}

static int parent(int dirfd, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *dir = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");
	int fd;

	*name = slash ? slash + 1 : path;
	fd = *dir ? fs_mkdir_beneath(dirfd, dir, 0755) : openat(dirfd, ".", O_PATH | O_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

void lab_put(int dirfd, const char *path, const char *content, mode_t mode)
{
	const char *name;
	AUTO_FD int at = parent(dirfd, path, &name);
	AUTO_FD int fd = openat(at, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_INT(fs_write_all(fd, content, strlen(content)), 0);
	CHECK_INT(fchmod(fd, mode), 0);
}

void lab_mkdir(int dirfd, const char *path, mode_t mode)
{
	const char *name;
	AUTO_FD int at = parent(dirfd, path, &name);

	CHECK_INT(mkdirat(at, name, 0755), 0);
	CHECK_INT(fchmodat(at, name, mode, 0), 0);
}

void lab_link(int dirfd, const char *path, const char *target)
{
	const char *name;
	AUTO_FD int at = parent(dirfd, path, &name);

	CHECK_INT(symlinkat(target, at, name), 0);
}

void lab_mknod(int dirfd, const char *path, mode_t mode)
{
	const char *name;
	AUTO_FD int at = parent(dirfd, path, &name);

	CHECK_INT(mknodat(at, name, mode, makedev(1, 3)), 0);
}

void lab_whiteout(int dirfd, const char *path)
{
	const char *name;
	AUTO_FD int at = parent(dirfd, path, &name);

	CHECK_INT(mknodat(at, name, S_IFCHR | 0000, makedev(0, 0)), 0);
}

void lab_xattr(int dirfd, const char *path, const char *name, const char *value)
{
	AUTO_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_INT(fsetxattr(fd, name, value, strlen(value), 0), 0);
}

void lab_opaque(int dirfd, const char *path)
{
	lab_xattr(dirfd, path, "user.overlay.opaque", "y");
}

char *lab_get(int dirfd, const char *path)
{
	struct buf b = BUF_INIT(1 << 20);

	return fs_read_at(dirfd, path, &b) < 0 ? (buf_done(&b), NULL) : buf_take(&b);
}

struct change_list *lab_changes(struct lab *l)
{
	AUTO_ERR struct err *err = NULL;
	struct change_list *list = NULL;

	if (upper_scan(&l->s, &(struct scan_opts){0}, &list, &err) < 0)
		tap_fail(__FILE__, __LINE__, "%s", err->text);
	return list;
}

char *lab_scan(struct lab *l)
{
	AUTO_CHANGES struct change_list *list = lab_changes(l);
	struct buf b = BUF_INIT(0);

	for (size_t i = 0; i < list->n; i++) {
		const struct change *c = &list->v[i];

		buf_printf(&b, "%s %s %s%s\n", change_kind_name(c->kind),
			node_type_name(c->new.type ? c->new.type : c->old.type), c->path,
			c->refusal ? " refused" : "");
	}
	return buf_take(&b);
}
