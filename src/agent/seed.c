#include "seed.h"

#include "sys/fs.h"
#include "sys/kernel.h"

#include <ctype.h>
#include <fcntl.h>
#include <fnmatch.h>

/* Matched without regard to case against every component of a path. */
static const struct {
	const char *pattern, *why;
} denied_names[] = {
	{"auth.*", "a login"},
	{"*credential*", "a login"},
	{"*oauth*", "a login"},
	{"*secret*", "a secret"},
	{"*password*", "a secret"},
	{"*token", "a token"},
	{"*tokens", "a token"},
	{"*token.*", "a token"},
	{"*tokens.*", "a token"},
	{"*api_key*", "a key"},
	{"*apikey*", "a key"},
	{"*.key", "a key"},
	{"*.pem", "a key"},
	{"*.p12", "a key"},
	{"*.pfx", "a key"},
	{"*.kdbx", "a key"},
	{"*.gpg", "a key"},
	{"id_*", "a key"},
	{".env", "an environment"},
	{".env.*", "an environment"},
	{".envrc", "an environment"},
	{".netrc", "a login"},
	{".npmrc", "a login"},
	{".pypirc", "a login"},
	{".git-credentials", "a login"},
	{".git", "a repository"},
	{".ssh", "keys"},
	{".gnupg", "keys"},
	{".aws", "keys"},
	{"settings*.json", "settings, which can run programs"},
	{"hooks", "hooks, which run programs"},
	{"hooks.json", "hooks, which run programs"},
	{".mcp.json", "servers, which are programs"},
	{"mcp*.json", "servers, which are programs"},
	{"history*", "a history"},
	{"*.history", "a history"},
	{"*_history", "a history"},
	{"sessions", "a history"},
	{"projects", "a history"},
	{"todos", "a history"},
	{"file-history", "a history"},
	{"*.jsonl", "a history"},
	{"*.sqlite*", "a database"},
	{"*.db", "a database"},
	{"logs", "a log"},
	{"log", "a log"},
	{"*.log", "a log"},
	{"cache", "a cache"},
	{".cache", "a cache"},
	{"caches", "a cache"},
	{"__pycache__", "a cache"},
	{"node_modules", "packages"},
	{"statsig", "telemetry"},
	{"telemetry", "telemetry"},
	{"shell-snapshots", "a copy of the shell's environment"},
	{"shell_snapshots", "a copy of the shell's environment"},
};

const char *seed_denied_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(denied_names); i++) {
		if (fnmatch(denied_names[i].pattern, name, FNM_CASEFOLD | FNM_NOESCAPE) == 0)
			return denied_names[i].why;
	}
	return NULL;
}

/* A known beginning, then at least `more` characters of the alphabet of keys. */
static const struct {
	const char *prefix;
	size_t more;
	const char *why;
} denied_contents[] = {
	{"sk-ant-", 16, "an API key"},
	{"sk-proj-", 16, "an API key"},
	{"sk-or-", 16, "an API key"},
	{"sk-", 32, "an API key"},
	{"AIza", 30, "an API key"},
	{"xai-", 32, "an API key"},
	{"gsk_", 32, "an API key"},
	{"hf_", 30, "an access token"},
	{"ghp_", 30, "an access token"},
	{"gho_", 30, "an access token"},
	{"ghs_", 30, "an access token"},
	{"ghu_", 30, "an access token"},
	{"github_pat_", 22, "an access token"},
	{"glpat-", 16, "an access token"},
	{"npm_", 30, "an access token"},
	{"xoxb-", 16, "an access token"},
	{"xoxp-", 16, "an access token"},
	{"AKIA", 16, "an access key"},
	{"ASIA", 16, "an access key"},
	{"eyJhbGciOi", 32, "an access token"},
};

static bool key_char(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

const char *seed_denied_content(const char *data, size_t n)
{
	if (memmem(data, n, "PRIVATE KEY-----", strlen("PRIVATE KEY-----")) ||
		memmem(data, n, "AGE-SECRET-KEY-1", strlen("AGE-SECRET-KEY-1")))
		return "a private key";
	for (size_t i = 0; i < ARRAY_SIZE(denied_contents); i++) {
		const char *prefix = denied_contents[i].prefix;
		size_t len = strlen(prefix);
		const char *at = data, *end = data + n;

		while ((at = memmem(at, (size_t)(end - at), prefix, len))) {
			bool inside_word = at > data && isalnum((unsigned char)at[-1]);
			size_t more = 0;

			at += len;
			while (at + more < end && key_char(at[more]))
				more++;
			if (!inside_word && more >= denied_contents[i].more)
				return denied_contents[i].why;
		}
	}
	return NULL;
}

struct seeder {
	const struct agent_home *home;
	struct seed_report *report;
};

static void say(struct seeder *s, const char *path, const char *why)
{
	AUTO_FREE char *shown = str_escape0(path);

	if (why) {
		s->report->skipped++;
		strvec_pushf(&s->report->lines, "skipped ~/%s: %s", shown, why);
	} else {
		s->report->files++;
		strvec_pushf(&s->report->lines, "seeded ~/%s", shown);
	}
}

/* NULL: it was copied. */
static const char *copy_file(struct seeder *s, int fd, const struct stat *st, const char *path)
{
	struct buf b AUTO_BUF = BUF_INIT(SEED_FILE_MAX);
	const char *why;
	int r;

	if (home_has(s->home, path))
		return "the sandbox has it already";
	if (s->report->files >= SEED_FILES_MAX)
		return "too many files";
	r = fs_read_fd(fd, &b);
	if (r == -EMSGSIZE)
		return "too large";
	if (r < 0)
		return strerrordesc_np(-r);
	if (s->report->bytes + b.len > SEED_BYTES_MAX)
		return "too much altogether";
	why = seed_denied_content(b.data ? b.data : "", b.len);
	if (why)
		return why;
	/* Executable stays so: skills bring scripts. */
	r = home_write(
		s->home, path, b.data ? b.data : "", b.len, st->st_mode & 0100 ? 0700 : 0600, NULL);
	if (r < 0)
		return strerrordesc_np(-r);
	s->report->bytes += b.len;
	return NULL;
}

static void copy_any(
	struct seeder *s, int root, const char *below, const char *path, unsigned depth);

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void copy_dir(
	struct seeder *s, int root, int fd, const char *below, const char *path, unsigned depth)
{
	AUTO_FD int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct strvec names AUTO_STRVEC = {};
	const struct dirent *de;

	if (!dir) {
		say(s, path, strerrordesc_np(errno));
		return;
	}
	(void)TAKE_FD(copy);
	while ((de = readdir(dir)) && names.n <= SEED_FILES_MAX) {
		if (!str_eq(de->d_name, ".") && !str_eq(de->d_name, ".."))
			strvec_push(&names, de->d_name);
	}
	if (names.n > 1)
		qsort(names.v, names.n, sizeof(*names.v), compare);
	for (size_t i = 0; i < names.n; i++) {
		AUTO_FREE char *sub = xasprintf("%s/%s", below, names.v[i]);
		AUTO_FREE char *to = xasprintf("%s/%s", path, names.v[i]);

		copy_any(s, root, sub, to, depth + 1);
	}
}

/* Why a descriptor's place is not to be given away: outside of root, or by a name on the way. */
static const char *denied_place(int fd, int root)
{
	AUTO_FREE char *self = xasprintf("/proc/self/fd/%d", fd);
	AUTO_FREE char *root_self = xasprintf("/proc/self/fd/%d", root);
	AUTO_FREE char *real = NULL;
	AUTO_FREE char *root_real = NULL;
	char *rest, *part;

	if (fs_readlink_at(AT_FDCWD, self, &real) < 0 ||
		fs_readlink_at(AT_FDCWD, root_self, &root_real) < 0)
		return "its place cannot be found";
	if (!fs_path_within(real, root_real))
		return "a link that leads out of what is seeded";
	rest = real + strlen(root_real);
	while ((part = strsep(&rest, "/"))) {
		const char *why = *part ? seed_denied_name(part) : NULL;

		if (why)
			return why;
	}
	return NULL;
}

/* A descriptor that is known to be ordinary, for reading: no FIFO can be swapped in. */
static int reopen(int fd)
{
	AUTO_FREE char *self = xasprintf("/proc/self/fd/%d", fd);

	return open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

/*
 * Opens for reading what is a file or a directory once symlinks are followed, without
 * ever leaving root; anything else is never opened. Returns why not, or NULL.
 */
static const char *open_source(int root, const char *below, int *ret_fd, struct stat *ret_st)
{
	AUTO_FD int fd =
		sys_openat2(root, below, O_PATH, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
	const char *why;

	if (fd < 0)
		return fd == -EXDEV ? "a link that leads out of what is seeded"
				    : strerrordesc_np(-fd);
	if (fstat(fd, ret_st) < 0)
		return strerrordesc_np(errno);
	if (!S_ISREG(ret_st->st_mode) && !S_ISDIR(ret_st->st_mode))
		return "neither a file nor a directory";
	/* What a link leads to may have another name than the link: that counts too. */
	why = denied_place(fd, root);
	if (why)
		return why;
	*ret_fd = reopen(fd);
	return *ret_fd < 0 ? strerrordesc_np(errno) : NULL;
}

/* below: the source from root; path: its name from the home, the same on both sides. */
static void copy_any(
	struct seeder *s, int root, const char *below, const char *path, unsigned depth)
{
	const char *slash = strrchr(path, '/');
	const char *why = seed_denied_name(slash ? slash + 1 : path);
	AUTO_FD int fd = -1;
	struct stat st = {0};

	if (!why && depth > SEED_DEPTH_MAX)
		why = "too deep";
	if (!why)
		why = open_source(root, below, &fd, &st);
	if (!why && S_ISDIR(st.st_mode)) {
		copy_dir(s, root, fd, below, path, depth);
		return;
	}
	if (!why)
		why = copy_file(s, fd, &st, path);
	say(s, path, why);
}

/*
 * A seed path itself, or a directory above it, may be a link of the user's (dotfiles
 * kept elsewhere in the home): followed, but not out of the home nor to all of it.
 */
static const char *open_seed(int user_home, const char *path, int *ret_fd, struct stat *ret_st)
{
	AUTO_FD int fd = openat(user_home, path, O_PATH | O_CLOEXEC);
	const char *why;
	struct stat home;

	if (fd < 0)
		return strerrordesc_np(errno);
	if (fstat(fd, ret_st) < 0 || fstat(user_home, &home) < 0)
		return strerrordesc_np(errno);
	if (!S_ISREG(ret_st->st_mode) && !S_ISDIR(ret_st->st_mode))
		return "neither a file nor a directory";
	if (ret_st->st_dev == home.st_dev && ret_st->st_ino == home.st_ino)
		return "a link to the whole home directory";
	why = denied_place(fd, user_home);
	if (why)
		return why;
	*ret_fd = reopen(fd);
	return *ret_fd < 0 ? strerrordesc_np(errno) : NULL;
}

static void seed_path(struct seeder *s, int user_home, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *why = seed_denied_name(slash ? slash + 1 : path);
	AUTO_FD int fd = -1;
	struct stat st = {0};

	if (faccessat(user_home, path, F_OK, AT_EACCESS) < 0 && errno == ENOENT)
		return;
	if (!why)
		why = open_seed(user_home, path, &fd, &st);
	if (!why && S_ISDIR(st.st_mode)) {
		copy_dir(s, fd, fd, ".", path, 0);
		return;
	}
	if (!why)
		why = copy_file(s, fd, &st, path);
	say(s, path, why);
}

int seed_copy(const char *user_home, const struct strvec *paths, const struct agent_home *home,
	struct seed_report *report, struct err **err)
{
	AUTO_FD int fd = open(user_home, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct seeder s = {home, report};

	if (fd < 0)
		return err_set(err, errno, "open the home directory '%s'", user_home);
	for (size_t i = 0; i < paths->n; i++)
		seed_path(&s, fd, paths->v[i]);
	return 0;
}

void seed_report_done(struct seed_report *r)
{
	strvec_done(&r->lines);
	*r = (struct seed_report){};
}
