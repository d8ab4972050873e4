/* Attacks on files, directories and mounts: section 1 of the catalogue. */
#include "probe.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static enum outcome try_read(const char *path)
{
	char c;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return refused("open %s", path);
	n = read(fd, &c, 1);
	close(fd);
	if (n == 1)
		return worked("read %s", path);
	return refused("read %s", path);
}

static enum outcome do_read(char **a)
{
	return try_read(a[0]);
}

static enum outcome do_read_has(char **a)
{
	int r = file_has(a[0], a[1]);

	return r > 0 ? worked("%s has it", a[0]) : refused("look for it in %s", a[0]);
}

static enum outcome do_stat(char **a)
{
	struct stat st;

	return verdict(lstat(a[0], &st), a[0]);
}

static enum outcome do_list(char **a)
{
	DIR *d = opendir(a[0]);
	struct dirent *e;

	if (!d)
		return refused("list %s", a[0]);
	while ((e = readdir(d)))
		if (strcmp(e->d_name, a[1]) == 0) {
			closedir(d);
			return worked("%s shows %s", a[0], a[1]);
		}
	closedir(d);
	errno = 0;
	return refused("%s does not show %s", a[0], a[1]);
}

/* mkdir -p of the parents. */
static void make_parents(const char *path)
{
	char copy[4096];

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *p = copy + 1; *p; p++)
		if (*p == '/') {
			*p = '\0';
			mkdir(copy, 0755);
			*p = '/';
		}
}

static enum outcome do_write(char **a)
{
	int fd;
	ssize_t n;

	make_parents(a[0]);
	fd = open(a[0], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0755);
	if (fd < 0)
		return refused("open %s for writing", a[0]);
	n = write(fd, "evil\n", 5);
	close(fd);
	return n == 5 ? worked("wrote %s", a[0]) : refused("write %s", a[0]);
}

static enum outcome do_open_write(char **a)
{
	int fd = open(a[0], O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return verdict(fd, a[0]);
}

static enum outcome do_chmod(char **a)
{
	return verdict(chmod(a[0], 0777), a[0]);
}

static enum outcome do_utime(char **a)
{
	const struct timespec t[2] = {{.tv_sec = 12345}, {.tv_sec = 12345}};

	return verdict(utimensat(AT_FDCWD, a[0], t, 0), a[0]);
}

static enum outcome do_setxattr(char **a)
{
	return verdict(setxattr(a[0], a[1], "y", 1, 0), a[1]);
}

static enum outcome do_chdir(char **a)
{
	return verdict(chdir(a[0]), a[0]);
}

static enum outcome do_symlink_read(char **a)
{
	unlink(a[1]);
	if (symlink(a[0], a[1]) < 0)
		return cannot("symlink %s", a[1]);
	return try_read(a[1]);
}

static enum outcome do_link_read(char **a)
{
	unlink(a[1]);
	if (link(a[0], a[1]) < 0)
		return refused("link %s", a[0]);
	return try_read(a[1]);
}

static enum outcome do_rename_read(char **a)
{
	char path[4096];

	if (rename(a[0], a[1]) < 0)
		return refused("rename %s", a[0]);
	snprintf(path, sizeof(path), "%s%s%s", a[1], a[2] ? "/" : "", a[2] ? a[2] : "");
	return try_read(path);
}

static enum outcome do_unlink(char **a)
{
	return verdict(unlink(a[0]), a[0]);
}

/* Any process's way out of here: root, cwd and open directories. */
static enum outcome do_proc_links(char **a)
{
	static const char *const links[] = {
		"root", "cwd", "fd/0", "fd/3", "fd/4", "fd/5", "fd/6", "fd/7", "fd/8"};
	void *dir = NULL;
	int pid, tried = 0;

	while ((pid = next_process(&dir)) > 0)
		for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
			char path[4096 + 64];
			int fd;

			snprintf(path, sizeof(path), "/proc/%d/%s%s", pid, links[i], a[0]);
			fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
			tried++;
			if (fd >= 0) {
				close(fd);
				return worked("%s", path);
			}
		}
	return tried ? refused("%d links tried", tried) : cannot("no process in /proc");
}

static enum outcome do_fd_read(char **a)
{
	char c, path[64];
	int fd = (int)number(a[0]);

	if (pread(fd, &c, 1, 0) == 1)
		return worked("read descriptor %d", fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return try_read(path);
}

/* stdin is a file of the caller's, open for reading only: open it again for writing. */
static enum outcome do_reopen_stdin(char **a)
{
	int fd = open("/proc/self/fd/0", O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	(void)a;
	if (fd < 0)
		return refused("open stdin for writing");
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		errno = 0;
		return refused("stdin is no file");
	}
	return verdict(write(fd, "evil\n", 5) == 5 ? 0 : -1, "wrote the caller's file");
}

/* stdin is a directory of the caller's. */
static enum outcome do_stdin_dir(char **a)
{
	int fd = openat(0, a[0], O_RDONLY | O_CLOEXEC);

	return verdict(fd, "open below stdin");
}

static enum outcome do_suid_plant(char **a)
{
	int fd;

	unlink(a[0]);
	fd = open(a[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	if (fd < 0)
		return refused("make %s", a[0]);
	close(fd);
	return verdict(chmod(a[0], 06755), "chmod 6755");
}

static enum outcome do_mknod(char **a)
{
	mode_t type = a[1][0] == 'p'   ? S_IFIFO
		      : a[1][0] == 's' ? S_IFSOCK
		      : a[1][0] == 'b' ? S_IFBLK
				       : S_IFCHR;

	make_parents(a[0]);
	unlink(a[0]);
	return verdict(mknod(a[0], type | 0666, (dev_t)number(a[2])), a[0]);
}

/* The parent of a protected file goes away and comes back as ours. */
static enum outcome do_ancestor_swap(char **a)
{
	char aside[4096], planted[4096 * 2];

	snprintf(aside, sizeof(aside), "%s.aside", a[0]);
	if (rename(a[0], aside) < 0)
		return refused("rename %s", a[0]);
	snprintf(planted, sizeof(planted), "%s/%s", a[0], a[1]);
	return do_write((char *[]){planted, NULL});
}

static enum outcome do_exchange(char **a)
{
	mkdir(a[1], 0755);
	return verdict(renameat2(AT_FDCWD, a[0], AT_FDCWD, a[1], RENAME_EXCHANGE), "exchange");
}

static enum outcome do_replace_link(char **a)
{
	char planted[4096];

	if (unlink(a[0]) < 0)
		return refused("unlink %s", a[0]);
	snprintf(planted, sizeof(planted), "%s/tasks.json", a[0]);
	return do_write((char *[]){planted, NULL});
}

/* Fills with zeros until refused or `bytes` are there. */
static enum outcome do_fill(char **a)
{
	static char block[1 << 20];
	long want = number(a[1]), done = 0;
	int fd = open(a[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return cannot("make %s", a[0]);
	memset(block, 1, sizeof(block));
	while (done < want) {
		ssize_t n = write(fd, block, sizeof(block));

		if (n <= 0)
			break;
		done += n;
	}
	if (done >= want) {
		unlink(a[0]);
		return worked("%ld bytes", done);
	}
	refused("after %ld bytes", done);
	unlink(a[0]);
	return REFUSED;
}

static enum outcome do_fill_inodes(char **a)
{
	long want = number(a[1]), done = 0;
	char path[4096];

	if (mkdir(a[0], 0700) < 0)
		return cannot("make %s", a[0]);
	for (; done < want; done++) {
		snprintf(path, sizeof(path), "%s/%ld", a[0], done);
		if (mknod(path, S_IFREG | 0600, 0) < 0)
			break;
	}
	if (done < want)
		refused("after %ld files", done);
	for (long i = 0; i < done; i++) {
		snprintf(path, sizeof(path), "%s/%ld", a[0], i);
		unlink(path);
	}
	rmdir(a[0]);
	return done < want ? REFUSED : worked("%ld files", done);
}

static enum outcome do_any_of(char **a)
{
	struct stat st;

	for (; *a; a++)
		if (lstat(*a, &st) == 0)
			return worked("%s is there", *a);
	return refused("none is there");
}

/* A node in /dev that no sandbox needs. */
static enum outcome do_dev_nodes(char **a)
{
	static const char *const usual[] = {".", "..", "null", "zero", "full", "random", "urandom",
		"tty", "pts", "ptmx", "shm", "fd", "stdin", "stdout", "stderr", "core", "mqueue",
		"console"};
	DIR *d = opendir("/dev");
	struct dirent *e;

	(void)a;
	if (!d)
		return cannot("list /dev");
	while ((e = readdir(d))) {
		bool ok = false;

		for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
			ok |= strcmp(e->d_name, usual[i]) == 0;
		if (!ok) {
			worked("/dev/%s", e->d_name);
			closedir(d);
			return WORKED;
		}
	}
	closedir(d);
	errno = 0;
	return refused("only the usual nodes");
}

static int enter_namespaces(void)
{
	/* An ordinary user needs namespaces of his own for these; inside, there must be none. */
	return own_namespaces(0) < 0 ? -errno : 0;
}

static enum outcome do_mount_tmpfs(char **a)
{
	enter_namespaces();
	return verdict(mount("none", a[0], "tmpfs", 0, NULL), "mount a tmpfs");
}

static enum outcome do_mount_bind(char **a)
{
	enter_namespaces();
	return verdict(mount(a[0], a[1], NULL, MS_BIND, NULL), "bind mount");
}

static enum outcome do_umount(char **a)
{
	enter_namespaces();
	if (a[1] && mount("none", a[0], "tmpfs", 0, NULL) < 0)
		return refused("mount something to take away");
	return verdict(umount2(a[0], MNT_DETACH), a[0]);
}

static enum outcome do_overlay(char **a)
{
	char options[8192];

	enter_namespaces();
	snprintf(options, sizeof(options), "lowerdir=%s:/usr/share", a[0]);
	return verdict(mount("overlay", a[1], "overlay", 0, options), "mount an overlay");
}

static enum outcome do_fsopen(char **a)
{
	int fs;

	(void)a;
	enter_namespaces();
	fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0)
		return refused("fsopen");
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return refused("fsconfig");
	return verdict(fsmount(fs, FSMOUNT_CLOEXEC, 0), "fsmount");
}

static enum outcome do_open_tree(char **a)
{
	int fd;

	enter_namespaces();
	fd = open_tree(AT_FDCWD, a[0], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd < 0)
		return refused("open_tree");
	return verdict(move_mount(fd, "", AT_FDCWD, a[0], MOVE_MOUNT_F_EMPTY_PATH), "move_mount");
}

static enum outcome do_mount_setattr(char **a)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	enter_namespaces();
	if (mount(a[0], a[0], NULL, MS_BIND, NULL) < 0)
		return refused("bind mount");
	return verdict(mount_setattr(AT_FDCWD, a[0], 0, &attr, sizeof(attr)), "mount_setattr");
}

static enum outcome do_pivot_root(char **a)
{
	enter_namespaces();
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", a[0], "tmpfs", 0, NULL) < 0 || chdir(a[0]) < 0)
		return refused("mount a new root");
	return verdict(syscall(SYS_pivot_root, ".", "."), "pivot_root");
}

static enum outcome do_chroot(char **a)
{
	int r;

	enter_namespaces();
	r = chroot(a[0]);
	return verdict(r < 0 ? r : chdir(".."), "chroot and ..");
}

static enum outcome do_file_handle(char **a)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u = {.h.handle_bytes = MAX_HANDLE_SZ};
	int id, dir, fd;

	if (name_to_handle_at(AT_FDCWD, a[0], &u.h, &id, 0) < 0)
		return refused("name_to_handle_at");
	dir = open(a[0], O_RDONLY | O_CLOEXEC);
	fd = open_by_handle_at(dir, &u.h, O_RDONLY | O_CLOEXEC);
	return verdict(fd, "open_by_handle_at");
}

const struct probe fs_probes[] = {
	{"read", 1, do_read, "PATH: read a byte"},
	{"read-has", 2, do_read_has, "PATH TEXT: the file has the text"},
	{"stat", 1, do_stat, "PATH"},
	{"list", 2, do_list, "DIR NAME: the directory shows the name"},
	{"write", 1, do_write, "PATH: append to it, making it and its parents"},
	{"open-write", 1, do_open_write, "PATH: open for writing only"},
	{"chmod", 1, do_chmod, "PATH"},
	{"utime", 1, do_utime, "PATH"},
	{"setxattr", 2, do_setxattr, "PATH NAME"},
	{"chdir", 1, do_chdir, "PATH"},
	{"symlink-read", 2, do_symlink_read, "TARGET LINK"},
	{"link-read", 2, do_link_read, "PATH LINK: hard link"},
	{"rename-read", 2, do_rename_read, "PATH NEW [FILE]: and read NEW/FILE"},
	{"unlink", 1, do_unlink, "PATH"},
	{"proc-links", 1, do_proc_links, "PATH: through every process's root, cwd and descriptors"},
	{"fd-read", 1, do_fd_read, "N: an inherited descriptor"},
	{"reopen-stdin", 0, do_reopen_stdin, "for writing"},
	{"stdin-dir", 1, do_stdin_dir, "PATH: relative to a directory on stdin"},
	{"suid-plant", 1, do_suid_plant, "PATH"},
	{"mknod", 3, do_mknod, "PATH p|s|c|b DEV"},
	{"ancestor-swap", 2, do_ancestor_swap, "DIR FILE: rename DIR, plant a new DIR/FILE"},
	{"exchange", 2, do_exchange, "DIR OTHER"},
	{"replace-link", 1, do_replace_link, "LINK: with a directory of ours"},
	{"fill", 2, do_fill, "PATH BYTES"},
	{"fill-inodes", 2, do_fill_inodes, "DIR N"},
	{"any-of", 1, do_any_of, "PATH...: one exists"},
	{"dev-nodes", 0, do_dev_nodes, "any device that no sandbox needs"},
	{"mount-tmpfs", 1, do_mount_tmpfs, "DIR"},
	{"mount-bind", 2, do_mount_bind, "FROM TO"},
	{"umount", 1, do_umount, "DIR [own]"},
	{"overlay", 2, do_overlay, "LOWER DIR"},
	{"fsopen", 0, do_fsopen, ""},
	{"open-tree", 1, do_open_tree, "DIR"},
	{"mount-setattr", 1, do_mount_setattr, "DIR"},
	{"pivot-root", 1, do_pivot_root, "DIR"},
	{"chroot", 1, do_chroot, "DIR"},
	{"file-handle", 1, do_file_handle, "PATH"},
	{0},
};
