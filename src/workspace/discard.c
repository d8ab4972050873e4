#include "discard.h"

#include "beneath.h"
#include "manifest.h"
#include "sys/fs.h"
#include "upper.h"

#include <fcntl.h>

/* What is gone was not shown any more; of the rest, what was shown still counts. */
static int forget_shown(const struct staged *s, const char *path, struct err **err)
{
	struct scan_opts o = {.paths = &path, .n_paths = 1};
	AUTO_CHANGES struct change_list *none = xcalloc(1, sizeof(*none));

	return manifest_show(s, &o, none, err);
}

int discard_all(const struct staged *s, struct err **err)
{
	AUTO_FD int fd = openat(s->upper, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *de;
	int r;

	if (!dir)
		return err_set(err, errno, "read the layer of changes");
	(void)TAKE_FD(fd);
	while ((errno = 0, de = readdir(dir))) {
		if (str_eq(de->d_name, ".") || str_eq(de->d_name, ".."))
			continue;
		r = fs_remove_tree(s->upper, de->d_name);
		if (r < 0) {
			AUTO_FREE char *name = str_escape0(de->d_name);

			return err_set(err, -r, "discard '%s'", name);
		}
	}
	if (errno)
		return err_set(err, errno, "read the layer of changes");
	return forget_shown(s, "", err);
}

/*
 * Looks at every directory of the layer on the way to path. 1: one of them hides the
 * project's side as a whole; *ret_above is its path. 0: none does.
 */
static int hidden_above(const struct staged *s, const char *path, char **ret_above)
{
	for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
		AUTO_FREE char *dir = xstrndup(path, (size_t)(slash - path));
		AUTO_FD int fd = beneath_open(s->upper, dir, O_PATH, 0);
		AUTO_FD int real = -1;
		bool hides;
		struct stat st;

		if (fd < 0)
			return fd;
		if (fstat(fd, &st) < 0)
			return -errno;
		hides = !S_ISDIR(st.st_mode);
		if (!hides) {
			int marks;

			real = beneath_reopen(fd, O_RDONLY | O_DIRECTORY);
			marks = real < 0 ? real : upper_marks(real);
			if (marks < 0)
				return marks;
			hides = marks & (UPPER_OPAQUE | UPPER_HOSTILE);
		}
		if (hides) {
			*ret_above = TAKE_PTR(dir);
			return 1;
		}
	}
	return 0;
}

int discard_path(const struct staged *s, const char *path, struct err **err)
{
	AUTO_FREE char *shown = str_escape0(path);
	AUTO_FREE char *above = NULL;
	const char *name;
	AUTO_FD int dir = -1;
	struct stat st;
	int r;

	r = hidden_above(s, path, &above);
	if (r < 0 && r != -ENOENT)
		return err_set(err, -r, "discard '%s'", shown);
	if (r == -ENOENT) {
		err_set(err, 0, "'%s' is not changed", shown);
		return -ENOENT;
	}
	if (r > 0 && beneath_stat(s->lower, path, &st) == 0) {
		AUTO_FREE char *instead = str_escape0(above);

		err_set(err, EBUSY, "'%s' cannot be discarded alone: '%s' was replaced as a whole",
			shown, instead);
		return err_hint(err, "discard '%s'", instead);
	}
	dir = beneath_parent(s->upper, path, &name);
	if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		err_set(err, 0, "'%s' is not changed", shown);
		return -ENOENT;
	}
	r = fs_remove_tree(dir, name);
	if (r < 0)
		return err_set(err, -r, "discard '%s'", shown);
	return forget_shown(s, path, err);
}
