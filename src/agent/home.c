#include "home.h"

#include "sys/fs.h"

#include <fcntl.h>
#include <sys/random.h>

int home_read(const struct agent_home *home, const char *path, struct buf *b, struct stat *ret_st)
{
	AUTO_FD int fd = fs_open_beneath(home->fd, path, O_RDONLY, 0);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (ret_st)
		*ret_st = st;
	return fs_read_fd(fd, b);
}

bool home_has(const struct agent_home *home, const char *path)
{
	const char *name;
	struct stat st;
	AUTO_FD int dir = fs_open_parent_beneath(home->fd, path, &name);

	return dir >= 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool has_owner(const struct agent_home *home)
{
	return home->uid != (uid_t)-1;
}

int home_mkdir(const struct agent_home *home, const char *path)
{
	AUTO_FREE char *copy = xstrdup(path);
	AUTO_FD int fd = fcntl(home->fd, F_DUPFD_CLOEXEC, 3);
	char *rest = copy, *part;

	if (fd < 0)
		return -errno;
	while ((part = strsep(&rest, "/"))) {
		bool made;
		int next;

		if (!*part)
			continue;
		made = mkdirat(fd, part, 0700) == 0;
		if (!made && errno != EEXIST)
			return -errno;
		next = fs_open_beneath(fd, part, O_RDONLY | O_DIRECTORY, 0);
		if (next < 0)
			return next;
		fd_close(fd);
		fd = next;
		/* By descriptor: whatever this is, it is a directory in the sandbox's home. */
		if (made && has_owner(home) && fchown(fd, home->uid, home->gid) < 0)
			return -errno;
	}
	return TAKE_FD(fd);
}

static int write_temp(const struct agent_home *home, int fd, const void *p, size_t n, mode_t mode,
	const struct timespec *mtime)
{
	int r = fs_write_all(fd, p, n);

	if (r < 0)
		return r;
	if (fchmod(fd, mode) < 0)
		return -errno;
	if (has_owner(home) && fchown(fd, home->uid, home->gid) < 0)
		return -errno;
	if (mtime) {
		struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, *mtime};

		if (futimens(fd, times) < 0)
			return -errno;
	}
	return 0;
}

int home_write(const struct agent_home *home, const char *path, const void *p, size_t n,
	mode_t mode, const struct timespec *mtime)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	AUTO_FREE char *parent = xstrndup(path, slash ? (size_t)(slash - path) : 0);
	AUTO_FREE char *temp = NULL;
	AUTO_FD int dir = home_mkdir(home, parent);
	AUTO_FD int fd = -1;
	uint64_t random;
	int r;

	if (dir < 0)
		return dir;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -errno;
	temp = xasprintf(".bailey.%016llx", (unsigned long long)random);
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_temp(home, fd, p, n, mode, mtime);
	if (r == 0 && renameat(dir, temp, dir, name) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(dir, temp, 0);
	return r;
}
