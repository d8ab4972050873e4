#include "staged.h"

#include "manifest.h"
#include "rename.h"
#include "surface.h"
#include "upper.h"

#include <fcntl.h>
#include <sys/file.h>

static int open_dir(const char *path, int flags, int *ret, struct err **err)
{
	int fd = open(path, flags | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_set(err, errno, "open the directory '%s'", path);
	*ret = fd;
	return 0;
}

int staged_open(const char *project, const char *upper, const char *state, struct staged *ret,
	struct err **err)
{
	AUTO_STAGED struct staged s = STAGED_INIT;
	int r;

	s.project = xstrdup(project);
	r = open_dir(project, O_PATH, &s.lower, err);
	if (r == 0)
		r = open_dir(upper, O_RDONLY | O_NOFOLLOW, &s.upper, err);
	if (r == 0)
		r = open_dir(state, O_RDONLY, &s.state, err);
	if (r < 0)
		return r;
	*ret = s;
	s = STAGED_INIT;
	return 0;
}

void staged_done(struct staged *s)
{
	free(s->project);
	fd_close(s->lower);
	fd_close(s->upper);
	fd_close(s->state);
	*s = STAGED_INIT;
}

int staged_lock(const struct staged *s, int *ret_fd, struct err **err)
{
	AUTO_FD int fd =
		openat(s->state, "apply.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set(err, errno, "open the lock of the sandbox's changes");
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return err_set(err, EBUSY, "another bailey command is at work on these changes");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int staged_scan(const struct staged *s, const struct scan_opts *o, struct change_list **ret,
	struct err **err)
{
	AUTO_CHANGES struct change_list *l = NULL;
	int r = upper_scan(s, o, &l, err);

	if (r < 0)
		return r;
	rename_detect(l, s->lower);
	surface_classify(l, s);
	r = baseline_mark(s, l, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(l);
	return 0;
}
