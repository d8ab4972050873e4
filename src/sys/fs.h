/*
 * Files by descriptor. Everything below a directory that the inside can write is
 * opened with the _beneath functions only: openat2 with RESOLVE_BENEATH,
 * RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS, so that neither a symlink, nor
 * "..", nor a race can lead out. All return -errno on failure and log nothing.
 */
#ifndef BAILEY_SYS_FS_H
#define BAILEY_SYS_FS_H

#include "base/buf.h"

#include <sys/stat.h>

/* Beneath dirfd, no symlink anywhere, not blocking on FIFOs, no controlling terminal. */
int fs_open_beneath(int dirfd, const char *path, int flags, mode_t mode) MUST_CHECK;
/* The directory that holds path's last component (a new descriptor), and that component. */
int fs_open_parent_beneath(int dirfd, const char *path, const char **ret_name) MUST_CHECK;
/* mkdir -p beneath dirfd; the last directory, open O_RDONLY|O_DIRECTORY. "" is dirfd itself. */
int fs_mkdir_beneath(int dirfd, const char *path, mode_t mode) MUST_CHECK;

/* mkdir -p on a path of ours (symlinks are followed, as the user arranged them). */
int fs_mkdir_p(const char *path, mode_t mode) MUST_CHECK;

/* All of a file; -EMSGSIZE over the buffer's limit. */
int fs_read_fd(int fd, struct buf *b) MUST_CHECK;
int fs_read_at(int dirfd, const char *path, struct buf *b) MUST_CHECK;
int fs_write_all(int fd, const void *p, size_t n) MUST_CHECK;
/* Atomic: a temporary file in dirfd, synced when sync is set, renamed over name. */
int fs_replace_at(int dirfd, const char *name, const void *p, size_t n, mode_t mode, bool sync)
	MUST_CHECK;
/* Creates or truncates in place; not atomic. */
int fs_write_at(int dirfd, const char *name, const void *p, size_t n, mode_t mode) MUST_CHECK;

/*
 * rm -rf of name in dirfd, by descriptor and without following anything. Directories
 * whose mode shuts the owner out are opened up first. Does not recurse in C, so any
 * depth is fine. 0 also when it did not exist.
 */
int fs_remove_tree(int dirfd, const char *name) MUST_CHECK;

/* Copies the rest of in to out: FICLONE, else copy_file_range, else read and write. */
int fs_copy_fd(int in, int out) MUST_CHECK;

/* readlink into a new string. */
int fs_readlink_at(int dirfd, const char *name, char **ret) MUST_CHECK;

/* "/a//b/./c/../d/" -> "/a/b/d", lexically; relative to base unless absolute. */
char *fs_path_clean(const char *base, const char *path) MUST_CHECK;
/* Whether path is base or below it, by component. Both clean. */
bool fs_path_within(const char *path, const char *base);

#endif
