/*
 * Theory of operation. Every file is read and parsed once. The settings are then
 * built by laying the layers over each other from the first to the last, into an
 * empty struct conf; that is cheap, so the question of what a project's file widens
 * is answered by building twice, without and with it, and comparing.
 */
#include "conf.h"

#include "dirs.h"
#include "layer.h"
#include "opt.h"
#include "sys/fs.h"
#include "trust.h"

#include <fcntl.h>

struct conf_origins {
	struct {
		char *key, *origin;
	} * v;
	size_t n, cap;
};

/* A file of settings that exists. */
struct source {
	enum layer_kind kind;
	char *path;
	char *display; /* escaped */
	struct buf content;
	struct toml_node *tree;
};

struct sources {
	struct source v[CONF_FILES];
	size_t n;
};

void origins_set(struct conf_origins *o, const char *key, const char *origin, bool more)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->n; i++) {
		char *old = o->v[i].origin;

		if (!str_eq(o->v[i].key, key))
			continue;
		o->v[i].origin = more && !str_eq(old, "built-in") ? xasprintf("%s, %s", old, origin)
								  : xstrdup(origin);
		free(old);
		return;
	}
	GROW(o->v, o->n, o->cap);
	o->v[o->n].key = xstrdup(key);
	o->v[o->n++].origin = xstrdup(origin);
}

const char *conf_origin(const struct conf_origins *o, const char *key)
{
	for (size_t i = 0; i < o->n; i++)
		if (str_eq(o->v[i].key, key))
			return o->v[i].origin;
	return NULL;
}

void conf_origins_free(struct conf_origins *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->n; i++) {
		free(o->v[i].key);
		free(o->v[i].origin);
	}
	free(o->v);
	free(o);
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < settings_n; i++) {
		const struct setting *s = &settings[i];
		void *field = (char *)c + s->offset;

		if (s->type == SETTING_STRING)
			free(*(char **)field);
		else if (s->type == SETTING_STRINGS)
			strvec_done(field);
	}
	free(c->network.host_ports);
	for (size_t i = 0; i < c->n_mounts; i++) {
		free(c->mounts[i].name);
		free(c->mounts[i].src);
		free(c->mounts[i].dst);
		free(c->mounts[i].origin);
	}
	free(c->mounts);
	strvec_done(&c->env);
	for (size_t i = 0; i < c->n_agent_args; i++) {
		free(c->agent_args[i].agent);
		strvec_done(&c->agent_args[i].args);
	}
	free(c->agent_args);
	free(c);
}

/* ---- which files ---- */

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path || !slash ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

/* Whether looking for bailey.toml may go on from dir to its parent. */
static bool may_go_up(const struct conf_load_args *args, const char *dir, const char *parent)
{
	struct stat st, up;

	if (str_eq(dir, "/") || (args->home && str_eq(dir, args->home)))
		return false;
	if (stat(dir, &st) < 0 || stat(parent, &up) < 0)
		return false;
	/* Above a mount point that is another's, files are another's business. */
	return st.st_dev == up.st_dev || up.st_uid == geteuid();
}

/* The directory of the nearest bailey.toml, else the project. */
static char *project_dir(const struct conf_load_args *args)
{
	AUTO_FREE char *dir = xstrdup(args->project);
	struct stat st;

	for (;;) {
		AUTO_FREE char *file = xasprintf("%s/bailey.toml", str_eq(dir, "/") ? "" : dir);
		AUTO_FREE char *parent = parent_of(dir);

		/* What someone else left in a directory above is no settings of ours. */
		if (lstat(file, &st) == 0 &&
			(str_eq(dir, args->project) || st.st_uid == geteuid() || st.st_uid == 0))
			return TAKE_PTR(dir);
		if (!may_go_up(args, dir, parent))
			return xstrdup(args->project);
		free(dir);
		dir = TAKE_PTR(parent);
	}
}

size_t conf_files(const struct conf_load_args *args, struct conf_file ret[CONF_FILES])
{
	static char *const empty[] = {NULL};
	AUTO_FREE char *config =
		dirs_config(args->home ? args->home : "/", args->environ ? args->environ : empty);
	AUTO_FREE char *dir = NULL;
	size_t n = 0;

	ret[n++] =
		(struct conf_file){xasprintf("%s/config.toml", args->etc ? args->etc : BAILEY_ETC),
			"administrator", false};
	ret[n++] = (struct conf_file){xasprintf("%s/config.toml", config), "user", false};
	if (args->no_project || !args->project)
		return n;
	dir = project_dir(args);
	ret[n++] = (struct conf_file){xasprintf("%s/bailey.toml", dir), "project", true};
	ret[n++] = (struct conf_file){
		xasprintf("%s/bailey.local.toml", dir), "project, yours alone", true};
	return n;
}

/* ---- reading ---- */

static char *display_name(const struct conf_load_args *args, const char *path)
{
	const char *rest = args->project ? str_after(path, args->project) : NULL;

	return str_escape0(rest && *rest == '/' ? rest + 1 : path);
}

static int check_file(const struct conf_load_args *args, const struct source *s,
	const struct stat *st, struct err **err)
{
	if (!S_ISREG(st->st_mode))
		return err_set(err, 0, "%s:1:1: this is not a regular file", s->display);
	if (s->kind == LAYER_ADMIN && ((st->st_uid != 0 && !args->etc) || (st->st_mode & 022))) {
		err_set(err, EPERM, "%s does not belong to root alone", s->display);
		return err_hint(err, "chown root and chmod 644 it");
	}
	if (s->kind == LAYER_USER && (st->st_mode & 002)) {
		err_set(err, EPERM, "%s can be written by everyone", s->display);
		return err_hint(err, "chmod o-w it");
	}
	return 0;
}

/* 1: read and parsed; 0: there is no such file; -errno. */
static int read_source(const struct conf_load_args *args, struct source *s, struct err **err)
{
	int follow = s->kind == LAYER_PROJECT ? O_NOFOLLOW : 0;
	AUTO_FD int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | follow);
	struct stat st;
	int r;

	s->display = display_name(args, s->path);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0 && errno == ELOOP)
		return err_set(err, 0, "%s:1:1: a project's settings may not be a symbolic link",
			s->display);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, errno, "read %s", s->display);
	r = check_file(args, s, &st, err);
	if (r < 0)
		return r;
	s->content = BUF_INIT(TOML_MAX);
	r = fs_read_fd(fd, &s->content);
	if (r == -EMSGSIZE)
		return err_set(err, 0, "%s:1:1: more than 1 MiB: this is no configuration file",
			s->display);
	if (r < 0)
		return err_set(err, r, "read %s", s->display);
	r = toml_parse(
		s->content.data ? s->content.data : "", s->content.len, s->path, &s->tree, err);
	if (r == 0)
		return 1;
	/* The parser knows the path; people know the short name. */
	if (err && *err) {
		AUTO_FREE char *escaped = str_escape0(s->path);
		const char *rest = str_after((*err)->text, escaped);
		char *text = rest ? xasprintf("%s%s", s->display, rest) : xstrdup((*err)->text);

		free((*err)->text);
		(*err)->text = text;
	}
	return r;
}

static void source_done(struct source *s)
{
	free(s->path);
	free(s->display);
	buf_done(&s->content);
	toml_free(s->tree);
	*s = (struct source){0};
}

static void sources_done(struct sources *all)
{
	for (size_t i = 0; i < all->n; i++)
		source_done(&all->v[i]);
	all->n = 0;
}
#define AUTO_SOURCES CLEANUP(sources_done)

static int read_sources(const struct conf_load_args *args, struct sources *all, struct err **err)
{
	struct conf_file files[CONF_FILES];
	size_t n = conf_files(args, files);
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		struct source s = {.kind = files[i].project ? LAYER_PROJECT
					   : i == 0	    ? LAYER_ADMIN
							    : LAYER_USER,
			.path = files[i].path};

		if (r >= 0)
			r = read_source(args, &s, err);
		if (r > 0)
			all->v[all->n++] = s;
		else
			source_done(&s);
	}
	return r < 0 ? r : 0;
}

/* ---- building ---- */

/* Lays the first n sources, and the command line when cli is set, over each other. */
static int build(const struct conf_load_args *args, const struct sources *all, size_t n, bool cli,
	struct conf **ret, struct conf_origins **ret_origins, struct strvec *clauses,
	struct err **err)
{
	AUTO_CONF struct conf *conf = xcalloc(1, sizeof(*conf));
	AUTO_ORIGINS struct conf_origins *origins = xcalloc(1, sizeof(*origins));
	AUTO_STRVEC struct strvec locked = {0};
	struct layer l = {
		.args = args, .conf = conf, .origins = origins, .locked = &locked, .err = err};
	int r = layer_builtin(&l);

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct source *s = &all->v[i];

		l.kind = s->kind;
		l.file = s->display;
		strvec_done(&l.clauses);
		r = layer_toml(&l, s->tree);
	}
	if (r == 0 && cli) {
		l.kind = LAYER_CLI;
		l.file = NULL;
		r = layer_cli(&l, args->cli);
	}
	if (r == 0 && cli)
		r = conf_settle(&l);
	if (r == 0) {
		*ret = TAKE_PTR(conf);
		if (ret_origins)
			*ret_origins = TAKE_PTR(origins);
		if (clauses)
			*clauses = TAKE(l.clauses, (struct strvec){0});
	}
	layer_done(&l);
	return r;
}

/* Whether the project's file all->v[at] may count. */
static int approve(
	const struct conf_load_args *args, const struct sources *all, size_t at, struct err **err)
{
	static char *const empty[] = {NULL};
	const struct source *s = &all->v[at];
	AUTO_CONF struct conf *old = NULL, *now = NULL;
	AUTO_FREE char *state = NULL, *digest = NULL;
	struct layer l = {.args = args};
	int r = build(args, all, at, false, &old, NULL, NULL, err);

	if (r == 0)
		r = build(args, all, at + 1, false, &now, NULL, &l.clauses, err);
	if (r < 0)
		goto out;
	layer_widens(&l, old, now);
	if (!l.clauses.n)
		goto out;
	state = dirs_state(args->home ? args->home : "/", args->environ ? args->environ : empty);
	digest = trust_digest(s->path, s->content.data, s->content.len, &l.clauses);
	r = trust_has(state, s->path, digest, err);
	if (r != 0) {
		r = r < 0 ? r : 0;
	} else if (args->approve && args->approve(args->approve_ctx, s->display, &l.clauses)) {
		r = trust_add(state, s->path, digest, err);
	} else {
		AUTO_FREE char *rest = l.clauses.n > 1
					       ? xasprintf("; and %zu more", l.clauses.n - 1)
					       : xstrdup("");

		err_set(err, 0, "%s asks for more than you have approved: %s%s", s->display,
			l.clauses.v[0], rest);
		err_hint(err, "see and approve it with 'bailey config trust'");
		if (err && *err)
			(*err)->code = EACCES;
		r = -EACCES;
	}
out:
	layer_done(&l);
	return r;
}

int conf_load(const struct conf_load_args *args, struct conf **ret,
	struct conf_origins **ret_origins, struct err **err)
{
	AUTO_SOURCES struct sources all = {0};
	AUTO_CONF struct conf *conf = NULL;
	AUTO_ORIGINS struct conf_origins *origins = NULL;
	int r = read_sources(args, &all, err);

	/* All of it first: a mistake is told before anything is asked. */
	if (r == 0)
		r = build(args, &all, all.n, true, &conf, &origins, NULL, err);
	for (size_t i = 0; i < all.n && r == 0; i++)
		if (all.v[i].kind == LAYER_PROJECT && !args->no_trust)
			r = approve(args, &all, i, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(conf);
	*ret_origins = TAKE_PTR(origins);
	return 0;
}

int conf_check_file(const struct conf_load_args *args, const char *path, struct err **err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	bool project = str_eq(name, "bailey.toml") || str_eq(name, "bailey.local.toml");
	AUTO_SOURCES struct sources all = {0};
	AUTO_CONF struct conf *conf = NULL;
	struct conf_load_args alone = *args;
	int r;

	all.v[0] = (struct source){
		.kind = project ? LAYER_PROJECT : LAYER_USER, .path = xstrdup(path)};
	all.n = 1;
	alone.cli = NULL;
	r = read_source(args, &all.v[0], err);
	if (r == 0)
		return err_set(err, ENOENT, "read %s", all.v[0].display);
	return r < 0 ? r : build(&alone, &all, 1, true, &conf, NULL, NULL, err);
}
