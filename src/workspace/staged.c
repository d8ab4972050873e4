#include "staged.h"

#include <fcntl.h>

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
