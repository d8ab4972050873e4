/*
 * One table (keys) says what a preset may hold and where it goes; reading, the
 * complaints about wrong types and the suggestions for unknown keys come from it.
 */
#include "preset.h"

#include "conf/toml.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <stddef.h>

#define NAME_MAX_LEN 32
#define EXTENDS_MAX 4 /* a chain of presets longer than this is a loop */

enum key_kind {
	KEY_STRING,
	KEY_PATH,    /* relative to the home, without ".." */
	KEY_STRINGS, /* array of strings */
	KEY_PATHS,
	KEY_ENV, /* table of strings, merged by name */
	KEY_BOOL,
	KEY_MODE,   /* "0600" */
	KEY_FORMAT, /* "text", "json", "toml" */
	KEY_FILES,
	KEY_CREDENTIALS,
	KEY_PLACEHOLDERS,
};

struct key {
	const char *name;
	enum key_kind kind;
	size_t offset;
	bool required;
};

struct reader {
	const char *file;
	struct err **err;
};

static const struct key preset_keys[] = {
	{"summary", KEY_STRING, offsetof(struct preset, summary), false},
	{"program", KEY_STRING, offsetof(struct preset, program), false},
	{"install", KEY_STRING, offsetof(struct preset, install), false},
	{"args", KEY_STRINGS, offsetof(struct preset, args), false},
	{"headless", KEY_STRINGS, offsetof(struct preset, headless), false},
	{"resume", KEY_STRINGS, offsetof(struct preset, resume), false},
	{"env", KEY_ENV, offsetof(struct preset, env), false},
	{"env_root", KEY_ENV, offsetof(struct preset, env_root), false},
	{"seed", KEY_PATHS, offsetof(struct preset, seed), false},
	{"api_keys", KEY_STRINGS, offsetof(struct preset, api_keys), false},
	{"hosts", KEY_STRINGS, offsetof(struct preset, hosts), false},
	{"note", KEY_PATH, offsetof(struct preset, note), false},
	{"files", KEY_FILES, 0, false},
	{"credentials", KEY_CREDENTIALS, 0, false},
	{"placeholders", KEY_PLACEHOLDERS, 0, false},
};

static const struct key file_keys[] = {
	{"path", KEY_PATH, offsetof(struct preset_file, path), true},
	{"content", KEY_STRING, offsetof(struct preset_file, content), true},
	{"format", KEY_FORMAT, offsetof(struct preset_file, format), false},
	{"merge", KEY_BOOL, offsetof(struct preset_file, merge), false},
	{"when_env", KEY_STRING, offsetof(struct preset_file, when_env), false},
	{"mode", KEY_MODE, offsetof(struct preset_file, mode), false},
};

static const struct key credential_keys[] = {
	{"path", KEY_PATH, offsetof(struct preset_credential, path), true},
	{"keys", KEY_STRINGS, offsetof(struct preset_credential, keys), false},
};

static const struct key placeholder_keys[] = {
	{"env", KEY_STRING, offsetof(struct preset_placeholder, env), true},
	{"value", KEY_STRING, offsetof(struct preset_placeholder, value), true},
	{"header", KEY_STRING, offsetof(struct preset_placeholder, header), true},
	{"hosts", KEY_STRINGS, offsetof(struct preset_placeholder, hosts), true},
};

static const char *const format_names[] = {"text", "json", "toml"};

bool preset_name_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n <= NAME_MAX_LEN && name[n] == '\0' && name[0] != '-';
}

static void file_done(struct preset_file *f)
{
	free(f->path);
	free(f->content);
	free(f->when_env);
}

static void credential_done(struct preset_credential *c)
{
	free(c->path);
	strvec_done(&c->keys);
}

static void placeholder_done(struct preset_placeholder *h)
{
	free(h->env);
	free(h->value);
	free(h->header);
	strvec_done(&h->hosts);
}

static void files_clear(struct preset *p)
{
	while (p->n_files > 0)
		file_done(&p->files[--p->n_files]);
}

static void credentials_clear(struct preset *p)
{
	while (p->n_credentials > 0)
		credential_done(&p->credentials[--p->n_credentials]);
}

static void placeholders_clear(struct preset *p)
{
	while (p->n_placeholders > 0)
		placeholder_done(&p->placeholders[--p->n_placeholders]);
}

void preset_free(struct preset *p)
{
	if (!p)
		return;
	free(p->name);
	free(p->summary);
	free(p->program);
	free(p->install);
	free(p->note);
	strvec_done(&p->args);
	strvec_done(&p->headless);
	strvec_done(&p->resume);
	strvec_done(&p->env);
	strvec_done(&p->env_root);
	strvec_done(&p->seed);
	strvec_done(&p->api_keys);
	strvec_done(&p->hosts);
	files_clear(p);
	credentials_clear(p);
	placeholders_clear(p);
	free(p->files);
	free(p->credentials);
	free(p->placeholders);
	free(p);
}

static int bad(const struct reader *r, const struct toml_node *node, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
static int bad(const struct reader *r, const struct toml_node *node, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	return err_set(r->err, 0, "%s:%u:%u: %s", r->file, node->line, node->column, text);
}

static const char *shown_key(const struct toml_node *node)
{
	return node->key ? node->key : "element";
}

static int want(const struct reader *r, const struct toml_node *node, enum toml_type type)
{
	AUTO_FREE char *key = NULL;

	if (node->type == type)
		return 0;
	key = str_escape0(shown_key(node));
	return bad(r, node, "%s must be %s, not %s", key, toml_type_name(type),
		toml_type_name(node->type));
}

/* A string that can go where NUL ends it. */
static int read_string(const struct reader *r, const struct toml_node *node, char **dest)
{
	int ret = want(r, node, TOML_STRING);

	if (ret < 0)
		return ret;
	free(*dest);
	*dest = xstrdup(node->str);
	return 0;
}

static bool path_is_safe(const char *path)
{
	AUTO_FREE char *clean = fs_path_clean("", path);

	/* The cleaned form of "a/b" is "/a/b": anything else had "..", "//" or "." in it. */
	return path[0] && path[0] != '/' && str_eq(clean + 1, path);
}

static int check_path(const struct reader *r, const struct toml_node *node, const char *path)
{
	AUTO_FREE char *shown = str_escape0(path);

	if (path_is_safe(path))
		return 0;
	return bad(r, node, "'%s' must be a plain path below the home directory", shown);
}

static int read_strings(
	const struct reader *r, const struct toml_node *node, bool paths, struct strvec *dest)
{
	int ret = want(r, node, TOML_ARRAY);

	if (ret < 0)
		return ret;
	strvec_done(dest);
	for (size_t i = 0; i < node->n_items; i++) {
		const struct toml_node *item = node->items[i];

		ret = want(r, item, TOML_STRING);
		if (ret == 0 && paths)
			ret = check_path(r, item, item->str);
		if (ret < 0)
			return ret;
		strvec_push(dest, item->str);
	}
	return 0;
}

static bool env_name_valid(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return n > 0 && s[n] == '\0' && !(s[0] >= '0' && s[0] <= '9');
}

static int read_env(const struct reader *r, const struct toml_node *node, struct strvec *dest)
{
	int ret = want(r, node, TOML_TABLE);

	for (size_t i = 0; ret == 0 && i < node->n_items; i++) {
		const struct toml_node *item = node->items[i];
		AUTO_FREE char *key = str_escape0(item->key);

		if (!env_name_valid(item->key))
			return bad(r, item, "'%s' is no name for a variable", key);
		ret = want(r, item, TOML_STRING);
		if (ret == 0)
			strvec_env_set(dest, item->key, item->str);
	}
	return ret;
}

static int read_mode(const struct reader *r, const struct toml_node *node, mode_t *dest)
{
	mode_t mode = 0;
	int ret = want(r, node, TOML_STRING);

	if (ret < 0)
		return ret;
	for (const char *s = node->str; *s; s++) {
		if (*s < '0' || *s > '7' || mode > 077)
			return bad(r, node, "mode must be octal and at most \"0777\"");
		mode = mode * 8 + (mode_t)(*s - '0');
	}
	if (!(mode & 0400))
		return bad(r, node, "mode must let the owner read");
	*dest = mode;
	return 0;
}

static int read_format(
	const struct reader *r, const struct toml_node *node, enum preset_format *dest)
{
	int ret = want(r, node, TOML_STRING);

	for (size_t i = 0; ret == 0 && i < ARRAY_SIZE(format_names); i++) {
		if (str_eq(node->str, format_names[i])) {
			*dest = (enum preset_format)i;
			return 0;
		}
	}
	return ret < 0 ? ret : bad(r, node, "format must be \"text\", \"json\" or \"toml\"");
}

static int read_table(const struct reader *r, const struct toml_node *table, const struct key *keys,
	size_t n_keys, void *dest);

static int read_files(const struct reader *r, const struct toml_node *node, struct preset *p)
{
	int ret = want(r, node, TOML_ARRAY);

	files_clear(p);
	for (size_t i = 0; ret == 0 && i < node->n_items; i++) {
		struct preset_file *f;

		GROW(p->files, p->n_files, p->cap_files);
		f = &p->files[p->n_files++];
		*f = (struct preset_file){.mode = 0600};
		ret = read_table(r, node->items[i], file_keys, ARRAY_SIZE(file_keys), f);
		if (ret == 0 && f->merge && f->format != PRESET_JSON)
			ret = bad(r, node->items[i], "only a file with format = \"json\" merges");
	}
	return ret;
}

static int read_credentials(const struct reader *r, const struct toml_node *node, struct preset *p)
{
	int ret = want(r, node, TOML_ARRAY);

	credentials_clear(p);
	for (size_t i = 0; ret == 0 && i < node->n_items; i++) {
		GROW(p->credentials, p->n_credentials, p->cap_credentials);
		p->credentials[p->n_credentials] = (struct preset_credential){};
		ret = read_table(r, node->items[i], credential_keys, ARRAY_SIZE(credential_keys),
			&p->credentials[p->n_credentials++]);
	}
	return ret;
}

static int read_placeholders(const struct reader *r, const struct toml_node *node, struct preset *p)
{
	int ret = want(r, node, TOML_ARRAY);

	placeholders_clear(p);
	for (size_t i = 0; ret == 0 && i < node->n_items; i++) {
		GROW(p->placeholders, p->n_placeholders, p->cap_placeholders);
		p->placeholders[p->n_placeholders] = (struct preset_placeholder){};
		ret = read_table(r, node->items[i], placeholder_keys, ARRAY_SIZE(placeholder_keys),
			&p->placeholders[p->n_placeholders++]);
	}
	return ret;
}

static int read_value(
	const struct reader *r, const struct toml_node *node, const struct key *key, void *dest)
{
	void *field = (char *)dest + key->offset;
	int ret;

	switch (key->kind) {
	case KEY_STRING:
		return read_string(r, node, field);
	case KEY_PATH:
		ret = read_string(r, node, field);
		return ret < 0 ? ret : check_path(r, node, *(char **)field);
	case KEY_STRINGS:
		return read_strings(r, node, false, field);
	case KEY_PATHS:
		return read_strings(r, node, true, field);
	case KEY_ENV:
		return read_env(r, node, field);
	case KEY_BOOL:
		ret = want(r, node, TOML_BOOL);
		if (ret == 0)
			*(bool *)field = node->boolean;
		return ret;
	case KEY_MODE:
		return read_mode(r, node, field);
	case KEY_FORMAT:
		return read_format(r, node, field);
	case KEY_FILES:
		return read_files(r, node, dest);
	case KEY_CREDENTIALS:
		return read_credentials(r, node, dest);
	case KEY_PLACEHOLDERS:
		return read_placeholders(r, node, dest);
	}
	return -EINVAL;
}

static const struct key *find_key(const struct key *keys, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(keys[i].name, name))
			return &keys[i];
	}
	return NULL;
}

static int unknown_key(
	const struct reader *r, const struct toml_node *node, const struct key *keys, size_t n_keys)
{
	AUTO_FREE char *shown = str_escape0(node->key);
	const char *names[ARRAY_SIZE(preset_keys)];
	const char *near;

	for (size_t i = 0; i < n_keys; i++)
		names[i] = keys[i].name;
	near = str_nearest(node->key, names, n_keys);
	if (near)
		return bad(r, node, "unknown key '%s' (did you mean '%s'?)", shown, near);
	return bad(r, node, "unknown key '%s'", shown);
}

static int read_table(const struct reader *r, const struct toml_node *table, const struct key *keys,
	size_t n_keys, void *dest)
{
	int ret = want(r, table, TOML_TABLE);

	for (size_t i = 0; ret == 0 && table && i < table->n_items; i++) {
		const struct toml_node *item = table->items[i];
		const struct key *key = find_key(keys, n_keys, item->key);

		if (!key && keys == preset_keys && str_eq(item->key, "extends"))
			continue; /* load_file has dealt with it */
		ret = key ? read_value(r, item, key, dest) : unknown_key(r, item, keys, n_keys);
	}
	for (size_t i = 0; ret == 0 && i < n_keys; i++) {
		if (keys[i].required && !toml_get(table, keys[i].name))
			ret = bad(r, table, "'%s' is missing", keys[i].name);
	}
	return ret;
}

static char *preset_path(const char *dir, const char *name)
{
	return xasprintf("%s/agents/%s.toml", dir, name);
}

/* 1 and a tree; 0: there is no such file. */
static int parse_file(const char *path, struct toml_node **ret, struct err **err)
{
	struct buf b AUTO_BUF = BUF_INIT(TOML_MAX);
	AUTO_FREE char *shown = str_escape0(path);
	int r = fs_read_at(AT_FDCWD, path, &b);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(err, -r, "read the agent's preset '%s'", shown);
	r = toml_parse(b.data ? b.data : "", b.len, shown, ret, err);
	return r < 0 ? r : 1;
}

static int no_such_preset(const char *data, const char *config, const char *name, struct err **err)
{
	struct strvec names AUTO_STRVEC = {};
	AUTO_FREE char *shown = str_escape0(name);
	const char *near;

	preset_list(data, config, &names);
	near = str_nearest(name, (const char *const *)strvec_argv(&names), names.n);
	err_set(err, 0, "no agent is called '%s'", shown);
	if (err)
		(*err)->code = ENOENT;
	if (near)
		err_hint(err, "did you mean '%s'?", near);
	return -ENOENT;
}

/*
 * Applies DIR/agents/NAME.toml to *p after what it stands on: in the user's directory
 * the preset that it extends, or the shipped one of the same name. 1: there was one.
 */
static int load_into(const char *data, const char *config, const char *dir, const char *name,
	unsigned depth, struct preset *p, struct err **err)
{
	AUTO_TOML struct toml_node *root = NULL;
	AUTO_FREE char *path = preset_path(dir, name);
	AUTO_FREE char *shown = str_escape0(path);
	struct reader reader = {shown, err};
	const struct toml_node *extends;
	int r = parse_file(path, &root, err);

	if (r < 0)
		return r;
	if (r == 0)
		return dir == data ? 0 : load_into(data, config, data, name, depth, p, err);
	extends = toml_get(root, "extends");
	if (extends) {
		r = want(&reader, extends, TOML_STRING);
		if (r < 0)
			return r;
		if (!preset_name_valid(extends->str) || depth >= EXTENDS_MAX)
			return bad(&reader, extends, "extends nothing that can be extended");
		/* Extending its own name means the shipped one. */
		r = load_into(data, config, str_eq(extends->str, name) ? data : dir, extends->str,
			depth + 1, p, err);
		if (r < 0)
			return r;
		if (r == 0) {
			AUTO_FREE char *base = str_escape0(extends->str);

			return bad(&reader, extends, "there is no agent '%s' to extend", base);
		}
	} else if (dir != data) {
		r = load_into(data, config, data, name, depth, p, err);
		if (r < 0)
			return r;
	}
	r = read_table(&reader, root, preset_keys, ARRAY_SIZE(preset_keys), p);
	if (r < 0)
		return r;
	if (!p->program && dir == data)
		return bad(&reader, root, "'program' is missing");
	if (!p->program)
		return bad(&reader, root, "'program' is missing, and there is no '%s' to extend",
			name);
	return 1;
}

int preset_load(const char *data, const char *config, const char *name, struct preset **ret,
	struct err **err)
{
	AUTO_PRESET struct preset *p = NULL;
	int r;

	if (!preset_name_valid(name))
		return no_such_preset(data, config, name, err);
	p = xcalloc(1, sizeof(*p));
	p->name = xstrdup(name);
	r = load_into(data, config, config ? config : data, name, 0, p, err);
	if (r < 0)
		return r;
	if (r == 0)
		return no_such_preset(data, config, name, err);
	if (!p->summary)
		p->summary = xstrdup(p->program);
	*ret = TAKE_PTR(p);
	return 0;
}

static void list_dir(const char *dir, struct strvec *ret)
{
	AUTO_FREE char *path = xasprintf("%s/agents", dir);
	AUTO_DIR DIR *d = opendir(path);
	const struct dirent *de;

	while (d && (de = readdir(d))) {
		AUTO_FREE char *name = NULL;

		if (!str_ends(de->d_name, ".toml"))
			continue;
		name = xstrndup(de->d_name, strlen(de->d_name) - strlen(".toml"));
		if (preset_name_valid(name) && !strvec_has(ret, name))
			strvec_push(ret, name);
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void preset_list(const char *data, const char *config, struct strvec *ret)
{
	list_dir(data, ret);
	if (config)
		list_dir(config, ret);
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare);
}

static const char *value_of(const char *name, size_t n, const struct preset_values *v)
{
	const struct {
		const char *name, *value;
	} table[] = {
		{"home", v->home},
		{"project", v->project},
		{"uid", v->uid},
		{"prompt", v->prompt},
		{"ports", v->ports},
		{"work", v->work},
	};
	AUTO_FREE char *key = xstrndup(name, n);
	const char *env = str_after(key, "env.");

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (str_eq(key, table[i].name))
			return table[i].value;
	}
	if (env && v->env)
		return strvec_env_get(v->env, env);
	/* Claude Code remembers an approved key by its end. */
	env = str_after(key, "tail.");
	if (env && v->env) {
		const char *value = strvec_env_get(v->env, env);
		size_t len = value ? strlen(value) : 0;

		return value && len > 20 ? value + len - 20 : value;
	}
	return NULL;
}

/* JSON and TOML basic strings agree on these escapes. */
static int put_quoted(struct buf *b, const char *s)
{
	if (!str_is_utf8(s, strlen(s)))
		return -EINVAL;
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\u%04x", c);
		else
			buf_put(b, s, 1);
	}
	return 0;
}

int preset_expand(const char *text, enum preset_format format, const struct preset_values *values,
	char **ret, struct err **err)
{
	struct buf b AUTO_BUF = {};
	const char *s = text, *open;

	while ((open = strstr(s, "${"))) {
		const char *name = open + 2, *end = strchr(name, '}');
		const char *value = end ? value_of(name, (size_t)(end - name), values) : NULL;
		int r = 0;

		if (!value) {
			AUTO_FREE char *shown =
				str_escape(open, end ? (size_t)(end - open) + 1 : 2);

			return err_set(err, 0, "nothing to put in for '%s'", shown);
		}
		buf_put(&b, s, (size_t)(open - s));
		if (format == PRESET_TEXT)
			buf_puts(&b, value);
		else
			r = put_quoted(&b, value);
		if (r < 0)
			return err_set(err, 0,
				"a value that is not UTF-8 cannot be put in for '%.*s}'",
				(int)(end - open), open);
		s = end + 1;
	}
	buf_puts(&b, s);
	*ret = buf_take(&b);
	return 0;
}
