#include "fs.h"

#include "kernel.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/random.h>

#define BENEATH (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

int fs_open_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
	/* openat2 refuses a mode without O_CREAT, and O_NONBLOCK with O_PATH. */
	bool makes = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
	int more = flags & O_PATH ? O_NOFOLLOW : O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;

	return sys_openat2(
		dirfd, path, (uint64_t)(unsigned)(flags | more), makes ? mode : 0, BENEATH);
}

int fs_open_parent_beneath(int dirfd, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *parent = NULL;
	int fd;

	if (!slash) {
		fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			return -errno;
		*ret_name = path;
		return fd;
	}
	parent = xstrndup(path, (size_t)(slash - path));
	fd = fs_open_beneath(dirfd, parent, O_RDONLY | O_DIRECTORY, 0);
	if (fd >= 0)
		*ret_name = slash + 1;
	return fd;
}

int fs_mkdir_beneath(int dirfd, const char *path, mode_t mode)
{
	AUTO_FREE char *copy = xstrdup(path);
	AUTO_FD int fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
	char *rest = copy, *part;

	if (fd < 0)
		return -errno;
	while ((part = strsep(&rest, "/"))) {
		int next;

		if (!*part)
			continue;
		if (mkdirat(fd, part, mode) < 0 && errno != EEXIST)
			return -errno;
		next = fs_open_beneath(fd, part, O_RDONLY | O_DIRECTORY, 0);
		if (next < 0)
			return next;
		fd_close(fd);
		fd = next;
	}
	return TAKE_FD(fd);
}

int fs_mkdir_p(const char *path, mode_t mode)
{
	AUTO_FREE char *copy = xstrdup(path);

	if (mkdir(copy, mode) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return -errno;
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(copy, mode) < 0 && errno != EEXIST ? -errno : 0;
}

int fs_read_fd(int fd, struct buf *b)
{
	char chunk[65536];

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		r = buf_add(b, chunk, (size_t)n);
		if (r < 0)
			return r;
	}
}

int fs_read_at(int dirfd, const char *path, struct buf *b)
{
	AUTO_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd < 0 ? -errno : fs_read_fd(fd, b);
}

int fs_write_all(int fd, const void *p, size_t n)
{
	const char *s = p;

	while (n > 0) {
		ssize_t w = write(fd, s, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		s += w;
		n -= (size_t)w;
	}
	return 0;
}

int fs_write_at(int dirfd, const char *name, const void *p, size_t n, mode_t mode)
{
	AUTO_FD int fd =
		openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);

	return fd < 0 ? -errno : fs_write_all(fd, p, n);
}

int fs_replace_at(int dirfd, const char *name, const void *p, size_t n, mode_t mode, bool sync)
{
	AUTO_FREE char *temp = NULL;
	AUTO_FD int fd = -1;
	uint64_t random;
	int r;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -errno;
	temp = xasprintf(".%.200s.%016llx", name, (unsigned long long)random);
	fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	r = fs_write_all(fd, p, n);
	if (r == 0 && sync && fdatasync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dirfd, temp, dirfd, name) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(dirfd, temp, 0);
	return r;
}

/* Removes what is in the directory; 1: a sub-directory (left in ret_sub) must go first. */
static int remove_entries(int fd, char **ret_sub)
{
	AUTO_FD int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *de;

	if (!dir)
		return -errno;
	(void)TAKE_FD(copy);
	while ((errno = 0, de = readdir(dir))) {
		if (str_eq(de->d_name, ".") || str_eq(de->d_name, ".."))
			continue;
		if (unlinkat(fd, de->d_name, de->d_type == DT_DIR ? AT_REMOVEDIR : 0) == 0)
			continue;
		if (errno == ENOENT)
			continue;
		if (errno == EISDIR || errno == ENOTEMPTY || errno == EEXIST || errno == EACCES) {
			*ret_sub = xstrdup(de->d_name);
			return 1;
		}
		return -errno;
	}
	return errno ? -errno : 0;
}

static int open_dir_for_removal(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0 || errno != EACCES)
		return fd < 0 ? -errno : fd;
	if (fchmodat(dirfd, name, 0700, 0) < 0)
		return -errno;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

int fs_remove_tree(int dirfd, const char *name)
{
	/*
	 * Depth without recursion and with two descriptors: a directory that is in
	 * the way is renamed up beside the top, so that depth never grows.
	 */
	AUTO_FD int top = -1;
	uint64_t serial = 0;
	int r;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM && errno != EACCES)
		return -errno;
	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
		return 0;
	top = open_dir_for_removal(dirfd, name);
	if (top < 0)
		return top;
	for (;;) {
		AUTO_FREE char *sub = NULL;
		AUTO_FREE char *deeper = NULL;
		AUTO_FD int fd = -1;

		(void)!fchmod(top, 0700);
		r = remove_entries(top, &sub);
		if (r < 0)
			return r;
		if (!sub)
			break;
		fd = open_dir_for_removal(top, sub);
		if (fd < 0)
			return fd;
		if (fchmod(fd, 0700) < 0)
			return -errno;
		while ((r = remove_entries(fd, &deeper)) > 0) {
			AUTO_FREE char *up = xasprintf(".rm-%llu", (unsigned long long)serial++);
			AUTO_FREE char *from = TAKE_PTR(deeper);

			/* A directory can be renamed only when its ".." may be written. */
			(void)!fchmodat(fd, from, 0700, 0);
			if (renameat2(fd, from, top, up, RENAME_NOREPLACE) < 0 && errno != EEXIST)
				return -errno;
		}
		if (r < 0)
			return r;
		if (unlinkat(top, sub, AT_REMOVEDIR) < 0 && errno != ENOENT)
			return -errno;
	}
	return unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

int fs_copy_fd(int in, int out)
{
	char chunk[65536];

	if (lseek(in, 0, SEEK_CUR) == 0 && ioctl(out, FICLONE, in) == 0)
		return 0;
	for (;;) {
		ssize_t n = copy_file_range(in, NULL, out, NULL, 1 << 30, 0);

		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
	}
	if (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS)
		return -errno;
	for (;;) {
		ssize_t n = read(in, chunk, sizeof(chunk));
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		r = fs_write_all(out, chunk, (size_t)n);
		if (r < 0)
			return r;
	}
}

int fs_readlink_at(int dirfd, const char *name, char **ret)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dirfd, name, target, sizeof(target));

	if (n < 0)
		return -errno;
	if ((size_t)n == sizeof(target))
		return -ENAMETOOLONG;
	*ret = xstrndup(target, (size_t)n);
	return 0;
}

char *fs_path_clean(const char *base, const char *path)
{
	AUTO_FREE char *joined =
		path[0] == '/' ? xstrdup(path) : xasprintf("%s/%s", base ? base : "", path);
	char *out = xmalloc(strlen(joined) + 2), *o = out;
	char *rest = joined, *part;

	while ((part = strsep(&rest, "/"))) {
		if (!*part || str_eq(part, "."))
			continue;
		if (str_eq(part, "..")) {
			while (o > out && *--o != '/')
				;
			continue;
		}
		*o++ = '/';
		o = stpcpy(o, part);
	}
	if (o == out)
		*o++ = '/';
	*o = '\0';
	return out;
}

bool fs_path_within(const char *path, const char *base)
{
	const char *rest = str_after(path, base);

	return rest && (*rest == '\0' || *rest == '/' || str_eq(base, "/"));
}
