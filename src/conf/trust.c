#include "trust.h"

#include "sys/fs.h"

#include <fcntl.h>
#include <sha256.h> /* libmd */

/* How much of a path's digest is in the name: enough to find, not to trust. */
#define PATH_DIGITS 16

static char *hex(const uint8_t digest[SHA256_DIGEST_LENGTH])
{
	char *out = xmalloc(2 * SHA256_DIGEST_LENGTH + 1);

	for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
	return out;
}

char *sha256_hex(const void *p, size_t n)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA256_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, p, n);
	SHA256Final(digest, &ctx);
	return hex(digest);
}

/* Length first, so that no two lists of parts give the same bytes. */
static void add(SHA256_CTX *ctx, const void *p, size_t n)
{
	uint64_t length = n;

	SHA256Update(ctx, (const uint8_t *)&length, sizeof(length));
	SHA256Update(ctx, p, n);
}

char *trust_digest(const char *path, const char *content, size_t n, const struct strvec *clauses)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA256_CTX ctx;

	SHA256Init(&ctx);
	add(&ctx, path, strlen(path));
	add(&ctx, content, n);
	for (size_t i = 0; i < clauses->n; i++)
		add(&ctx, clauses->v[i], strlen(clauses->v[i]));
	SHA256Final(digest, &ctx);
	return hex(digest);
}

static bool ours(const struct stat *st)
{
	return (st->st_uid == geteuid() || st->st_uid == 0) && !(st->st_mode & 022);
}

/* The store, or -ENOENT. */
static int open_store(const char *state, struct err **err)
{
	AUTO_FREE char *path = xasprintf("%s/trust", state);
	AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? -ENOENT : err_set(err, errno, "open %s", path);
	if (fstat(fd, &st) < 0)
		return err_set(err, errno, "look at %s", path);
	if (!ours(&st)) {
		err_set(err, EPERM, "%s belongs to someone else or can be written by others", path);
		return err_hint(err, "remove it; approvals will be asked for again");
	}
	return TAKE_FD(fd);
}

static char *path_prefix(const char *path)
{
	char *digest = sha256_hex(path, strlen(path));

	digest[PATH_DIGITS] = '\0';
	return digest;
}

int trust_has(const char *state, const char *path, const char *digest, struct err **err)
{
	AUTO_FREE char *prefix = path_prefix(path);
	AUTO_FREE char *name = xasprintf("%s-%s", prefix, digest);
	AUTO_FD int store = open_store(state, err);
	struct stat st;

	if (store == -ENOENT)
		return 0;
	if (store < 0)
		return store;
	if (fstatat(store, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0
				       : err_set(err, errno, "look up the approval of %s", path);
	return S_ISREG(st.st_mode) && ours(&st);
}

int trust_add(const char *state, const char *path, const char *digest, struct err **err)
{
	AUTO_FREE char *prefix = path_prefix(path);
	AUTO_FREE char *name = xasprintf("%s-%s", prefix, digest);
	AUTO_FREE char *text = xasprintf("%s\n", path);
	AUTO_FREE char *dir = xasprintf("%s/trust", state);
	AUTO_FD int store = -1;
	int r = fs_mkdir_p(dir, 0700);

	if (r < 0)
		return err_set(err, r, "make %s", dir);
	store = open_store(state, err);
	if (store < 0)
		return store == -ENOENT ? err_set(err, ENOENT, "open %s", dir) : store;
	/* The text is for people who look; only the name counts. */
	r = fs_replace_at(store, name, text, strlen(text), 0600, true);
	return r < 0 ? err_set(err, r, "record the approval in %s", dir) : 0;
}

int trust_drop(const char *state, const char *path, struct err **err)
{
	AUTO_FREE char *prefix = path_prefix(path);
	AUTO_FD int store = open_store(state, err);
	AUTO_FD int copy = store >= 0 ? openat(store, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	AUTO_DIR DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *de;
	int n = 0;

	if (store == -ENOENT)
		return 0;
	if (store < 0)
		return store;
	if (!dir)
		return err_set(err, errno, "read the approvals");
	(void)TAKE_FD(copy);
	while ((errno = 0, de = readdir(dir))) {
		const char *rest = str_after(de->d_name, prefix);

		if (!rest || *rest != '-')
			continue;
		if (unlinkat(store, de->d_name, 0) < 0)
			return err_set(err, errno, "forget the approval of %s", path);
		n++;
	}
	return errno ? err_set(err, errno, "read the approvals") : n;
}
