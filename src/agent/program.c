/*
 * Theory of operation. program_find() follows the program to its file, then looks at
 * what kind of thing that is, from the outside in:
 *
 *   in a system directory         nothing to show
 *   below a node_modules          its package, and by package.json what that needs
 *   below a pyvenv.cfg            the virtual environment, and the python behind it
 *   anything else                 the file
 *
 * and at its first line, which may ask for an interpreter that in turn is outside of
 * the system directories. Everything here was put there by the user, so symlinks are
 * followed; what comes out is checked against what must never be shown.
 */
#include "program.h"

#include "sys/fs.h"

#include <fcntl.h>
#include <jansson.h>
#include <limits.h>

#define PACKAGE_JSON_MAX (1024 * 1024)
/* More packages than this are shown as the node_modules that holds them. */
#define PACKAGES_MAX 24
#define SHEBANG_MAX 256

/* What the `host` image shows anyway. */
static const char *const system_dirs[] = {
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix"};

/* Below the home: places that may hold keys, logins or the user's own words. */
static const char *const private_dirs[] = {".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker",
	".netrc", ".git-credentials", ".config", ".password-store", ".mozilla", ".thunderbird",
	".local/share/keyrings", ".local/share/bailey", ".local/state/bailey", ".bash_history",
	".npmrc", ".pypirc", ".cargo/credentials.toml", "Documents", "Desktop", "Downloads"};

struct search {
	const char *path, *home;
	const struct strvec *private;
	struct program *found;
	struct err **err;
};

static bool in_system(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(system_dirs); i++) {
		if (fs_path_within(path, system_dirs[i]))
			return true;
	}
	return false;
}

static bool is_private(const struct search *s, const char *path)
{
	if (fs_path_within(s->home, path))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(private_dirs); i++) {
		AUTO_FREE char *p = xasprintf("%s/%s", s->home, private_dirs[i]);

		if (fs_path_within(p, path))
			return true;
	}
	for (size_t i = 0; s->private && i < s->private->n; i++) {
		AUTO_FREE char *p = xasprintf("%s/%s", s->home, s->private->v[i]);

		if (fs_path_within(p, path))
			return true;
	}
	/* What everybody can write is nobody's program, and would show far too much. */
	return str_eq(path, "/") || str_eq(path, "/home") || str_eq(path, "/root") ||
	       str_eq(path, "/tmp") || str_eq(path, "/var") || str_eq(path, "/etc");
}

/* Shows path inside, unless it is there already. */
static int show(struct search *s, const char *path)
{
	struct strvec *m = &s->found->mounts;
	AUTO_FREE char *shown = NULL;
	size_t kept = 0;

	if (in_system(path))
		return 0;
	if (is_private(s, path)) {
		shown = str_escape0(path);
		err_set(s->err, 0, "'%s' is needed to run it, but may hold more than programs",
			shown);
		err_hint(s->err, "install the agent in a directory of its own, or in /usr/local");
		return -EINVAL;
	}
	for (size_t i = 0; i < m->n; i++) {
		if (fs_path_within(path, m->v[i]))
			return 0;
	}
	for (size_t i = 0; i < m->n; i++) {
		if (fs_path_within(m->v[i], path))
			free(m->v[i]);
		else
			m->v[kept++] = m->v[i];
	}
	m->n = kept;
	if (m->v)
		m->v[kept] = NULL;
	strvec_push(m, path);
	return 0;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* As execvp looks; relative and empty parts of PATH are passed over. */
static char *look_up(const struct search *s, const char *name)
{
	AUTO_FREE char *copy = xstrdup(s->path ? s->path : "/usr/local/bin:/usr/bin:/bin");
	char *rest = copy, *dir;

	if (strchr(name, '/'))
		return name[0] == '/' && is_program(name) ? xstrdup(name) : NULL;
	while ((dir = strsep(&rest, ":"))) {
		AUTO_FREE char *path = xasprintf("%s/%s", dir, name);

		if (dir[0] == '/' && is_program(path))
			return TAKE_PTR(path);
	}
	return NULL;
}

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash != path ? xstrndup(path, (size_t)(slash - path)) : xstrdup("/");
}

static const char *last_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool exists(const char *dir, const char *name)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);

	return access(path, F_OK) == 0;
}

/* ---- packages of node -------------------------------------------------------------- */

/* "…/node_modules/@scope/name" or "…/node_modules/name" that path is in, or NULL. */
static char *package_of(const char *path)
{
	AUTO_FREE char *dir = parent_of(path);

	while (!str_eq(dir, "/")) {
		AUTO_FREE char *up = parent_of(dir);
		AUTO_FREE char *upper = parent_of(up);
		bool scoped = last_of(up)[0] == '@' && str_eq(last_of(upper), "node_modules");

		if (str_eq(last_of(up), "node_modules") && last_of(dir)[0] != '@')
			return TAKE_PTR(dir);
		if (scoped)
			return TAKE_PTR(dir);
		free(dir);
		dir = TAKE_PTR(up);
	}
	return NULL;
}

/* Where node would find the package `name` from inside `package`. NULL: not installed. */
static char *resolve_package(const char *package, const char *name)
{
	AUTO_FREE char *dir = xstrdup(package);

	while (!str_eq(dir, "/")) {
		AUTO_FREE char *up = parent_of(dir);
		AUTO_FREE char *path = xasprintf("%s/node_modules/%s", dir, name);

		if (!str_eq(last_of(dir), "node_modules") && exists(path, "package.json"))
			return realpath(path, NULL);
		free(dir);
		dir = TAKE_PTR(up);
	}
	return NULL;
}

static bool package_name_valid(const char *name)
{
	const char *slash = strchr(name, '/');

	if (name[0] == '.' || name[0] == '\0' || strstr(name, ".."))
		return false;
	return name[0] == '@' ? slash && !strchr(slash + 1, '/') : !slash;
}

static void add_needed(const char *package, json_t *manifest, const char *key, struct strvec *all)
{
	json_t *value;
	const char *name;

	json_object_foreach(json_object_get(manifest, key), name, value)
	{
		AUTO_FREE char *path =
			package_name_valid(name) ? resolve_package(package, name) : NULL;

		if (path && all->n <= PACKAGES_MAX && !strvec_has(all, path))
			strvec_push(all, path);
	}
}

/* All packages that this one needs, itself first. Stops when there are too many. */
static void packages_needed(const char *package, struct strvec *all)
{
	strvec_push(all, package);
	for (size_t i = 0; i < all->n && all->n <= PACKAGES_MAX; i++) {
		AUTO_FREE char *path = xasprintf("%s/package.json", all->v[i]);
		struct buf b AUTO_BUF = BUF_INIT(PACKAGE_JSON_MAX);
		json_t *manifest;

		if (fs_read_at(AT_FDCWD, path, &b) < 0)
			continue;
		manifest = json_loadb(b.data, b.len, 0, NULL);
		add_needed(all->v[i], manifest, "dependencies", all);
		add_needed(all->v[i], manifest, "optionalDependencies", all);
		json_decref(manifest);
	}
}

static int show_package(struct search *s, const char *package)
{
	struct strvec all AUTO_STRVEC = {};
	int r = 0;
	const char *store = strstr(package, "/node_modules/.pnpm/");

	/* pnpm: packages find each other through links in its store. */
	if (store) {
		AUTO_FREE char *dir =
			xstrndup(package, (size_t)(store - package) + strlen("/node_modules"));

		return show(s, dir);
	}
	packages_needed(package, &all);
	if (all.n > PACKAGES_MAX) {
		AUTO_FREE char *dir = parent_of(package);
		AUTO_FREE char *up = parent_of(dir);

		return show(s, last_of(dir)[0] == '@' ? up : dir);
	}
	for (size_t i = 0; r == 0 && i < all.n; i++)
		r = show(s, all.v[i]);
	return r;
}

/* ---- interpreters ------------------------------------------------------------------ */

/*
 * The tree that a program in bin/ was installed with, when it is one for nothing else:
 * then its bin and lib are shown, so that what it brings (npm, a standard library) is
 * there. Otherwise only the file.
 */
static int show_interpreter(struct search *s, const char *file)
{
	AUTO_FREE char *bin = parent_of(file);
	AUTO_FREE char *prefix = parent_of(bin);
	AUTO_FREE char *lib = xasprintf("%s/lib", prefix);
	int r;

	if (in_system(file))
		return 0;
	strvec_push(&s->found->path_dirs, bin);
	if (!str_eq(last_of(bin), "bin") || !exists(prefix, "include") || is_private(s, prefix))
		return show(s, file);
	r = show(s, bin);
	return r == 0 && access(lib, F_OK) == 0 ? show(s, lib) : r;
}

/* Reads "#!interpreter [argument]"; 0 when there is none. */
static int read_shebang(const char *file, char **ret_program, char **ret_arg)
{
	AUTO_FD int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char line[SHEBANG_MAX + 1];
	char *rest = line + 2, *word;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, line, SHEBANG_MAX);
	if (n < 0)
		return -errno;
	line[n] = '\0';
	if (n < 4 || line[0] != '#' || line[1] != '!')
		return 0;
	line[strcspn(line, "\n")] = '\0';
	while ((word = strsep(&rest, " \t"))) {
		if (!*word || str_eq(word, "-S"))
			continue;
		if (!*ret_program) {
			*ret_program = xstrdup(word);
		} else {
			*ret_arg = xstrdup(word);
			break;
		}
	}
	return *ret_program ? 1 : 0;
}

/* What the first line of a script asks for. */
static int show_shebang(struct search *s, const char *file)
{
	AUTO_FREE char *program = NULL;
	AUTO_FREE char *arg = NULL;
	AUTO_FREE char *found = NULL;
	AUTO_FREE char *real = NULL;
	int r = read_shebang(file, &program, &arg);

	if (r <= 0)
		return r == -EACCES ? 0 : r; /* executable, not readable: a program */
	if (str_eq(last_of(program), "env") && arg)
		found = look_up(s, arg);
	else
		found = xstrdup(program);
	real = found ? realpath(found, NULL) : NULL;
	if (!real) {
		AUTO_FREE char *shown = str_escape0(arg ? arg : program);

		return err_set(s->err, ENOENT, "find '%s', which runs it", shown);
	}
	r = show_interpreter(s, real);
	/* env finds it by the name that it has in PATH, which may be a link to elsewhere. */
	if (r == 0 && !in_system(real) && !str_eq(last_of(found), last_of(real))) {
		AUTO_FREE char *dir = parent_of(found);

		return err_set(s->err, 0,
			"'%s' in '%s' is a link to another name: that cannot be shown",
			last_of(found), dir);
	}
	return r;
}

/* A Python virtual environment: all of it, and the python that it was made from. */
static int show_venv(struct search *s, const char *venv)
{
	AUTO_FREE char *python = xasprintf("%s/bin/python", venv);
	AUTO_FREE char *real = realpath(python, NULL);
	int r = show(s, venv);

	if (r == 0 && real && !fs_path_within(real, venv))
		r = show_interpreter(s, real);
	return r;
}

static char *venv_of(const char *file)
{
	AUTO_FREE char *bin = parent_of(file);
	AUTO_FREE char *venv = parent_of(bin);

	return str_eq(last_of(bin), "bin") && exists(venv, "pyvenv.cfg") ? TAKE_PTR(venv) : NULL;
}

static int show_all(struct search *s)
{
	const char *file = s->found->path;
	AUTO_FREE char *package = package_of(file);
	AUTO_FREE char *venv = venv_of(file);
	int r;

	if (venv)
		return show_venv(s, venv);
	r = package ? show_package(s, package) : show(s, file);
	return r < 0 ? r : show_shebang(s, file);
}

int program_find(const char *name, const char *path, const char *home, const struct strvec *private,
	struct program *ret, struct err **err)
{
	struct program found AUTO_PROGRAM = {};
	struct search s = {path, home, private, &found, err};
	AUTO_FREE char *link = look_up(&s, name);
	AUTO_FREE char *shown = str_escape0(name);
	int r;

	found.path = link ? realpath(link, NULL) : NULL;
	if (!found.path) {
		err_set(err, 0, "'%s' is not installed", shown);
		if (err)
			(*err)->code = ENOENT;
		return -ENOENT;
	}
	r = show_all(&s);
	if (r < 0)
		return err_wrap(err, "run '%s'", shown);
	*ret = found;
	found = (struct program){};
	return 0;
}

void program_done(struct program *p)
{
	free(p->path);
	strvec_done(&p->mounts);
	strvec_done(&p->path_dirs);
	*p = (struct program){};
}
