#include "apply.h"

#include "beneath.h"
#include "journal.h"
#include "manifest.h"
#include "sys/fs.h"

#include <fcntl.h>

/*
 * Files that are written but not yet in place. They are synced together, which is much
 * faster than one by one.
 */
#define BATCH 64

struct pending {
	size_t i;
	int dir, fd; /* fd: -1 for a link */
	const char *name;
	char temp[JOURNAL_TEMP_SIZE];
};

struct run {
	const struct staged *s;
	struct change_list *l;
	const struct apply_opts *o;
	struct journal journal;
	struct change_list *wrote; /* what is ours on the host now */
	struct pending pending[BATCH];
	size_t n_pending;
};

static void step(const struct run *r)
{
	if (r->o->fault)
		r->o->fault(r->o->fault_arg);
}

/* ---- what stays out ---- */

static enum outcome plan_one(const struct change *c, const struct apply_opts *o)
{
	const struct change *shown;

	if (c->refusal)
		return OUTCOME_REFUSED;
	if (o->shown) {
		shown = change_list_find(o->shown, c->path);
		if (!shown || !manifest_same(shown, c))
			return c->conflict ? OUTCOME_CONFLICT : OUTCOME_NOT_SHOWN;
	}
	if (c->conflict && !o->overwrite)
		return OUTCOME_CONFLICT;
	if (c->classes & ~o->accept)
		return OUTCOME_CLASS;
	return OUTCOME_NONE;
}

static bool is_below(const char *path, const char *dir)
{
	const char *rest = str_after(path, dir);

	return rest && *rest == '/';
}

/* Where a directory makes way for something that stays out, it stays whole. */
static void hold_below(struct change_list *l, size_t dir)
{
	for (size_t i = dir + 1; i < l->n && is_below(l->v[i].path, l->v[dir].path); i++)
		if (l->v[i].kind == CHANGE_DELETED && l->v[i].outcome == OUTCOME_NONE)
			l->v[i].outcome = OUTCOME_HELD;
}

static bool was_dir(const struct change *c)
{
	return c->kind == CHANGE_TYPE && c->old.type == NODE_DIR;
}

void apply_plan(struct change_list *l, const struct apply_opts *o)
{
	for (size_t i = 0; i < l->n; i++)
		l->v[i].outcome = plan_one(&l->v[i], o);
	for (size_t i = 0; i < l->n; i++) {
		struct change *c = &l->v[i];

		if (was_dir(c) && c->outcome != OUTCOME_NONE)
			hold_below(l, i);
		if (c->kind == CHANGE_DELETED && c->outcome == OUTCOME_NONE && c->rename &&
			l->v[c->rename - 1].outcome != OUTCOME_NONE)
			c->outcome = OUTCOME_HELD;
	}
}

/* ---- one entry ---- */

static enum outcome failed(struct change *c, int r)
{
	c->error = -r;
	return OUTCOME_FAILED;
}

/* Whether the host's side is still what the scan saw. */
static bool host_is_same(int dir, const char *name, const struct change *c)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT && c->old.type == NODE_NONE;
	if (node_type_of(st.st_mode) != c->old.type)
		return false;
	return c->old.type == NODE_DIR ||
	       (st.st_ino == c->old.ino && st.st_ctim.tv_sec == c->old.ctime.tv_sec &&
		       st.st_ctim.tv_nsec == c->old.ctime.tv_nsec);
}

/*
 * The directory that the entry goes into. Missing ones are made: the user may apply
 * a single file of a new directory. Their modes are set when they are applied.
 */
static int open_parent(const struct run *r, const char *path, const char **ret_name)
{
	int fd = beneath_parent(r->s->lower, path, ret_name);
	AUTO_FREE char *dir = NULL;

	if (fd != -ENOENT)
		return fd;
	dir = xstrdup(path);
	for (char *slash = dir; (slash = strchr(slash, '/')); slash++) {
		const char *name;
		AUTO_FD int up = -1;

		*slash = '\0';
		up = beneath_parent(r->s->lower, dir, &name);
		if (up < 0)
			return up;
		if (mkdirat(up, name, 0755) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return beneath_parent(r->s->lower, path, ret_name);
}

/* Copies the layer's file into an open temporary file; says if it is still the same. */
static enum outcome copy_content(const struct run *r, struct change *c, int out)
{
	AUTO_FD int path_fd = beneath_open(r->s->upper, c->path, O_PATH, 0);
	AUTO_FD int in = -1;
	struct digest d;
	struct stat st;
	int e;

	if (path_fd < 0 || fstat(path_fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		(st.st_mode & 07777) != c->new.mode)
		return OUTCOME_CHANGED;
	in = beneath_reopen(path_fd, O_RDONLY);
	if (in < 0)
		return OUTCOME_CHANGED;
	e = digest_fd(in, out, c->new.size, &d);
	if (e == -EFBIG)
		return OUTCOME_CHANGED;
	if (e < 0)
		return failed(c, e);
	if (d.size != c->new.size || memcmp(d.sha256, c->new.sha256, DIGEST_SIZE) != 0)
		return OUTCOME_CHANGED;
	return OUTCOME_APPLIED;
}

static enum outcome make_file(
	const struct run *r, struct change *c, int dir, const char *temp, int *ret_fd)
{
	AUTO_FD int fd = openat(
		dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
	enum outcome out;

	if (fd < 0)
		return failed(c, -errno);
	step(r);
	out = copy_content(r, c, fd);
	if (out != OUTCOME_APPLIED)
		return out;
	/* The host's file keeps its owner, where we may say so: root applies for a user. */
	if (c->old.type == NODE_FILE && geteuid() == 0 &&
		fchown(fd, (uid_t)c->old.uid, (gid_t)c->old.gid) < 0)
		return failed(c, -errno);
	if (fchmod(fd, c->new.mode & 0777) < 0)
		return failed(c, -errno);
	*ret_fd = TAKE_FD(fd);
	return OUTCOME_APPLIED;
}

static enum outcome make_link(const struct run *r, struct change *c, int dir, const char *temp)
{
	AUTO_FREE char *target = NULL;
	const char *name;
	AUTO_FD int from = beneath_parent(r->s->upper, c->path, &name);

	if (from < 0 || fs_readlink_at(from, name, &target) < 0 ||
		!str_eq_null(target, c->new.target))
		return OUTCOME_CHANGED;
	return symlinkat(target, dir, temp) < 0 ? failed(c, -errno) : OUTCOME_APPLIED;
}

static enum outcome do_delete(struct run *r, size_t i);

/* A directory that makes way for a file: everything below it that is to go, then itself. */
static enum outcome clear_dir(struct run *r, size_t i, int dir, const char *name)
{
	struct change *c = &r->l->v[i];
	size_t end = i + 1;

	while (end < r->l->n && is_below(r->l->v[end].path, c->path))
		end++;
	while (--end > i) {
		struct change *below = &r->l->v[end];

		if (below->kind == CHANGE_DELETED && below->outcome == OUTCOME_NONE)
			below->outcome = do_delete(r, end);
	}
	return unlinkat(dir, name, AT_REMOVEDIR) < 0 ? failed(c, -errno) : OUTCOME_APPLIED;
}

/* Puts the finished temporary file or link in place. */
static enum outcome put_in_place(
	struct run *r, size_t i, int dir, const char *temp, const char *name)
{
	struct change *c = &r->l->v[i];
	bool force = r->o->overwrite;
	enum outcome out;

	if (!host_is_same(dir, name, c) && !force)
		return OUTCOME_CONFLICT;
	if (was_dir(c)) {
		out = clear_dir(r, i, dir, name);
		if (out != OUTCOME_APPLIED)
			return out;
	}
	step(r);
	if ((c->old.type == NODE_NONE || was_dir(c)) && !force) {
		if (renameat2(dir, temp, dir, name, RENAME_NOREPLACE) == 0)
			return OUTCOME_APPLIED;
		if (errno == EEXIST)
			return OUTCOME_CONFLICT;
		if (errno != EINVAL && errno != ENOSYS)
			return failed(c, -errno);
		/* A file system without RENAME_NOREPLACE: it was not there a moment ago. */
	}
	return renameat(dir, temp, dir, name) < 0 ? failed(c, -errno) : OUTCOME_APPLIED;
}

/* What is on the host now was written by us: no conflict later. */
static void remember(struct run *r, const struct change *c, int dir, const char *name)
{
	struct change *mine;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	mine = change_list_add(r->wrote, xstrdup(c->path), c->kind);
	node_from_stat(&mine->old, &st);
	if (mine->old.type == NODE_SYMLINK)
		mine->old.target = xstrdup_null(c->new.target);
}

static void drop(struct run *r, struct pending *p, enum outcome out)
{
	(void)unlinkat(p->dir, p->temp, 0);
	p->dir = fd_close(p->dir);
	p->fd = fd_close(p->fd);
	r->l->v[p->i].outcome = out;
}

/* Writes the temporary file or link of an entry; it is put in place by flush. */
static void prepare(struct run *r, size_t i)
{
	struct change *c = &r->l->v[i];
	struct pending *p = &r->pending[r->n_pending];
	enum outcome out;

	*p = (struct pending){.i = i, .fd = -1};
	p->dir = open_parent(r, c->path, &p->name);
	if (p->dir < 0) {
		c->outcome = failed(c, p->dir);
		return;
	}
	journal_temp(r->journal.nonce, i, p->temp);
	if (c->new.type == NODE_SYMLINK)
		out = make_link(r, c, p->dir, p->temp);
	else
		out = make_file(r, c, p->dir, p->temp, &p->fd);
	step(r);
	if (out == OUTCOME_APPLIED)
		r->n_pending++;
	else
		drop(r, p, out);
}

/*
 * A few files are synced one by one. For many, one sync of the file system costs less:
 * each fsync waits for the disk's own cache.
 */
#define SYNC_EACH_MAX 8

static void sync_pending(struct run *r)
{
	uint64_t synced = 0;

	for (size_t k = 0; k < r->n_pending; k++) {
		struct pending *p = &r->pending[k];
		struct stat st;
		int e = 0;

		if (p->fd < 0)
			continue;
		if (r->n_pending <= SYNC_EACH_MAX || fstat(p->fd, &st) < 0)
			e = fsync(p->fd);
		else if (st.st_dev == synced)
			continue;
		else if (syncfs(p->fd) == 0)
			synced = st.st_dev;
		else
			e = fsync(p->fd);
		if (e < 0)
			drop(r, p, failed(&r->l->v[p->i], -errno));
	}
}

/* Syncs what was written, then puts each in place. */
static int flush(struct run *r, struct err **err)
{
	int e = 0;

	sync_pending(r);
	step(r);
	for (size_t k = 0; k < r->n_pending; k++) {
		struct pending *p = &r->pending[k];
		struct change *c = &r->l->v[p->i];
		enum outcome out;

		if (p->dir < 0)
			continue;
		out = e < 0 ? OUTCOME_NONE : put_in_place(r, p->i, p->dir, p->temp, p->name);
		if (out != OUTCOME_APPLIED) {
			drop(r, p, out);
			continue;
		}
		c->outcome = out;
		step(r);
		remember(r, c, p->dir, p->name);
		p->dir = fd_close(p->dir);
		p->fd = fd_close(p->fd);
		e = journal_done(&r->journal, p->i, err);
	}
	r->n_pending = 0;
	return e;
}

static enum outcome do_mkdir(struct run *r, size_t i)
{
	struct change *c = &r->l->v[i];
	const char *name;
	AUTO_FD int dir = open_parent(r, c->path, &name);
	struct stat st;

	if (dir < 0)
		return failed(c, dir);
	if (c->kind == CHANGE_TYPE) {
		if (!host_is_same(dir, name, c) && !r->o->overwrite)
			return OUTCOME_CONFLICT;
		if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
			return failed(c, -errno);
		step(r);
	}
	/* Others stay out until the last pass sets the mode. */
	if (mkdirat(dir, name, 0700) == 0)
		return OUTCOME_APPLIED;
	if (errno == EEXIST && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISDIR(st.st_mode))
		return OUTCOME_APPLIED;
	return errno == EEXIST ? OUTCOME_CONFLICT : failed(c, -errno);
}

/* Permission bits; what a directory has above them (setgid) stays. */
static enum outcome do_mode(struct run *r, size_t i)
{
	struct change *c = &r->l->v[i];
	const char *name;
	AUTO_FD int dir = beneath_parent(r->s->lower, c->path, &name);
	AUTO_FD int fd = -1;
	mode_t mode = c->new.mode & 0777;
	struct stat st;
	int e;

	if (dir < 0)
		return failed(c, dir);
	if (c->kind == CHANGE_MODE && !host_is_same(dir, name, c) && !r->o->overwrite)
		return OUTCOME_CONFLICT;
	fd = fs_open_beneath(dir, name, O_PATH, 0);
	if (fd < 0 || fstat(fd, &st) < 0)
		return failed(c, fd < 0 ? fd : -errno);
	if (node_type_of(st.st_mode) != c->new.type)
		return OUTCOME_CONFLICT;
	if (S_ISDIR(st.st_mode))
		mode |= st.st_mode & 07000;
	e = beneath_chmod(fd, mode);
	if (e < 0)
		return failed(c, e);
	remember(r, c, dir, name);
	return OUTCOME_APPLIED;
}

static enum outcome do_delete(struct run *r, size_t i)
{
	struct change *c = &r->l->v[i];
	const char *name;
	AUTO_FD int dir = -1;

	if (c->rename && r->l->v[c->rename - 1].outcome != OUTCOME_APPLIED)
		return OUTCOME_HELD;
	dir = beneath_parent(r->s->lower, c->path, &name);
	if (dir == -ENOENT)
		return OUTCOME_APPLIED;
	if (dir < 0)
		return failed(c, dir);
	if (!host_is_same(dir, name, c) && !r->o->overwrite)
		return OUTCOME_CONFLICT;
	step(r);
	if (unlinkat(dir, name, c->old.type == NODE_DIR ? AT_REMOVEDIR : 0) == 0 || errno == ENOENT)
		return OUTCOME_APPLIED;
	/* Something below was left, or has come since. */
	return errno == ENOTEMPTY || errno == EEXIST ? OUTCOME_HELD : failed(c, -errno);
}

/* ---- all entries, in an order in which each finds its surroundings ---- */

static bool is_new_dir(const struct change *c)
{
	return c->new.type == NODE_DIR && c->kind != CHANGE_MODE && c->kind != CHANGE_DELETED;
}

static bool is_dir_mode(const struct change *c)
{
	return c->new.type == NODE_DIR && c->kind == CHANGE_MODE;
}

/* A directory that becomes writable does so before, all others after their content. */
static bool pass_open_dirs(const struct change *c)
{
	return is_dir_mode(c) && (c->new.mode & 0200) && !(c->old.mode & 0200);
}

static bool pass_make(const struct change *c)
{
	return c->kind != CHANGE_DELETED && !is_dir_mode(c) && !was_dir(c);
}

static bool pass_replace_dirs(const struct change *c)
{
	return was_dir(c);
}

static bool pass_delete(const struct change *c)
{
	return c->kind == CHANGE_DELETED;
}

static bool pass_dir_modes(const struct change *c)
{
	return is_dir_mode(c);
}

static bool has_content(const struct change *c)
{
	return c->kind != CHANGE_DELETED && c->kind != CHANGE_MODE && !is_new_dir(c);
}

static enum outcome do_entry(struct run *r, size_t i)
{
	const struct change *c = &r->l->v[i];

	if (c->kind == CHANGE_DELETED)
		return do_delete(r, i);
	return c->kind == CHANGE_MODE ? do_mode(r, i) : do_mkdir(r, i);
}

static const struct {
	bool (*wants)(const struct change *c);
	bool backwards; /* what is below first */
} passes[] = {
	{pass_open_dirs, false},
	{pass_make, false},
	{pass_replace_dirs, false},
	{pass_delete, true},
	{pass_dir_modes, true},
};

static int run_pass(struct run *r, size_t pass, struct err **err)
{
	int e = 0;

	for (size_t k = 0; e == 0 && k < r->l->n; k++) {
		size_t i = passes[pass].backwards ? r->l->n - 1 - k : k;
		struct change *c = &r->l->v[i];

		if (c->outcome != OUTCOME_NONE || !passes[pass].wants(c))
			continue;
		step(r);
		if (has_content(c)) {
			prepare(r, i);
			if (r->n_pending == BATCH)
				e = flush(r, err);
			continue;
		}
		c->outcome = do_entry(r, i);
		step(r);
		if (c->outcome == OUTCOME_APPLIED)
			e = journal_done(&r->journal, i, err);
	}
	if (e == 0)
		return flush(r, err);
	for (size_t k = 0; k < r->n_pending; k++)
		drop(r, &r->pending[k], OUTCOME_NONE);
	r->n_pending = 0;
	return e;
}

/* New directories were made closed; now that they are full they get their modes. */
static void set_new_dir_modes(struct run *r)
{
	for (size_t i = r->l->n; i-- > 0;) {
		struct change *c = &r->l->v[i];

		if (!is_new_dir(c) || c->outcome != OUTCOME_APPLIED)
			continue;
		step(r);
		c->outcome = do_mode(r, i);
	}
}

int apply_run(
	const struct staged *s, struct change_list *l, const struct apply_opts *o, struct err **err)
{
	AUTO_CHANGES struct change_list *wrote = xcalloc(1, sizeof(*wrote));
	struct run r = {.s = s, .l = l, .o = o, .wrote = wrote};
	int e;

	e = journal_begin(s, l, &r.journal, err);
	if (e < 0)
		return e;
	step(&r);
	for (size_t p = 0; e == 0 && p < ARRAY_SIZE(passes); p++)
		e = run_pass(&r, p, err);
	if (e == 0)
		set_new_dir_modes(&r);
	step(&r);
	change_list_sort(wrote);
	if (e == 0)
		e = baseline_add(s, wrote, err);
	step(&r);
	if (e == 0)
		e = manifest_forget_applied(s, l, err);
	step(&r);
	/* After a failure the journal stays: the next command cleans up from it. */
	if (e < 0)
		r.journal.fd = fd_close(r.journal.fd);
	else
		journal_end(s, &r.journal);
	return e;
}
