/*
 * Paths of any length beneath a directory. openat2 takes at most PATH_MAX bytes, and
 * the inside can nest directories deeper than that, so a long path is walked in
 * pieces. Nothing here follows a symlink or leaves the directory. -errno on failure.
 */
#ifndef BAILEY_WORKSPACE_BENEATH_H
#define BAILEY_WORKSPACE_BENEATH_H

#include "base/mem.h"

#include <sys/stat.h>

/* Like fs_open_beneath; "" is dirfd itself. */
int beneath_open(int dirfd, const char *path, int flags, mode_t mode) MUST_CHECK;
/* The directory of path's last component (a new O_PATH descriptor), and that component. */
int beneath_parent(int dirfd, const char *path, const char **ret_name) MUST_CHECK;
/* lstat beneath dirfd. */
int beneath_stat(int dirfd, const char *path, struct stat *ret) MUST_CHECK;
/*
 * Opens once more, with other flags, the very file that an O_PATH descriptor stands
 * for, so that what was examined is what is opened. Never for a FIFO or a device.
 */
int beneath_reopen(int path_fd, int flags) MUST_CHECK;
/* chmod of the very file that an O_PATH descriptor stands for. */
int beneath_chmod(int path_fd, mode_t mode) MUST_CHECK;

#endif
