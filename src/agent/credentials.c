#include "credentials.h"

#include "sys/fs.h"

#include <fcntl.h>
#include <jansson.h>
#include <sys/file.h>
#include <time.h>

const char *credential_refused(const struct preset_credential *c, const char *data, size_t n)
{
	json_t *root = json_loadb(data ? data : "", n, JSON_REJECT_DUPLICATES, NULL);
	const char *why = NULL, *key;
	bool known = false;
	json_t *value;

	if (!json_is_object(root))
		why = "not a JSON object";
	for (size_t i = 0; !why && i < c->keys.n; i++)
		known = known || json_object_get(root, c->keys.v[i]);
	if (!why && c->keys.n > 0 && !known)
		why = "not a login of this agent";
	if (!why && c->keys.n == 0) {
		json_object_foreach(root, key, value)
		{
			if (!json_is_object(value))
				why = "not a login of this agent";
		}
	}
	json_decref(root);
	return why;
}

static void note(struct strvec *notes, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void note(struct strvec *notes, const char *fmt, ...)
{
	va_list ap;

	if (!notes)
		return;
	va_start(ap, fmt);
	strvec_push_take(notes, xvasprintf(fmt, ap));
	va_end(ap);
}

static bool newer(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/*
 * The agent's directory in the store, locked for as long as ret_lock is open.
 * -ENOENT without a story when it is not there and make is not set.
 */
static int open_store(
	const char *store, const char *agent, bool make, int *ret_lock, struct err **err)
{
	AUTO_FREE char *path = xasprintf("%s/credentials/%s", store, agent);
	AUTO_FD int dir = -1;
	AUTO_FD int lock = -1;
	int r;

	if (make) {
		AUTO_FREE char *above = xasprintf("%s/credentials", store);

		r = fs_mkdir_p(above, 0700);
		if (r == 0)
			r = fs_mkdir_p(path, 0700);
		if (r < 0)
			return err_set(err, -r, "make the directory '%s'", path);
	}
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 && errno == ENOENT && !make)
		return -ENOENT;
	if (dir < 0)
		return err_set(err, errno, "open the directory '%s'", path);
	/* Whoever made it, others must not look in. */
	if (fchmod(dir, 0700) < 0)
		return err_set(err, errno, "shut the directory '%s' to others", path);
	lock = openat(dir, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		return err_set(err, errno, "open the lock in '%s'", path);
	do {
		r = flock(lock, LOCK_EX) < 0 ? -errno : 0;
	} while (r == -EINTR);
	if (r < 0)
		return err_set(err, -r, "lock '%s'", path);
	*ret_lock = TAKE_FD(lock);
	return TAKE_FD(dir);
}

/* In the store a login has one name, without directories: ".codex/auth.json" is "auth.json". */
static const char *stored_name(const struct preset_credential *c)
{
	const char *slash = strrchr(c->path, '/');

	return slash ? slash + 1 : c->path;
}

/* A file of the user's or the store's. */
static int read_own(int dir, const char *name, struct buf *b, struct stat *ret_st)
{
	AUTO_FD int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, ret_st) < 0)
		return -errno;
	return S_ISREG(ret_st->st_mode) ? fs_read_fd(fd, b) : -EINVAL;
}

/* 1: copied; 0: nothing to do. */
static int give_one(const struct preset_credential *c, int dir, const char *name,
	const struct agent_home *home, struct strvec *notes)
{
	struct buf b AUTO_BUF = BUF_INIT(CREDENTIAL_MAX);
	struct buf old AUTO_BUF = BUF_INIT(CREDENTIAL_MAX);
	struct stat st = {0}, old_st = {0};
	const char *why;
	int r = read_own(dir, name, &b, &st);

	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		note(notes, "the login '%s' was not given to the agent: %s", c->path, strerror(-r));
		return 0;
	}
	why = credential_refused(c, b.data, b.len);
	if (why) {
		note(notes, "the login '%s' was not given to the agent: it is %s", c->path, why);
		return 0;
	}
	/* The sandbox's own, of an earlier session that was not taken back, may be newer. */
	r = home_read(home, c->path, &old, &old_st);
	if (r == 0 && !newer(&st.st_mtim, &old_st.st_mtim) &&
		!credential_refused(c, old.data, old.len))
		return 0;
	r = home_write(home, c->path, b.data, b.len, 0600, &st.st_mtim);
	if (r < 0) {
		note(notes, "the login '%s' was not given to the agent: %s", c->path, strerror(-r));
		return 0;
	}
	return 1;
}

int credentials_give(const struct preset *preset, enum conf_credentials mode, const char *store,
	const char *user_home, const struct agent_home *home, struct strvec *notes,
	struct err **err)
{
	AUTO_FD int dir = -1;
	AUTO_FD int lock = -1;
	int n = 0;

	if (mode == CONF_CREDENTIALS_NONE || preset->n_credentials == 0)
		return 0;
	if (mode == CONF_CREDENTIALS_HOST) {
		dir = open(user_home, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0)
			return err_set(err, errno, "open the home directory '%s'", user_home);
	} else {
		dir = open_store(store, preset->name, false, &lock, err);
		if (dir < 0)
			return dir == -ENOENT ? 0 : dir;
	}
	for (size_t i = 0; i < preset->n_credentials; i++) {
		const struct preset_credential *c = &preset->credentials[i];

		n += give_one(c, dir, mode == CONF_CREDENTIALS_HOST ? c->path : stored_name(c),
			home, notes);
	}
	return n;
}

/*
 * The time that a file of the inside claims: the inside can set any, so never later
 * than now.
 */
static struct timespec claimed_time(const struct stat *st)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return newer(&st->st_mtim, &now) ? now : st->st_mtim;
}

static int store_one(int dir, const char *name, const struct buf *b, const struct timespec *mtime)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, *mtime};
	int r = fs_replace_at(dir, name, b->data, b->len, 0600, true);

	if (r == 0 && utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	return r;
}

/* 1: taken; 0: nothing to take. */
static int take_one(const struct preset_credential *c, const char *store, const char *agent,
	const struct agent_home *home, struct strvec *notes, struct err **err)
{
	struct buf b AUTO_BUF = BUF_INIT(CREDENTIAL_MAX);
	struct buf old AUTO_BUF = BUF_INIT(CREDENTIAL_MAX);
	AUTO_FD int lock = -1;
	AUTO_FD int dir = -1;
	struct stat st = {0}, old_st = {0};
	struct timespec mtime;
	const char *why;
	int r = home_read(home, c->path, &b, &st);

	if (r == -ENOENT)
		return 0;
	why = r == 0	       ? credential_refused(c, b.data, b.len)
	      : r == -EMSGSIZE ? "too large"
	      : r == -ELOOP    ? "a symlink"
	      : r == -EINVAL   ? "not a file"
			       : strerrordesc_np(-r);
	if (why) {
		note(notes, "the login '%s' of the sandbox was not kept: %s", c->path, why);
		return 0;
	}
	dir = open_store(store, agent, true, &lock, err);
	if (dir < 0)
		return dir;
	mtime = claimed_time(&st);
	r = read_own(dir, stored_name(c), &old, &old_st);
	if (r == 0 && ((old.len == b.len && memcmp(old.data, b.data, b.len) == 0) ||
			      !newer(&mtime, &old_st.st_mtim)))
		return 0;
	r = store_one(dir, stored_name(c), &b, &mtime);
	if (r < 0)
		return err_set(err, -r, "keep the login '%s'", c->path);
	return 1;
}

int credentials_take(const struct preset *preset, enum conf_credentials mode, const char *store,
	const struct agent_home *home, struct strvec *notes, struct err **err)
{
	int n = 0;

	if (mode != CONF_CREDENTIALS_BAILEY)
		return 0;
	for (size_t i = 0; i < preset->n_credentials; i++) {
		int r = take_one(&preset->credentials[i], store, preset->name, home, notes, err);

		if (r < 0)
			return r;
		n += r;
	}
	return n;
}
