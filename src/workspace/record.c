#include "record.h"

#include "sys/fs.h"

void record_set_bytes(json_t *obj, const char *key, const char *s)
{
	static const char digits[] = "0123456789abcdef";
	AUTO_FREE char *name = NULL;
	AUTO_FREE char *hex = NULL;
	size_t n = strlen(s);

	if (str_is_utf8(s, n)) {
		json_object_set_new(obj, key, json_string(s));
		return;
	}
	hex = xmalloc(2 * n + 1);
	for (size_t i = 0; i < n; i++) {
		hex[2 * i] = digits[(unsigned char)s[i] >> 4];
		hex[2 * i + 1] = digits[s[i] & 15];
	}
	hex[2 * n] = '\0';
	name = xasprintf("%s_hex", key);
	json_object_set_new(obj, name, json_string(hex));
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *record_get_bytes(const json_t *obj, const char *key)
{
	const json_t *v = json_object_get(obj, key);
	AUTO_FREE char *name = NULL;
	AUTO_FREE char *out = NULL;
	const char *hex;
	size_t n;

	if (json_is_string(v)) {
		hex = json_string_value(v);
		return strlen(hex) == json_string_length(v) ? xstrdup(hex) : NULL;
	}
	name = xasprintf("%s_hex", key);
	v = json_object_get(obj, name);
	n = json_string_length(v);
	if (!json_is_string(v) || n % 2)
		return NULL;
	hex = json_string_value(v);
	out = xmalloc(n / 2 + 1);
	for (size_t i = 0; i < n / 2; i++) {
		int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);

		if (high < 0 || low < 0 || (high == 0 && low == 0))
			return NULL;
		out[i] = (char)(high << 4 | low);
	}
	out[n / 2] = '\0';
	return TAKE_PTR(out);
}

static json_t *node_to_json(const struct node *n)
{
	json_t *obj = json_object();

	json_object_set_new(obj, "type", json_string(node_type_name(n->type)));
	json_object_set_new(obj, "mode", json_integer(n->mode));
	json_object_set_new(obj, "size", json_integer((json_int_t)n->size));
	json_object_set_new(obj, "ino", json_integer((json_int_t)n->ino));
	json_object_set_new(obj, "ctime", json_integer(n->ctime.tv_sec));
	json_object_set_new(obj, "ctime_ns", json_integer(n->ctime.tv_nsec));
	if (n->hashed) {
		char hex[DIGEST_HEX_SIZE];

		digest_hex(n->sha256, hex);
		json_object_set_new(obj, "sha256", json_string(hex));
	}
	if (n->target)
		record_set_bytes(obj, "target", n->target);
	return obj;
}

static json_int_t number(const json_t *obj, const char *key)
{
	return json_integer_value(json_object_get(obj, key));
}

static int node_from_json(const json_t *obj, struct node *n)
{
	const char *type, *hash;

	if (!obj)
		return 0;
	type = json_string_value(json_object_get(obj, "type"));
	if (!type)
		return -EINVAL;
	n->type = node_type_parse(type);
	if (n->type == NODE_NONE)
		return -EINVAL;
	n->mode = (mode_t)number(obj, "mode") & 07777;
	n->size = (uint64_t)number(obj, "size");
	n->ino = (uint64_t)number(obj, "ino");
	n->ctime.tv_sec = number(obj, "ctime");
	n->ctime.tv_nsec = (long)number(obj, "ctime_ns");
	hash = json_string_value(json_object_get(obj, "sha256"));
	if (hash) {
		if (digest_unhex(hash, n->sha256) < 0)
			return -EINVAL;
		n->hashed = true;
	}
	n->target = record_get_bytes(obj, "target");
	return 0;
}

json_t *record_to_json(const struct change *c)
{
	json_t *obj = json_object();

	record_set_bytes(obj, "path", c->path);
	json_object_set_new(obj, "kind", json_string(change_kind_name(c->kind)));
	if (c->old.type)
		json_object_set_new(obj, "old", node_to_json(&c->old));
	if (c->new.type)
		json_object_set_new(obj, "new", node_to_json(&c->new));
	return obj;
}

/* Clean and relative: what our own scan writes. */
static bool is_clean(const char *path)
{
	if (!*path)
		return false;
	for (const char *p = path;; p++) {
		size_t n = strcspn(p, "/");

		if (n == 0 || (n == 1 && *p == '.') || (n == 2 && memcmp(p, "..", 2) == 0))
			return false;
		p += n;
		if (!*p)
			return true;
	}
}

int record_from_json(const json_t *obj, struct change *ret)
{
	const char *kind = json_string_value(json_object_get(obj, "kind"));
	int r;

	ret->path = record_get_bytes(obj, "path");
	if (!ret->path || !is_clean(ret->path) || !kind)
		return -EINVAL;
	ret->kind = change_kind_parse(kind);
	if (ret->kind == CHANGE_N_KINDS)
		return -EINVAL;
	r = node_from_json(json_object_get(obj, "old"), &ret->old);
	if (r == 0)
		r = node_from_json(json_object_get(obj, "new"), &ret->new);
	if (r < 0)
		return r;
	/* Of the host's side the target may be unknown; of what we make it may not. */
	return ret->new.type == NODE_SYMLINK && !ret->new.target ? -EINVAL : 0;
}

static int add_line(const char *p, size_t n, void *arg)
{
	return buf_add(arg, p, n);
}

static void put_line(struct buf *b, json_t *obj)
{
	if (json_dump_callback(obj, add_line, b, JSON_COMPACT | JSON_ENSURE_ASCII) < 0)
		abort();
	json_decref(obj);
	buf_puts(b, "\n");
}

void record_write(struct buf *b, const char *kind, const struct change_list *l)
{
	json_t *head = json_object();

	json_object_set_new(head, "bailey", json_string(kind));
	json_object_set_new(head, "entries", json_integer((json_int_t)l->n));
	put_line(b, head);
	for (size_t i = 0; i < l->n; i++)
		put_line(b, record_to_json(&l->v[i]));
}

/* The next line as an object (a new reference), or NULL. */
static json_t *next_line(const char **p, const char *end)
{
	const char *start = *p;
	const char *newline = start < end ? memchr(start, '\n', (size_t)(end - start)) : NULL;

	if (!newline)
		return NULL;
	*p = newline + 1;
	return json_loadb(start, (size_t)(newline - start), JSON_REJECT_DUPLICATES, NULL);
}

static bool is_head(const json_t *head, const char *kind, json_int_t *ret_entries)
{
	const char *is = json_string_value(json_object_get(head, "bailey"));

	*ret_entries = number(head, "entries");
	return is && str_eq(is, kind) && *ret_entries >= 0;
}

int record_parse(const char *kind, const char *p, size_t n, struct change_list **ret)
{
	AUTO_CHANGES struct change_list *l = xcalloc(1, sizeof(*l));
	const char *end = p + n;
	json_t *line = next_line(&p, end);
	json_int_t entries;
	bool ok = is_head(line, kind, &entries);

	json_decref(line);
	while (ok && entries-- > 0) {
		struct change *c = change_list_add(l, xstrdup(""), CHANGE_ADDED);

		free(TAKE_PTR(c->path));
		line = next_line(&p, end);
		ok = line && record_from_json(line, c) == 0;
		json_decref(line);
		if (!c->path)
			c->path = xstrdup("");
	}
	if (!ok || p != end)
		return -EINVAL;
	change_list_sort(l);
	*ret = TAKE_PTR(l);
	return 0;
}

int record_load(
	int dirfd, const char *name, const char *kind, struct change_list **ret, struct err **err)
{
	AUTO_BUF struct buf b = BUF_INIT(RECORD_FILE_MAX);
	int r = fs_read_at(dirfd, name, &b);

	*ret = NULL;
	if (r == -ENOENT)
		return 1;
	if (r < 0)
		return err_set(err, -r, "read '%s' of the sandbox", name);
	r = record_parse(kind, b.data ? b.data : "", b.len, ret);
	if (r < 0) {
		err_set(err, 0, "'%s' of the sandbox is damaged", name);
		return err_hint(err, "remove it and run 'bailey diff' again");
	}
	return 0;
}

int record_save(int dirfd, const char *name, const char *kind, const struct change_list *l,
	struct err **err)
{
	AUTO_BUF struct buf b = BUF_INIT(0);
	int r;

	if (l->n == 0) {
		if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
			return 0;
		return err_set(err, errno, "remove '%s' of the sandbox", name);
	}
	record_write(&b, kind, l);
	r = fs_replace_at(dirfd, name, b.data, b.len, 0600, true);
	return r < 0 ? err_set(err, -r, "write '%s' of the sandbox", name) : 0;
}

void record_copy(struct change_list *l, const struct change *c)
{
	struct change *copy = change_list_add(l, xstrdup(c->path), c->kind);
	char *path = copy->path;

	*copy = *c;
	copy->path = path;
	copy->old.target = xstrdup_null(c->old.target);
	copy->new.target = xstrdup_null(c->new.target);
}
