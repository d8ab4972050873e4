#include "state.h"

#include "cell/ids.h"
#include "cell/launch.h"
#include "sys/fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>

/* meta.json is ours, but a disk may rot. */
#define META_MAX (64 * 1024)
/* As root: ranges of 65536 ids from here, above what login.defs, systemd and containers hand out.
 */
#define IDS_FIRST 0x60000000U
#define IDS_RANGES 4096U

static const char *const places[] = {"sandboxes", "run"};

char *state_root(void)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (xdg && xdg[0] == '/')
		return xasprintf("%s/bailey", xdg);
	return xasprintf("%s/.local/state/bailey", home && home[0] == '/' ? home : "/root");
}

static struct state *state_new(void)
{
	struct state *s = xcalloc(1, sizeof(*s));

	s->dir = s->lock = -1;
	return s;
}

void state_free(struct state *s)
{
	if (!s)
		return;
	free(s->id);
	free(s->name);
	free(s->project);
	free(s->agent);
	strvec_done(&s->settings);
	free(s->path);
	fd_close(s->dir);
	fd_close(s->lock);
	free(s);
}

static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261U; /* FNV-1a */

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619U;
	return h;
}

int state_save(const struct state *s, struct err **err)
{
	json_t *meta = json_pack("{s:i s:s s:s s:s? s:b s:i s:i s:I s:I s:I}", "version", 1, "name",
		s->name, "project", s->project, "agent", s->agent, "ephemeral", s->ephemeral,
		"workspace", (int)s->workspace, "isolation", (int)s->isolation, "since",
		(json_int_t)s->since.tv_sec, "since_ns", (json_int_t)s->since.tv_nsec, "ids_base",
		(json_int_t)s->ids_base);
	json_t *settings = json_array();
	char *text;
	int r;

	for (size_t i = 0; i < s->settings.n; i++)
		json_array_append_new(settings, json_string(s->settings.v[i]));
	if (meta)
		json_object_set(meta, "settings", settings);
	text = meta && json_array_size(settings) == s->settings.n ? json_dumps(meta, JSON_INDENT(1))
								  : NULL;
	json_decref(settings);
	json_decref(meta);
	if (!text) /* jansson refuses strings that are not UTF-8 */
		return err_set(err, EILSEQ, "record the sandbox of '%s' (its path is not UTF-8)",
			s->project);
	r = fs_replace_at(s->dir, "meta.json", text, strlen(text), 0600, false);
	free(text);
	return r < 0 ? err_set(err, r, "write '%s/meta.json'", s->path) : 0;
}

static int load_meta(struct state *s, struct err **err)
{
	AUTO_BUF struct buf b = BUF_INIT(META_MAX);
	const char *name, *project, *agent;
	json_int_t since, since_ns, base;
	int version, ephemeral, workspace, isolation;
	json_t *meta, *list, *setting;
	size_t i;
	int r = fs_read_at(s->dir, "meta.json", &b);

	if (r < 0)
		return err_set(err, r, "read '%s/meta.json'", s->path);
	meta = json_loadb(b.data ? b.data : "", b.len, JSON_REJECT_DUPLICATES, NULL);
	/* "agent" is null for none. */
	agent = json_string_value(json_object_get(meta, "agent"));
	list = json_object_get(meta, "settings");
	if (!meta ||
		json_unpack(meta, "{s:i s:s s:s s:b s:i s:i s:I s:I s:I}", "version", &version,
			"name", &name, "project", &project, "ephemeral", &ephemeral, "workspace",
			&workspace, "isolation", &isolation, "since", &since, "since_ns", &since_ns,
			"ids_base", &base) < 0 ||
		version != 1 || !json_is_array(list)) {
		json_decref(meta);
		err_set(err, EBADMSG, "understand '%s/meta.json'", s->path);
		return err_hint(err, "remove that directory if the sandbox is not needed");
	}
	json_array_foreach(list, i, setting)
	{
		if (json_is_string(setting))
			strvec_push(&s->settings, json_string_value(setting));
	}
	s->name = xstrdup(name);
	s->project = xstrdup(project);
	s->agent = xstrdup_null(agent);
	s->ephemeral = ephemeral;
	s->workspace = (enum conf_workspace)workspace;
	s->isolation = (enum conf_isolation)isolation;
	s->since = (struct timespec){(time_t)since, (long)since_ns};
	s->ids_base = (uint32_t)base;
	json_decref(meta);
	return 0;
}

/* -ENOENT without a story. */
static int open_record(const char *place, const char *id, struct state **ret, struct err **err)
{
	AUTO_STATE struct state *s = state_new();
	AUTO_FREE char *root = state_root();
	int r;

	s->id = xstrdup(id);
	s->path = xasprintf("%s/%s/%s", root, place, id);
	s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0)
		return errno == ENOENT ? -ENOENT : err_set(err, errno, "open '%s'", s->path);
	r = load_meta(s, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

static int lock_at(int dir)
{
	AUTO_FD int fd = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return TAKE_FD(fd);
}

int state_lock(struct state *s)
{
	int fd = lock_at(s->dir);

	if (fd < 0)
		return fd;
	fd_close(s->lock);
	s->lock = fd;
	return 0;
}

void state_unlock(struct state *s)
{
	s->lock = fd_close(s->lock);
}

bool state_running(const struct state *s)
{
	AUTO_FD int fd = -1;

	if (s->lock >= 0)
		return false;
	fd = lock_at(s->dir);
	return fd == -EBUSY;
}

/* As root what the inside owns belongs to its own range on the host. */
static int give_to_inside(const struct state *s, int fd, uint32_t uid, uint32_t gid)
{
	if (!s->ids_base)
		return 0;
	return fchown(fd, s->ids_base + (uid < CELL_ROOT_IDS ? uid : 0),
		       s->ids_base + (gid < CELL_ROOT_IDS ? gid : 0)) < 0
		       ? -errno
		       : 0;
}

/* tmpfs has the extended attributes that overlayfs needs since Linux 6.6. */
bool state_in_memory(void)
{
	struct utsname u;
	char *rest = u.release, *part;
	uint64_t number[2] = {0};

	if (uname(&u) < 0)
		return false;
	for (size_t i = 0; i < 2 && (part = strsep(&rest, ".")); i++)
		if (parse_u64(part, 0, 1000, &number[i]) < 0)
			return false;
	return number[0] > 6 || (number[0] == 6 && number[1] >= 6);
}

static int make_layer(const struct state *s, struct err **err)
{
	AUTO_FD int layer = fs_mkdir_beneath(s->dir, "layer", 0700);
	AUTO_FD int work = layer < 0 ? -1 : fs_mkdir_beneath(layer, "work", 0700);
	AUTO_FD int upper = layer < 0 ? -1 : fs_mkdir_beneath(layer, "upper", 0700);
	struct stat st;
	int r;

	if (layer < 0 || work < 0 || upper < 0)
		return err_set(err,
			layer < 0  ? layer
			: work < 0 ? work
				   : upper,
			"make the staging layer in '%s'", s->path);
	/* The top of the upper layer is what the project's directory looks like inside. */
	if (stat(s->project, &st) < 0)
		return err_set(err, errno, "look at '%s'", s->project);
	if (fchmod(upper, st.st_mode & 0777) < 0)
		return err_set(err, errno, "set up the staging layer");
	r = give_to_inside(s, upper, st.st_uid, st.st_gid);
	if (r == 0)
		r = give_to_inside(s, work, 0, 0);
	if (r == 0)
		r = give_to_inside(s, layer, 0, 0);
	return r < 0 ? err_set(err, r, "hand the staging layer to the sandbox") : 0;
}

static int make_home(const struct state *s, struct err **err)
{
	AUTO_FD int home = fs_mkdir_beneath(s->dir, "home", 0700);
	int r = home < 0 ? home : give_to_inside(s, home, 0, 0);

	return r < 0 ? err_set(err, r, "make the sandbox's home in '%s'", s->path) : 0;
}

static int try_create(
	const struct policy *p, const char *place, struct state **ret, struct err **err)
{
	AUTO_STATE struct state *s = state_new();
	AUTO_FREE char *root = state_root();
	AUTO_FREE char *parent = xasprintf("%s/%s", root, place);
	struct stat st;
	int r = fs_mkdir_p(parent, 0700);

	if (r < 0)
		return err_set(err, r, "make '%s'", parent);
	s->id = xstrdup(p->id);
	s->path = xasprintf("%s/%s", parent, p->id);
	if (mkdir(s->path, 0700) < 0 && errno != EEXIST)
		return err_set(err, errno, "make '%s'", s->path);
	s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0)
		return err_set(err, errno, "open '%s'", s->path);
	r = state_lock(s);
	if (r < 0)
		return r == -EBUSY ? r : err_set(err, r, "lock '%s'", s->path);
	if (fstat(s->dir, &st) < 0 || st.st_nlink == 0)
		return -EAGAIN; /* swept away before we had the lock */
	s->name = xstrdup(p->name);
	s->project = xstrdup(p->project);
	s->agent = xstrdup_null(p->agent);
	s->ephemeral = p->ephemeral;
	s->workspace = p->workspace;
	s->isolation = p->isolation;
	s->ids_base = cell_as_root() ? IDS_FIRST + hash(p->id) % IDS_RANGES * CELL_ROOT_IDS : 0;
	clock_gettime(CLOCK_REALTIME, &s->since);
	r = s->ephemeral && state_in_memory() ? 0 : make_layer(s, err);
	if (r == 0 && !s->ephemeral)
		r = make_home(s, err);
	if (r == 0)
		r = state_save(s, err); /* last: a record with meta.json is whole */
	if (r < 0) {
		(void)!fs_remove_tree(AT_FDCWD, s->path);
		return r;
	}
	*ret = TAKE_PTR(s);
	return 0;
}

/* A sweep by another command may mistake the half-made for a leftover: then once more. */
static int create(const struct policy *p, const char *place, struct state **ret, struct err **err)
{
	int r = -EAGAIN;

	for (int tries = 0; tries < 8 && (r == -EAGAIN || (r == -EBUSY && p->ephemeral)); tries++)
		r = try_create(p, place, ret, err);
	return r == -EAGAIN ? err_set(err, EAGAIN, "make the sandbox '%s'", p->name) : r;
}

int state_acquire(const struct policy *p, struct state **ret, struct err **err)
{
	const char *place = places[p->ephemeral];
	AUTO_STATE struct state *s = NULL;
	AUTO_ERR struct err *why = NULL;
	int r = open_record(place, p->id, &s, &why);

	if (r == -ENOENT) /* none, or one that a crash left half made */
		return create(p, place, ret, err);
	if (r < 0) {
		/* Starting afresh would forget the walls that it was made with. */
		if (err)
			*err = TAKE_PTR(why);
		return r;
	}
	if (!str_eq(s->project, p->project))
		return err_set(
			err, EEXIST, "use the name '%s': it belongs to '%s'", s->name, s->project);
	r = state_lock(s);
	if (r < 0)
		return r == -EBUSY ? r : err_set(err, r, "lock '%s'", s->path);
	*ret = TAKE_PTR(s);
	return 1;
}

static int compare(const void *a, const void *b)
{
	const struct state *const *x = a, *const *y = b;
	int r = strcmp((*x)->project, (*y)->project);

	return r ? r : strcmp((*x)->name, (*y)->name);
}

int state_list(const char *project, struct state ***ret, size_t *ret_n, struct err **err)
{
	AUTO_FREE char *root = state_root();
	struct state **list = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", root, places[i]);
		AUTO_DIR DIR *dir = opendir(path);
		const struct dirent *de;

		if (!dir && errno != ENOENT) {
			state_list_free(list, n);
			return err_set(err, errno, "open '%s'", path);
		}
		while (dir && (de = readdir(dir))) {
			struct state *s = NULL;

			if (de->d_name[0] == '.' ||
				open_record(places[i], de->d_name, &s, NULL) < 0)
				continue;
			if ((project && !str_eq(s->project, project)) ||
				(s->ephemeral && !state_running(s))) {
				state_free(s);
				continue;
			}
			GROW(list, n, cap);
			list[n++] = s;
		}
	}
	if (n)
		qsort(list, n, sizeof(*list), compare);
	*ret = list;
	*ret_n = n;
	return 0;
}

void state_list_free(struct state **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		state_free(list[i]);
	free(list);
}

int state_find(const char *project, const char *name, struct state **ret, struct err **err)
{
	AUTO_BUF struct buf names = BUF_INIT(0);
	struct state **list;
	struct state *found = NULL;
	size_t n, fits = 0;
	int r = state_list(project, &list, &n, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		/* Without a name a one-shot sandbox is never meant. */
		if (name ? !str_eq(list[i]->name, name) && !str_eq(list[i]->id, name)
			 : list[i]->ephemeral)
			continue;
		buf_printf(&names, "%s%s", fits ? ", " : "", list[i]->name);
		fits++;
		found = list[i];
	}
	if (fits == 1) {
		for (size_t i = 0; i < n; i++)
			if (list[i] == found)
				list[i] = NULL;
		*ret = found;
	} else if (fits == 0) {
		AUTO_FREE char *where = str_escape0(project);
		AUTO_FREE char *what = name ? str_escape0(name) : NULL;

		r = what ? err_set(err, 0, "there is no sandbox '%s' of '%s'", what, where)
			 : err_set(err, 0, "there is no sandbox of '%s'", where);
		err_hint(err, "'bailey ls --all' lists what there is");
	} else {
		AUTO_FREE char *where = str_escape0(project);

		r = err_set(err, 0, "several sandboxes of '%s' fit", where);
		err_hint(err, "name one of: %s", names.data);
	}
	if (fits != 1) {
		r = fits ? -ENOTUNIQ : -ENOENT;
		if (err && *err)
			(*err)->code = -r;
	}
	state_list_free(list, n);
	return r;
}

/* By way of the directory's descriptor: a socket's address holds 107 bytes, a home may be deeper.
 */
static struct sockaddr_un control_address(const struct state *s)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d/ctl", s->dir);
	return sa;
}

int state_listen(const struct state *s, struct err **err)
{
	struct sockaddr_un sa = control_address(s);
	AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_set(err, errno, "make the control socket");
	(void)unlinkat(s->dir, "ctl", 0);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 64) < 0)
		return err_set(err, errno, "listen on '%s/ctl'", s->path);
	return TAKE_FD(fd);
}

int state_connect(const struct state *s)
{
	struct sockaddr_un sa = control_address(s);
	AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* Files of a sandbox with a range of ids belong to the caller's subordinate ids. */
static int remove_tree(const char *path, struct err **err)
{
	int r = fs_remove_tree(AT_FDCWD, path);

	if (r == 0)
		return 0;
	if ((r == -EACCES || r == -EPERM) && !cell_as_root())
		return ids_remove_tree(path, err);
	return err_set(err, r, "remove '%s'", path);
}

int state_remove(struct state *s, struct err **err)
{
	/* Atomically out of sight, so that a crash half way leaves no half sandbox. */
	AUTO_FREE char *trash = xasprintf("%s.gone", s->path);

	if (rename(s->path, trash) < 0)
		return errno == ENOENT ? 0 : err_set(err, errno, "remove '%s'", s->path);
	return remove_tree(trash, err);
}

/* Whether it is a leftover, and then locked by us. */
static int claim_leftover(int run, const char *name)
{
	AUTO_FD int dir = openat(run, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return dir < 0 ? -errno : lock_at(dir);
}

void state_sweep(size_t most)
{
	AUTO_FREE char *root = state_root();

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", root, places[i]);
		AUTO_DIR DIR *dir = opendir(path);
		const struct dirent *de;
		size_t seen = 0;

		while (dir && (de = readdir(dir))) {
			AUTO_FD int lock = -1;
			bool gone = str_ends(de->d_name, ".gone");

			if (de->d_name[0] == '.' || (!gone && str_eq(places[i], "sandboxes")))
				continue;
			if (most && seen++ == most)
				break;
			lock = claim_leftover(dirfd(dir), de->d_name);
			if (lock >= 0) {
				AUTO_FREE char *leftover = xasprintf("%s/%s", path, de->d_name);

				(void)!remove_tree(leftover, NULL);
			}
		}
	}
}
