#include "tap.h"

#include "agent/credentials.h"
#include "lab.h"
#include "sys/fs.h"

#include <fcntl.h>

#define LOGIN "{\"login\":{\"token\":\"%s\"}}"
#define PATH_ ".a/auth.json"

struct place {
	char root[32];
	int dir, user, inside;
	char *home, *store;
	struct preset preset;
	struct preset_credential credential;
	struct strvec notes;
};

static void place_init(struct place *p)
{
	*p = (struct place){};
	memcpy(p->root, "/tmp/bailey-unit-XXXXXX", 24);
	CHECK(mkdtemp(p->root));
	p->dir = open(p->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->user = fs_mkdir_beneath(p->dir, "user", 0755);
	p->inside = fs_mkdir_beneath(p->dir, "inside", 0755);
	p->home = xasprintf("%s/user", p->root);
	p->store = xasprintf("%s/store", p->root);
	p->credential.path = xstrdup(PATH_);
	strvec_push(&p->credential.keys, "login");
	p->preset = (struct preset){
		.name = (char *)"agent", .credentials = &p->credential, .n_credentials = 1};
}

static void place_done(struct place *p)
{
	fd_close(p->dir);
	fd_close(p->user);
	fd_close(p->inside);
	CHECK_INT(fs_remove_tree(AT_FDCWD, p->root), 0);
	free(p->home);
	free(p->store);
	free(p->credential.path);
	strvec_done(&p->credential.keys);
	strvec_done(&p->notes);
}

static int give(struct place *p, enum conf_credentials mode)
{
	const struct agent_home home = {.fd = p->inside, .uid = (uid_t)-1, .gid = (gid_t)-1};

	return credentials_give(&p->preset, mode, p->store, p->home, &home, &p->notes, NULL);
}

static int take(struct place *p, enum conf_credentials mode)
{
	const struct agent_home home = {.fd = p->inside, .uid = (uid_t)-1, .gid = (gid_t)-1};

	return credentials_take(&p->preset, mode, p->store, &home, &p->notes, NULL);
}

/* A login, with a time relative to now. */
static void put(int dirfd, const char *path, const char *token, int seconds)
{
	AUTO_FREE char *text = xasprintf(LOGIN, token);
	struct timespec times[2];

	lab_put(dirfd, path, text, 0600);
	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec += seconds;
	times[1] = times[0];
	CHECK_INT(utimensat(dirfd, path, times, 0), 0);
}

static void check_login(int dirfd, const char *path, const char *token)
{
	AUTO_FREE char *got = lab_get(dirfd, path);
	AUTO_FREE char *want = xasprintf(LOGIN, token);

	CHECK_STR(got, want);
}

#define STORED "store/credentials/agent/auth.json"

TEST(credentials_round_trip)
{
	struct place p;
	struct stat st;

	place_init(&p);
	CHECK_INT(give(&p, CONF_CREDENTIALS_BAILEY), 0);
	CHECK_INT(take(&p, CONF_CREDENTIALS_BAILEY), 0);
	CHECK(faccessat(p.dir, "store", F_OK, 0) < 0); /* nothing to keep: nothing made */
	put(p.inside, PATH_, "one", -10);
	CHECK_INT(take(&p, CONF_CREDENTIALS_BAILEY), 1);
	check_login(p.dir, STORED, "one");
	CHECK_INT(fstatat(p.dir, STORED, &st, 0), 0);
	CHECK_INT(st.st_mode & 07777, 0600);
	CHECK_INT(fstatat(p.dir, "store/credentials/agent", &st, 0), 0);
	CHECK_INT(st.st_mode & 07777, 0700);
	CHECK_INT(take(&p, CONF_CREDENTIALS_BAILEY), 0); /* the same */
	/* Another sandbox gets it, and gives it back unchanged. */
	CHECK_INT(unlinkat(p.inside, PATH_, 0), 0);
	CHECK_INT(give(&p, CONF_CREDENTIALS_BAILEY), 1);
	check_login(p.inside, PATH_, "one");
	CHECK_INT(fstatat(p.inside, PATH_, &st, 0), 0);
	CHECK_INT(st.st_mode & 07777, 0600);
	CHECK_INT(take(&p, CONF_CREDENTIALS_BAILEY), 0);
	CHECK_INT(give(&p, CONF_CREDENTIALS_BAILEY), 0);
	CHECK_INT(p.notes.n, 0);
	place_done(&p);
}

TEST(credentials_newest_wins)
{
	struct place p;

	place_init(&p);
	put(p.inside, PATH_, "new", -10);
	CHECK_INT(take(&p, CONF_CREDENTIALS_BAILEY), 1);
	/* A second sandbox still has what was before. */
	put(p.inside, PATH_, "old", -100);
	CHECK_INT(take(&p, CONF_CREDENTIALS_BAILEY), 0);
	check_login(p.dir, STORED, "new");
	CHECK_INT(give(&p, CONF_CREDENTIALS_BAILEY), 1);
	check_login(p.inside, PATH_, "new");
	put(p.inside, PATH_, "newer", -5);
	CHECK_INT(give(&p, CONF_CREDENTIALS_BAILEY), 0);
	check_login(p.inside, PATH_, "newer");
	CHECK_INT(take(&p, CONF_CREDENTIALS_BAILEY), 1);
	check_login(p.dir, STORED, "newer");
	place_done(&p);
}

/* A time in the future does not make a login the newest for ever. */
TEST(credentials_future)
{
	struct place p;
	struct stat st;
	struct timespec now;

	place_init(&p);
	put(p.inside, PATH_, "future", 100000);
	CHECK_INT(take(&p, CONF_CREDENTIALS_BAILEY), 1);
	CHECK_INT(fstatat(p.dir, STORED, &st, 0), 0);
	clock_gettime(CLOCK_REALTIME, &now);
	CHECK(st.st_mtim.tv_sec <= now.tv_sec);
	place_done(&p);
}

TEST(credentials_modes)
{
	struct place p;

	place_init(&p);
	put(p.user, PATH_, "users", -50);
	CHECK_INT(give(&p, CONF_CREDENTIALS_NONE), 0);
	CHECK_INT(give(&p, CONF_CREDENTIALS_BAILEY), 0);
	CHECK(faccessat(p.inside, PATH_, F_OK, 0) < 0);
	CHECK_INT(give(&p, CONF_CREDENTIALS_HOST), 1);
	check_login(p.inside, PATH_, "users");
	put(p.inside, PATH_, "refreshed", -1);
	CHECK_INT(take(&p, CONF_CREDENTIALS_HOST), 0);
	CHECK_INT(take(&p, CONF_CREDENTIALS_NONE), 0);
	check_login(p.user, PATH_, "users");
	CHECK(faccessat(p.dir, "store", F_OK, 0) < 0);
	place_done(&p);
}

static void check_refused(struct place *p, const char *why)
{
	AUTO_FREE char *want =
		xasprintf("the login '" PATH_ "' of the sandbox was not kept: %s", why);

	CHECK_INT(take(p, CONF_CREDENTIALS_BAILEY), 0);
	CHECK_INT(p->notes.n, 1);
	CHECK_STR(p->notes.v[0], want);
	CHECK(faccessat(p->dir, STORED, F_OK, 0) < 0);
	strvec_done(&p->notes);
	CHECK_INT(fs_remove_tree(p->inside, ".a"), 0);
}

TEST(credentials_hostile)
{
	static const char *const bad[][2] = {
		{"", "not a JSON object"},
		{"[]", "not a JSON object"},
		{"\"login\"", "not a JSON object"},
		{"{\"login\":{}", "not a JSON object"},
		{"{\"login\":{},\"login\":{}}", "not a JSON object"},
		{"{\"login\":{}} x", "not a JSON object"},
		{"{}", "not a login of this agent"},
		{"{\"hooks\":{}}", "not a login of this agent"},
	};
	struct place p;
	AUTO_FD int big = -1;

	place_init(&p);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		lab_put(p.inside, PATH_, bad[i][0], 0600);
		check_refused(&p, bad[i][1]);
	}
	put(p.user, "real.json", "victim", -10);
	lab_mkdir(p.inside, ".a", 0755);
	lab_link(p.inside, PATH_, "../../user/real.json");
	check_refused(&p, "a symlink");
	put(p.user, "dir/auth.json", "victim", -10);
	lab_link(p.inside, ".a", "../user/dir");
	CHECK_INT(take(&p, CONF_CREDENTIALS_BAILEY), 0);
	CHECK(faccessat(p.dir, STORED, F_OK, 0) < 0);
	strvec_done(&p.notes);
	CHECK_INT(unlinkat(p.inside, ".a", 0), 0);
	lab_mknod(p.inside, PATH_, S_IFIFO | 0600);
	check_refused(&p, "not a file");
	lab_mkdir(p.inside, PATH_, 0755);
	check_refused(&p, "not a file");
	lab_put(p.inside, PATH_, "{", 0600);
	big = openat(p.inside, PATH_, O_WRONLY | O_CLOEXEC);
	CHECK_INT(ftruncate(big, CREDENTIAL_MAX + 1), 0);
	check_refused(&p, "too large");
	place_done(&p);
}

/* Nor is anything written through what the inside has planted. */
TEST(credentials_give_hostile)
{
	struct place p;
	struct stat st;

	place_init(&p);
	lab_mkdir(p.dir, "victim", 0755);
	put(p.user, PATH_, "users", -50);
	lab_link(p.inside, ".a", "../victim");
	CHECK_INT(give(&p, CONF_CREDENTIALS_HOST), 0);
	CHECK_INT(p.notes.n, 1);
	CHECK(faccessat(p.dir, "victim/auth.json", F_OK, 0) < 0);
	CHECK_INT(unlinkat(p.inside, ".a", 0), 0);
	/* A symlink of the file's own name is replaced, not followed. */
	lab_mkdir(p.inside, ".a", 0755);
	lab_link(p.inside, PATH_, "../../victim/auth.json");
	CHECK_INT(give(&p, CONF_CREDENTIALS_HOST), 1);
	CHECK(faccessat(p.dir, "victim/auth.json", F_OK, 0) < 0);
	CHECK_INT(fstatat(p.inside, PATH_, &st, AT_SYMLINK_NOFOLLOW), 0);
	CHECK(S_ISREG(st.st_mode));
	place_done(&p);
}

TEST(credentials_any_shape)
{
	const struct preset_credential any = {};
	const char *good = "{\"p\":{\"type\":\"oauth\"}}", *bad = "{\"p\":\"rm\"}";

	CHECK(!credential_refused(&any, good, strlen(good)));
	CHECK(!credential_refused(&any, "{}", 2));
	CHECK(credential_refused(&any, bad, strlen(bad)));
	CHECK(credential_refused(&any, NULL, 0));
}
