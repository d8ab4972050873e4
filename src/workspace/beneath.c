#include "beneath.h"

#include "sys/fs.h"

#include <fcntl.h>
#include <limits.h>

/* Room for what the kernel adds: PATH_MAX counts the final NUL. */
#define PIECE_MAX (PATH_MAX - 1)

/*
 * Walks all but the last piece of a long path. *path moves on; the result is the
 * directory to go on from.
 */
static int walk_pieces(int dirfd, const char **path)
{
	AUTO_FD int fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return -errno;
	while (strlen(*path) > PIECE_MAX) {
		AUTO_FREE char *piece = xstrndup(*path, PIECE_MAX);
		char *slash = strrchr(piece, '/');
		int next;

		if (!slash)
			return -ENAMETOOLONG;
		*slash = '\0';
		next = fs_open_beneath(fd, piece, O_PATH | O_DIRECTORY, 0);
		if (next < 0)
			return next;
		*path += slash - piece + 1;
		fd_close(fd);
		fd = next;
	}
	return TAKE_FD(fd);
}

int beneath_open(int dirfd, const char *path, int flags, mode_t mode)
{
	AUTO_FD int fd = -1;

	if (strlen(path) <= PIECE_MAX)
		return fs_open_beneath(dirfd, *path ? path : ".", flags, mode);
	fd = walk_pieces(dirfd, &path);
	return fd < 0 ? fd : fs_open_beneath(fd, path, flags, mode);
}

int beneath_parent(int dirfd, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *parent = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");
	int fd = beneath_open(dirfd, parent, O_PATH | O_DIRECTORY, 0);

	if (fd >= 0)
		*ret_name = slash ? slash + 1 : path;
	return fd;
}

int beneath_stat(int dirfd, const char *path, struct stat *ret)
{
	const char *name;
	AUTO_FD int fd = beneath_parent(dirfd, path, &name);

	if (fd < 0)
		return fd;
	return fstatat(fd, *name ? name : ".", ret, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int beneath_reopen(int path_fd, int flags)
{
	char link[64];
	int fd;

	/* The kernel's own link to the open file: no name is looked up again. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", path_fd);
	fd = open(link, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int beneath_chmod(int path_fd, mode_t mode)
{
	char link[64];

	/* fchmod refuses O_PATH, and fchmodat2 is newer than the kernels we support. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", path_fd);
	return chmod(link, mode) < 0 ? -errno : 0;
}
