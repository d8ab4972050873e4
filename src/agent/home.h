/*
 * A sandbox's home directory, from the host: hostile. Everything by descriptor,
 * beneath it, through no symlink, never waiting on a FIFO, with a cap on what is
 * read. Paths are relative, as preset.h checks them. All return -errno.
 */
#ifndef BAILEY_AGENT_HOME_H
#define BAILEY_AGENT_HOME_H

#include "base/buf.h"

#include <sys/stat.h>

struct agent_home {
	int fd;	   /* O_DIRECTORY; borrowed */
	uid_t uid; /* owner of what is made, as seen on the host; -1: whoever makes it */
	gid_t gid;
};

/* A regular file's content, at most b's limit. -EINVAL: something else is there. */
int home_read(const struct agent_home *home, const char *path, struct buf *b, struct stat *ret_st)
	MUST_CHECK;
/* Whether anything at all has that name; a dangling symlink counts. */
bool home_has(const struct agent_home *home, const char *path);
/* The directory, made as needed (0700). */
int home_mkdir(const struct agent_home *home, const char *path) MUST_CHECK;
/*
 * Atomic; directories above are made. mtime: NULL is the present. A symlink or a FIFO of that
 * name is replaced, a directory is -EISDIR.
 */
int home_write(const struct agent_home *home, const char *path, const void *p, size_t n,
	mode_t mode, const struct timespec *mtime) MUST_CHECK;

#endif
