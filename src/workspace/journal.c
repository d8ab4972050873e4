#include "journal.h"

#include "beneath.h"
#include "manifest.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <sys/random.h>

#define JOURNAL "apply.journal"

void journal_temp(uint64_t nonce, size_t i, char ret[JOURNAL_TEMP_SIZE])
{
	/* Odd multiplier: different entries get different names. */
	snprintf(ret, JOURNAL_TEMP_SIZE, ".bailey-%016llx",
		(unsigned long long)(nonce + i * 0x9e3779b97f4a7c15ULL));
}

static void put(struct buf *b, json_t *obj)
{
	char *text = json_dumps(obj, JSON_COMPACT | JSON_ENSURE_ASCII);

	json_decref(obj);
	if (!text)
		abort();
	buf_puts(b, text);
	buf_puts(b, "\n");
	free(text);
}

static json_t *one(const char *key, json_t *value)
{
	json_t *obj = json_object();

	json_object_set_new(obj, key, value);
	return obj;
}

int journal_begin(
	const struct staged *s, const struct change_list *l, struct journal *ret, struct err **err)
{
	AUTO_BUF struct buf b = BUF_INIT(0);
	AUTO_FD int fd = -1;
	uint64_t nonce;
	json_t *head;
	char hex[17];
	int r;

	if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
		return err_set(err, errno, "get random bytes");
	snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)nonce);
	head = one("journal", json_integer(1));
	json_object_set_new(head, "nonce", json_string(hex));
	put(&b, head);
	for (size_t i = 0; i < l->n; i++) {
		json_t *line;

		if (l->v[i].outcome != OUTCOME_NONE)
			continue;
		line = one("plan", record_to_json(&l->v[i]));
		json_object_set_new(line, "i", json_integer((json_int_t)i));
		put(&b, line);
	}
	put(&b, one("begin", json_integer((json_int_t)l->n)));
	fd = openat(s->state, JOURNAL,
		O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = fd < 0 ? -errno : fs_write_all(fd, b.data, b.len);
	if (r == 0 && (fdatasync(fd) < 0 || fsync(s->state) < 0))
		r = -errno;
	if (r < 0)
		return err_set(err, -r, "write the journal");
	*ret = (struct journal){.fd = TAKE_FD(fd), .nonce = nonce};
	return 0;
}

int journal_done(struct journal *j, size_t i, struct err **err)
{
	char line[48];
	int n = snprintf(line, sizeof(line), "{\"done\":%zu}\n", i);
	int r = fs_write_all(j->fd, line, (size_t)n);

	return r < 0 ? err_set(err, -r, "write the journal") : 0;
}

void journal_end(const struct staged *s, struct journal *j)
{
	j->fd = fd_close(j->fd);
	(void)unlinkat(s->state, JOURNAL, 0);
}

static int parse_nonce(const char *hex, uint64_t *ret)
{
	uint64_t v = 0;

	if (!hex || strlen(hex) != 16)
		return -EINVAL;
	for (; *hex; hex++) {
		const char *digits = "0123456789abcdef", *at = strchr(digits, *hex);

		if (!at)
			return -EINVAL;
		v = v << 4 | (uint64_t)(at - digits);
	}
	*ret = v;
	return 0;
}

/* Removes the entry's temporary file, if it is there; it can be a file or a link only. */
static void remove_temp(const struct staged *s, const char *path, const char *temp)
{
	const char *name;
	AUTO_FD int dir = beneath_parent(s->lower, path, &name);

	if (dir >= 0)
		(void)unlinkat(dir, temp, 0);
}

/*
 * Whether the host has now what the plan wanted there. Compared by content, because
 * the kill may have come between the rename and the journal's line.
 */
static bool landed(const struct staged *s, struct change *c)
{
	AUTO_FD int fd = -1;
	struct digest d;
	struct stat st;

	if (c->new.type != NODE_FILE || !c->new.hashed)
		return false;
	fd = beneath_open(s->lower, c->path, O_RDONLY, 0);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		digest_fd(fd, -1, c->new.size, &d) < 0 ||
		memcmp(d.sha256, c->new.sha256, DIGEST_SIZE) != 0)
		return false;
	node_done(&c->old);
	node_from_stat(&c->old, &st);
	return true;
}

static bool landed_link(const struct staged *s, struct change *c)
{
	AUTO_FREE char *target = NULL;
	const char *name;
	AUTO_FD int dir = -1;
	struct stat st;

	if (c->new.type != NODE_SYMLINK)
		return false;
	dir = beneath_parent(s->lower, c->path, &name);
	if (dir < 0 || fs_readlink_at(dir, name, &target) < 0 ||
		!str_eq_null(target, c->new.target) ||
		fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	node_done(&c->old);
	node_from_stat(&c->old, &st);
	c->old.target = TAKE_PTR(target);
	return true;
}

/* One line of the plan; entries whose work has landed go to the list. */
static void recover_line(
	const struct staged *s, const json_t *line, uint64_t nonce, struct change_list *landed_list)
{
	const json_t *plan = json_object_get(line, "plan");
	json_int_t i = json_integer_value(json_object_get(line, "i"));
	struct change *c;
	char temp[JOURNAL_TEMP_SIZE];

	if (!plan || i < 0)
		return;
	c = change_list_add(landed_list, xstrdup(""), CHANGE_ADDED);
	free(TAKE_PTR(c->path));
	if (record_from_json(plan, c) == 0) {
		journal_temp(nonce, (size_t)i, temp);
		remove_temp(s, c->path, temp);
		if (landed(s, c) || landed_link(s, c))
			return;
	}
	free(c->path);
	node_done(&c->old);
	node_done(&c->new);
	landed_list->n--;
}

int journal_recover(const struct staged *s, struct journal_found *ret, struct err **err)
{
	struct journal_found found = {0};
	AUTO_CHANGES struct change_list *list = xcalloc(1, sizeof(*list));
	AUTO_BUF struct buf b = BUF_INIT(RECORD_FILE_MAX);
	bool head = true;
	uint64_t nonce = 0;
	char *rest;
	int r = fs_read_at(s->state, JOURNAL, &b);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(err, -r, "read the journal of an interrupted apply");
	rest = b.data ? b.data : NULL;
	/* The last line may be cut off; and without "begin" nothing was written yet. */
	for (char *line; (line = strsep(&rest, "\n")) && rest;) {
		json_t *obj = json_loads(line, 0, NULL);

		if (head &&
			parse_nonce(json_string_value(json_object_get(obj, "nonce")), &nonce) < 0)
			rest = NULL;
		else if (!head)
			recover_line(s, obj, nonce, list);
		found.planned += json_object_get(obj, "plan") != NULL;
		found.done += json_object_get(obj, "done") != NULL;
		head = false;
		json_decref(obj);
		if (!rest)
			break;
	}
	change_list_sort(list);
	r = list->n ? baseline_add(s, list, err) : 0;
	if (r < 0)
		return r;
	if (unlinkat(s->state, JOURNAL, 0) < 0)
		return err_set(err, errno, "remove the journal of an interrupted apply");
	if (ret)
		*ret = found;
	return 1;
}
