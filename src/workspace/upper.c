#include "upper.h"

#include "beneath.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define GiB (1ULL << 30)

const struct scan_limits scan_limits_default = {
	.entries = 1000000,
	.path_bytes = 256ULL << 20,
	.path_max = 16384,
	.file_max = 8 * GiB,
	.hole_max = 1 * GiB,
	.holes_max = 64 * GiB,
};

/* Lists of attribute names are at most this long (XATTR_LIST_MAX). */
#define XATTR_NAMES_MAX 65536

/* A directory that is still to be read. */
struct todo {
	char *path;
	bool hidden; /* an opaque directory is above: the overlay shows nothing of the project */
	struct timespec made; /* of that directory */
	size_t entry;	      /* 1 + its index in the list, or 0 */
};

struct scan {
	const struct staged *s;
	const struct scan_opts *o;
	const struct scan_limits *limits;
	struct change_list *list;
	struct todo *todo;
	size_t n_todo, cap_todo;
	size_t seen;
	uint64_t holes;
	struct err **err;
};

/* The directory at hand. */
struct here {
	const char *path;
	int upper;
	int lower; /* -1: the project has no such directory */
	bool hidden;
	struct timespec made; /* of the topmost directory that hides */
};

int upper_marks(int fd)
{
	static const char prefix[] = "user.overlay.";
	AUTO_FREE char *names = NULL;
	int marks = 0;
	ssize_t n;

	n = flistxattr(fd, NULL, 0);
	if (n <= 0)
		return n == 0 || errno == EOPNOTSUPP ? 0 : -errno;
	names = xmalloc(XATTR_NAMES_MAX);
	n = flistxattr(fd, names, XATTR_NAMES_MAX);
	if (n < 0)
		return -errno;
	for (const char *p = names; p < names + n; p += strlen(p) + 1) {
		const char *rest = str_after(p, prefix);
		char value[2] = "";

		if (!rest)
			continue;
		if (str_eq(rest, "opaque")) {
			/* "x" says: look for whiteouts by attribute, and hides nothing. */
			if (fgetxattr(fd, p, value, 1) == 1 && *value == 'y')
				marks |= UPPER_OPAQUE;
			else if (*value != 'x')
				marks |= UPPER_HOSTILE;
		} else if (str_eq(rest, "whiteout")) {
			marks |= UPPER_WHITEOUT;
		} else if (!str_eq(rest, "origin") && !str_eq(rest, "impure") &&
			   !str_eq(rest, "uuid") && !str_eq(rest, "nlink")) {
			marks |= UPPER_HOSTILE;
		}
	}
	return marks;
}

bool upper_is_whiteout(int path_fd, const struct stat *st)
{
	AUTO_FD int fd = -1;
	int marks;

	if (S_ISCHR(st->st_mode))
		return st->st_rdev == makedev(0, 0);
	if (!S_ISREG(st->st_mode) || st->st_size != 0)
		return false;
	fd = beneath_reopen(path_fd, O_RDONLY);
	marks = fd < 0 ? 0 : upper_marks(fd);
	return marks > 0 && (marks & UPPER_WHITEOUT);
}

static bool selected(const struct scan *sc, const char *path)
{
	return path_selected(path, sc->o->paths, sc->o->n_paths);
}

/* Whether the way to a selected path leads through this directory. */
static bool leads(const struct scan *sc, const char *path)
{
	for (size_t i = 0; i < sc->o->n_paths; i++) {
		const char *rest = str_after(sc->o->paths[i], path);

		if (rest && *rest == '/')
			return true;
	}
	return false;
}

static struct change *add(struct scan *sc, const char *path, enum change_kind kind)
{
	return change_list_add(sc->list, xstrdup(path), kind);
}

static struct timespec birth(int fd)
{
	struct statx x;

	if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BTIME, &x) < 0 ||
		!(x.stx_mask & STATX_BTIME))
		return (struct timespec){0};
	return (struct timespec){x.stx_btime.tv_sec, x.stx_btime.tv_nsec};
}

static void later(
	struct scan *sc, const char *path, bool hidden, struct timespec made, size_t entry)
{
	GROW(sc->todo, sc->n_todo, sc->cap_todo);
	sc->todo[sc->n_todo++] = (struct todo){
		.path = xstrdup(path), .hidden = hidden, .made = made, .entry = entry};
}

static int check_limits(struct scan *sc)
{
	if (++sc->seen > sc->limits->entries || sc->list->n > sc->limits->entries) {
		err_set(sc->err, E2BIG, "more than %zu files are changed", sc->limits->entries);
		return err_hint(sc->err, "name the paths to look at: bailey diff -- PATH");
	}
	if (sc->list->path_bytes > sc->limits->path_bytes) {
		err_set(sc->err, E2BIG, "the names of the changed files are longer than %llu MiB",
			(unsigned long long)(sc->limits->path_bytes >> 20));
		return err_hint(sc->err, "name the paths to look at: bailey diff -- PATH");
	}
	return 0;
}

/* What the host has, for the record of a deletion. */
static void set_old(struct change *c, int dirfd, const char *name, const struct stat *st)
{
	node_from_stat(&c->old, st);
	if (c->old.type == NODE_SYMLINK && fs_readlink_at(dirfd, name, &c->old.target) < 0)
		c->old.target = NULL;
}

static char *join(const char *dir, const char *name)
{
	return *dir ? xasprintf("%s/%s", dir, name) : xstrdup(name);
}

/* The names in an open directory. */
static int read_names(struct scan *sc, int dirfd, struct strvec *ret)
{
	AUTO_FD int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *de;

	if (!dir)
		return -errno;
	(void)TAKE_FD(fd);
	while ((errno = 0, de = readdir(dir))) {
		if (str_eq(de->d_name, ".") || str_eq(de->d_name, ".."))
			continue;
		if (ret->n > sc->limits->entries)
			break; /* check_limits will say so */
		strvec_push(ret, de->d_name);
	}
	return -errno;
}

/*
 * Lists what the project has at and below path as deleted; itself: also path. Only
 * the user writes there, but a changed tree is no reason to follow links.
 */
static int add_deleted(
	struct scan *sc, const char *top, bool itself, enum refusal refusal, struct timespec made)
{
	AUTO_STRVEC struct strvec stack = {0};
	const char *name;
	AUTO_FD int parent = beneath_parent(sc->s->lower, top, &name);
	struct stat st;
	int r;

	if (parent < 0 || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (itself && selected(sc, top)) {
		struct change *c = add(sc, top, CHANGE_DELETED);

		set_old(c, parent, name, &st);
		c->made = made;
	}
	if (S_ISDIR(st.st_mode))
		strvec_push(&stack, top);
	while (stack.n) {
		AUTO_FREE char *path = stack.v[--stack.n];
		AUTO_STRVEC struct strvec names = {0};
		AUTO_FD int fd = -1;

		stack.v[stack.n] = NULL;
		fd = beneath_open(sc->s->lower, path, O_RDONLY | O_DIRECTORY, 0);
		r = fd < 0 ? fd : read_names(sc, fd, &names);
		if (r < 0) {
			struct change *c = add(sc, path, CHANGE_DELETED);

			c->old.type = NODE_DIR;
			c->refusal = REFUSED_UNREADABLE;
			continue;
		}
		for (size_t i = 0; i < names.n; i++) {
			AUTO_FREE char *sub = join(path, names.v[i]);
			struct change *c;

			r = check_limits(sc);
			if (r < 0)
				return r;
			if (fstatat(fd, names.v[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
				continue;
			if (S_ISDIR(st.st_mode))
				strvec_push(&stack, sub);
			if (!selected(sc, sub))
				continue;
			c = add(sc, sub, CHANGE_DELETED);
			set_old(c, fd, names.v[i], &st);
			c->made = made;
			c->refusal = refusal;
		}
	}
	return 0;
}

/* Hashes a plain file of the layer; says why it is refused, if it is. */
static enum refusal inspect(struct scan *sc, int path_fd, struct change *c)
{
	uint64_t held, holes;
	struct digest d;
	struct stat st;
	AUTO_FD int fd = beneath_reopen(path_fd, O_RDONLY);
	int r;

	if (fd < 0)
		return fd == -EACCES || fd == -EPERM ? REFUSED_UNREADABLE : REFUSED_RACE;
	r = upper_marks(fd);
	if (r < 0 || (r & UPPER_HOSTILE))
		return REFUSED_XATTR;
	if (fstat(fd, &st) < 0)
		return REFUSED_RACE;
	if ((uint64_t)st.st_size > sc->limits->file_max)
		return REFUSED_LARGE;
	held = (uint64_t)st.st_blocks * 512;
	holes = (uint64_t)st.st_size > held ? (uint64_t)st.st_size - held : 0;
	sc->holes += holes;
	if (holes > sc->limits->hole_max || sc->holes > sc->limits->holes_max)
		return REFUSED_SPARSE;
	r = digest_fd(fd, -1, sc->limits->file_max, &d);
	if (r < 0)
		return r == -EFBIG ? REFUSED_LARGE : REFUSED_UNREADABLE;
	memcpy(c->new.sha256, d.sha256, DIGEST_SIZE);
	c->new.hashed = true;
	c->new.size = d.size;
	c->binary = d.binary;
	c->risks = d.risks;
	return REFUSED_NOT;
}

/* Whether the project's file has the same content; its hash is kept. */
static bool same_content(struct scan *sc, int lower_fd, struct change *c)
{
	AUTO_FD int fd = -1;
	struct digest d;

	if (!c->new.hashed || c->old.type != NODE_FILE || c->old.size != c->new.size)
		return false;
	fd = beneath_reopen(lower_fd, O_RDONLY);
	if (fd < 0 || digest_fd(fd, -1, sc->limits->file_max, &d) < 0)
		return false;
	memcpy(c->old.sha256, d.sha256, DIGEST_SIZE);
	c->old.hashed = true;
	return memcmp(c->old.sha256, c->new.sha256, DIGEST_SIZE) == 0;
}

static enum refusal refusal_of_type(enum node_type t)
{
	switch (t) {
	case NODE_FIFO:
		return REFUSED_FIFO;
	case NODE_SOCKET:
		return REFUSED_SOCKET;
	case NODE_DEVICE:
		return REFUSED_DEVICE;
	case NODE_NONE:
	case NODE_FILE:
	case NODE_DIR:
	case NODE_SYMLINK:
	case NODE_N_TYPES:
		break;
	}
	return REFUSED_NOT;
}

/* Fills in c from both sides. False: the two are equal, there is no change. */
static bool compare(struct scan *sc, int upper_fd, int lower_fd, struct change *c)
{
	bool same_type = c->old.type == c->new.type;
	bool same_mode = ((c->old.mode ^ c->new.mode) & 0777) == 0;
	bool same = false;

	if (c->old.type == NODE_SYMLINK && fs_readlink_at(lower_fd, "", &c->old.target) < 0)
		c->old.target = NULL;
	if (c->new.type == NODE_FILE) {
		c->refusal = inspect(sc, upper_fd, c);
		same = c->refusal == REFUSED_NOT && same_content(sc, lower_fd, c);
		if ((c->new.mode &(S_ISUID | S_ISGID)) && c->refusal == REFUSED_NOT) {
			if (same && c->old.mode == c->new.mode)
				return false;
			c->refusal = REFUSED_SETID;
		}
	} else if (c->new.type == NODE_SYMLINK) {
		if (fs_readlink_at(upper_fd, "", &c->new.target) < 0)
			c->refusal = REFUSED_RACE;
		same = str_eq_null(c->old.target, c->new.target);
		same_mode = true;
	} else {
		c->refusal = refusal_of_type(c->new.type);
		same = same_type && c->new.type != NODE_DEVICE;
	}
	if (c->old.type == NODE_NONE)
		c->kind = CHANGE_ADDED;
	else if (!same_type)
		c->kind = CHANGE_TYPE;
	else if (same && same_mode && c->refusal != REFUSED_SETID)
		return false;
	else
		c->kind = same ? CHANGE_MODE : CHANGE_MODIFIED;
	return true;
}

/* A directory in the layer: it is read later; now only what it is itself. */
static void visit_dir(struct scan *sc, const struct here *h, const char *path, struct change *found)
{
	size_t entry = 0;
	struct change *c;

	if (found->old.type == NODE_DIR && ((found->old.mode ^ found->new.mode) & 0777) == 0)
		found = NULL;
	if (found && selected(sc, path)) {
		c = add(sc, path, CHANGE_ADDED);
		c->made = found->made;
		c->old = found->old;
		c->new = found->new;
		c->kind = c->old.type == NODE_DIR    ? CHANGE_MODE
			  : c->old.type == NODE_NONE ? CHANGE_ADDED
						     : CHANGE_TYPE;
		entry = sc->list->n;
	}
	if (strlen(path) > sc->limits->path_max) {
		c = entry ? &sc->list->v[entry - 1] : add(sc, path, CHANGE_MODIFIED);
		c->new.type = NODE_DIR;
		c->refusal = REFUSED_DEEP;
		return;
	}
	later(sc, path, h->hidden, h->made, entry);
}

static int visit_entry(struct scan *sc, const struct here *h, const char *name)
{
	AUTO_FREE char *path = join(h->path, name);
	AUTO_FD int upper_fd = -1;
	AUTO_FD int lower_fd = -1;
	struct change found = {0}, *c;
	struct stat st, lst = {0};
	bool was_dir;
	int r = 0;

	if (!selected(sc, path) && !leads(sc, path))
		return 0;
	upper_fd = fs_open_beneath(h->upper, name, O_PATH, 0);
	if (upper_fd < 0 || fstat(upper_fd, &st) < 0)
		return 0; /* gone meanwhile */
	if (upper_is_whiteout(upper_fd, &st))
		return add_deleted(sc, path, true, REFUSED_NOT, birth(upper_fd));
	node_from_stat(&found.new, &st);
	if (h->lower >= 0)
		lower_fd = fs_open_beneath(h->lower, name, O_PATH, 0);
	if (lower_fd >= 0 && fstat(lower_fd, &lst) == 0)
		node_from_stat(&found.old, &lst);
	if (S_ISDIR(st.st_mode)) {
		found.made = birth(upper_fd);
		visit_dir(sc, h, path, &found);
		return 0;
	}
	if (!selected(sc, path) && found.old.type != NODE_DIR)
		return 0;
	was_dir = found.old.type == NODE_DIR;
	found.made = birth(upper_fd);
	if (found.new.type == NODE_DEVICE && found.old.type == NODE_DEVICE &&st.st_rdev ==
						     lst.st_rdev &&st.st_mode == lst.st_mode)
		return 0;
	if (!compare(sc, upper_fd, lower_fd, &found)) {
		node_done(&found.old);
		node_done(&found.new);
		return 0;
	}
	if (was_dir)
		r = add_deleted(
			sc, path, false, found.refusal ? REFUSED_BELOW : REFUSED_NOT, found.made);
	if (r < 0 || !selected(sc, path)) {
		node_done(&found.old);
		node_done(&found.new);
		return r;
	}
	c = add(sc, path, found.kind);
	found.path = c->path;
	*c = found;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In an opaque directory, what the project has and the layer has not is deleted. */
static int visit_hidden(struct scan *sc, const struct here *h, const struct strvec *upper)
{
	AUTO_STRVEC struct strvec lower = {0};
	AUTO_FD int fd = beneath_open(sc->s->lower, h->path, O_RDONLY | O_DIRECTORY, 0);
	int r;

	if (fd < 0)
		return 0;
	r = read_names(sc, fd, &lower);
	if (r < 0)
		return err_set(sc->err, -r, "read a directory of the project");
	for (size_t i = 0; i < lower.n; i++) {
		AUTO_FREE char *path = NULL;

		if (upper->n && bsearch(&lower.v[i], upper->v, upper->n, sizeof(upper->v[0]),
					compare_names))
			continue;
		path = join(h->path, lower.v[i]);
		r = check_limits(sc);
		if (r == 0 && (selected(sc, path) || leads(sc, path)))
			r = add_deleted(sc, path, true, REFUSED_NOT, h->made);
		if (r < 0)
			return r;
	}
	return 0;
}

static void refuse_dir(struct scan *sc, const struct todo *t, enum refusal refusal)
{
	struct change *c;

	if (t->entry) {
		c = &sc->list->v[t->entry - 1];
	} else {
		c = add(sc, t->path, CHANGE_MODIFIED);
		c->old.type = NODE_DIR;
		c->new.type = NODE_DIR;
	}
	c->refusal = refusal;
}

static int visit(struct scan *sc, const struct todo *t)
{
	AUTO_STRVEC struct strvec names = {0};
	AUTO_FD int upper = beneath_open(sc->s->upper, t->path, O_RDONLY | O_DIRECTORY, 0);
	AUTO_FD int lower = beneath_open(sc->s->lower, t->path, O_PATH | O_DIRECTORY, 0);
	struct here h = {t->path, upper, lower < 0 ? -1 : lower, t->hidden, t->made};
	int r;

	if (upper == -ENOENT)
		return 0;
	if (upper < 0) {
		refuse_dir(sc, t, upper == -EACCES ? REFUSED_UNREADABLE : REFUSED_RACE);
		return 0;
	}
	r = upper_marks(upper);
	if (r < 0 || (r & UPPER_HOSTILE)) {
		refuse_dir(sc, t, REFUSED_XATTR);
		return 0;
	}
	if (!h.hidden && (r & UPPER_OPAQUE)) {
		h.hidden = true;
		h.made = birth(upper);
	}
	r = read_names(sc, upper, &names);
	if (r < 0) {
		refuse_dir(sc, t, REFUSED_RACE);
		return 0;
	}
	if (names.n)
		qsort(names.v, names.n, sizeof(names.v[0]), compare_names);
	for (size_t i = 0; i < names.n; i++) {
		r = check_limits(sc);
		if (r == 0)
			r = visit_entry(sc, &h, names.v[i]);
		if (r < 0 || (sc->o->any && sc->list->n))
			return r;
	}
	return h.hidden && lower >= 0 ? visit_hidden(sc, &h, &names) : 0;
}

int upper_scan(const struct staged *s, const struct scan_opts *o, struct change_list **ret,
	struct err **err)
{
	AUTO_CHANGES struct change_list *list = xcalloc(1, sizeof(*list));
	struct scan sc = {
		.s = s,
		.o = o,
		.limits = o->limits ? o->limits : &scan_limits_default,
		.list = list,
		.err = err,
	};
	int r = 0;

	later(&sc, "", false, (struct timespec){0}, 0);
	while (r == 0 && sc.n_todo && !(o->any && list->n)) {
		struct todo t = sc.todo[--sc.n_todo];

		r = visit(&sc, &t);
		free(t.path);
	}
	while (sc.n_todo)
		free(sc.todo[--sc.n_todo].path);
	free(sc.todo);
	if (r < 0)
		return r;
	change_list_sort(list);
	*ret = TAKE_PTR(list);
	return 0;
}
