#include "layer.h"

#include "opt.h"
#include "sys/fs.h"

/* A string from the user in a message: one escaped word. */
#define QUOTED(var, text) AUTO_FREE char *var = opt_quote(text)

static void at_node(struct layer *l, const struct toml_node *node)
{
	free(l->where);
	l->where = xasprintf("%s:%u:%u", l->file, node->line, node->column);
}

/* The origin of a value: without "option ". */
static const char *origin(const struct layer *l)
{
	const char *option = l->where ? str_after(l->where, "option ") : NULL;

	return option ? option : l->where ? l->where : "built-in";
}

static int wrong(struct layer *l, const char *key, char *why)
{
	err_set(l->err, 0, "%s: %s%s%s", l->where ? l->where : "built-in", key ? key : "",
		key ? ": " : "", why);
	free(why);
	return -EINVAL;
}

static int wrong_type(
	struct layer *l, const struct toml_node *node, const char *key, const char *want)
{
	at_node(l, node);
	return wrong(l, key, xasprintf("this is %s, not %s", toml_type_name(node->type), want));
}

static int check_lock(struct layer *l, const char *key)
{
	for (size_t i = 0; l->kind != LAYER_ADMIN && i < l->locked->n; i++) {
		const char *rest = str_after(key, l->locked->v[i]);

		if (rest && (*rest == '\0' || *rest == '.'))
			return wrong(l, key, xstrdup("the administrator has locked this setting"));
	}
	return 0;
}

static int set_text(struct layer *l, const struct setting *s, const char *text, bool more)
{
	char *why = NULL;

	if (setting_set(s, l->conf, text, &why) < 0)
		return wrong(l, s->key, why);
	origins_set(l->origins, s->key, origin(l), more);
	return 0;
}

int layer_builtin(struct layer *l)
{
	for (size_t i = 0; i < settings_n; i++) {
		const struct setting *s = &settings[i];
		int r;

		if (!s->dflt || s->type == SETTING_MOUNT)
			continue;
		r = set_text(l, s, s->dflt, false);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- scalars and lists of a file ---- */

/* A node as the text that the command line would have, or NULL for a wrong type. */
static char *node_text(const struct setting *s, const struct toml_node *node)
{
	bool number = s->type == SETTING_SIZE || s->type == SETTING_MILLI ||
		      s->type == SETTING_COUNT || s->type == SETTING_DURATION ||
		      s->type == SETTING_PORTS;

	if (node->type == TOML_STRING && s->type != SETTING_BOOL && s->type != SETTING_COUNT)
		return xstrdup(node->str);
	if (node->type == TOML_BOOL && s->type == SETTING_BOOL)
		return xstrdup(node->boolean ? "true" : "false");
	if (node->type == TOML_INT && number)
		return xasprintf("%lld", (long long)node->integer);
	/* Beyond this range setting_set would refuse it anyway. */
	if (node->type == TOML_FLOAT && s->type == SETTING_MILLI && node->real >= 0 &&
		node->real < 1e6)
		return xasprintf("%.3f", node->real);
	return NULL;
}

static int set_array(struct layer *l, const struct setting *s, const struct toml_node *node)
{
	if (node->type != TOML_ARRAY)
		return wrong_type(l, node, s->key, setting_type_words(s));
	for (size_t i = 0; i < node->n_items; i++) {
		AUTO_FREE char *text = node_text(s, node->items[i]);
		int r;

		if (!text)
			return wrong_type(l, node->items[i], s->key, setting_type_words(s));
		at_node(l, node->items[i]);
		r = set_text(l, s, text, true);
		if (r < 0)
			return r;
	}
	return 0;
}

static int set_node(struct layer *l, const struct setting *s, const struct toml_node *node)
{
	AUTO_FREE char *text = NULL;
	int r;

	at_node(l, node);
	r = check_lock(l, s->key);
	if (r < 0)
		return r;
	if (s->type == SETTING_STRINGS || s->type == SETTING_PORTS)
		return set_array(l, s, node);
	text = node_text(s, node);
	if (!text)
		return wrong_type(l, node, s->key, setting_type_words(s));
	return set_text(l, s, text, false);
}

/* ---- unknown keys ---- */

/* The names that may stand in the block called prefix ("" or "limits."). */
static void sibling_names(const char *prefix, struct strvec *ret)
{
	for (size_t i = 0; i < settings_n; i++) {
		const char *rest = str_after(settings[i].key, prefix);
		AUTO_FREE char *name = rest ? xstrndup(rest, strcspn(rest, ".")) : NULL;

		if (name && !str_eq(name, "NAME") && !strvec_has(ret, name))
			strvec_push(ret, name);
	}
	if (*prefix)
		strvec_push(ret, "enabled");
}

static int unknown(struct layer *l, const char *prefix, const struct toml_node *node)
{
	AUTO_STRVEC struct strvec names = {0};
	AUTO_FREE char *key = xasprintf("%s%s", prefix, node->key);
	QUOTED(quoted, key);
	const char *near;

	at_node(l, node);
	err_set(l->err, 0, "%s: unknown key %s", l->where, quoted);
	sibling_names(prefix, &names);
	near = str_nearest(node->key, (const char *const *)strvec_argv(&names), names.n);
	if (near)
		err_hint(l->err, "did you mean '%s%s'?", prefix, near);
	/* Right name, wrong block. */
	for (size_t i = 0; i < settings_n; i++) {
		const char *dot = strrchr(settings[i].key, '.');

		if (dot && str_eq(dot + 1, node->key))
			err_hint(l->err, "did you mean '%s'?", settings[i].key);
	}
	return -EINVAL;
}

/* ---- [mounts.NAME] ---- */

static struct conf_mount *find_mount(struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_mounts; i++)
		if (str_eq(c->mounts[i].name, name))
			return &c->mounts[i];
	return NULL;
}

static struct conf_mount *add_mount(struct layer *l, const char *name)
{
	struct conf *c = l->conf;
	struct conf_mount *m;

	c->mounts = xrealloc(c->mounts, c->n_mounts + 1, sizeof(*c->mounts));
	m = &c->mounts[c->n_mounts++];
	*m = (struct conf_mount){.name = xstrdup(name), .enabled = true};
	return m;
}

static void replace(char **to, char *from)
{
	free(*to);
	*to = from;
}

static int mount_path(struct layer *l, const char *text, const char *base, bool source, char **ret)
{
	AUTO_FREE char *expanded = NULL;
	const char *want = *text ? NULL : "a path";
	char *why = NULL;

	if (want)
		return wrong(l, NULL, xasprintf("'' is not %s", want));
	expanded = source ? expand(l->args, text, true, &why) : xstrdup(text);
	if (!expanded)
		return wrong(l, NULL, why);
	if (strlen(expanded) >= 4096)
		return wrong(l, NULL, xstrdup("the path is too long"));
	if (!source && expanded[0] != '/') {
		QUOTED(quoted, text);
		return wrong(l, NULL, xasprintf("the target %s is not an absolute path", quoted));
	}
	replace(ret, fs_path_clean(base, expanded));
	return 0;
}

/* Which of two words, or -EINVAL. */
static int choose(
	struct layer *l, const char *key, const char *text, const char *first, const char *second)
{
	QUOTED(quoted, text);

	if (str_eq(text, first))
		return 0;
	if (str_eq(text, second))
		return 1;
	return wrong(l, key, xasprintf("%s is not %s or %s", quoted, first, second));
}

static int mount_field(struct layer *l, struct conf_mount *m, const struct toml_node *f)
{
	int r;

	if (str_eq(f->key, "enabled")) {
		if (f->type != TOML_BOOL)
			return wrong_type(l, f, f->key, "true or false");
		m->enabled = f->boolean;
		return 0;
	}
	if (!str_eq(f->key, "source") && !str_eq(f->key, "target") && !str_eq(f->key, "mode") &&
		!str_eq(f->key, "missing"))
		return unknown(l, "mounts.NAME.", f);
	if (f->type != TOML_STRING)
		return wrong_type(l, f, f->key, "a string");
	at_node(l, f);
	if (str_eq(f->key, "source"))
		return mount_path(l, f->str, l->args->project, true, &m->src);
	if (str_eq(f->key, "target"))
		return mount_path(l, f->str, "/", false, &m->dst);
	if (str_eq(f->key, "mode")) {
		r = choose(l, f->key, f->str, "ro", "rw");
		m->writable = r == 1;
	} else {
		r = choose(l, f->key, f->str, "error", "skip");
		m->missing = r == 1 ? CONF_MISSING_SKIP : CONF_MISSING_ERROR;
	}
	return r < 0 ? r : 0;
}

/*
 * A project's file may name its own files by a path that a symlink leads out of, so
 * the question is where the source really is; and that is what gets mounted.
 */
static void mount_clause(struct layer *l, struct conf_mount *m)
{
	AUTO_FREE char *real = realpath(m->src, NULL);
	AUTO_FREE char *project = realpath(l->args->project, NULL);
	bool outside;

	if (real)
		replace(&m->src, TAKE_PTR(real));
	outside = !fs_path_within(m->src, project ? project : l->args->project);
	if (outside || m->writable) {
		QUOTED(name, m->name);
		QUOTED(src, m->src);
		QUOTED(dst, m->dst);

		strvec_pushf(&l->clauses, "mount %s: shows %s%s at %s, %s", name, src,
			outside ? " (outside the project)" : "", dst,
			m->writable ? "writable" : "read-only");
	}
}

static int set_mount(struct layer *l, const struct toml_node *block)
{
	struct conf_mount *m = find_mount(l->conf, block->key);
	AUTO_FREE char *key = xasprintf("mounts.%s", block->key);

	if (block->type != TOML_TABLE)
		return wrong_type(l, block, "mounts", "a table: [mounts.NAME]");
	at_node(l, block);
	if (setting_check_agent(block->key)) {
		QUOTED(quoted, block->key);
		return wrong(l, "mounts",
			xasprintf("%s is not %s", quoted, setting_check_agent(block->key)));
	}
	if (l->conf->n_mounts >= CONF_LIST_MAX)
		return wrong(l, "mounts", xstrdup("there are too many"));
	if (!m)
		m = add_mount(l, block->key);
	for (size_t i = 0; i < block->n_items; i++) {
		int r = mount_field(l, m, block->items[i]);

		if (r < 0)
			return r;
	}
	at_node(l, block);
	if (m->enabled && !m->src)
		return wrong(l, key, xstrdup("source is missing"));
	if (m->src && !m->dst)
		m->dst = xstrdup(m->src);
	replace(&m->origin, xstrdup(l->where));
	origins_set(l->origins, key, l->where, false);
	if (l->kind == LAYER_PROJECT && m->enabled)
		mount_clause(l, m);
	return 0;
}

/* ---- [env] ---- */

static int set_env(struct layer *l, const struct toml_node *node)
{
	const char *want = setting_check_env_name(node->key);
	AUTO_FREE char *key = xasprintf("env.%s", node->key);
	AUTO_FREE char *value = NULL;
	char *why = NULL;

	at_node(l, node);
	if (want) {
		QUOTED(quoted, node->key);
		return wrong(l, "env", xasprintf("%s is not %s", quoted, want));
	}
	if (node->type != TOML_STRING)
		return wrong_type(l, node, key, "a string");
	value = expand(l->args, node->str, false, &why);
	if (!value)
		return wrong(l, key, why);
	if (l->conf->env.n >= CONF_LIST_MAX)
		return wrong(l, "env", xstrdup("there are too many variables"));
	strvec_env_set(&l->conf->env, node->key, value);
	origins_set(l->origins, key, l->where, false);
	if (l->kind == LAYER_PROJECT) {
		QUOTED(shown, node->str);
		strvec_pushf(&l->clauses, "sets the variable %s to %s", node->key, shown);
	}
	return 0;
}

/* ---- [agents.NAME] ---- */

static int agent_field(struct layer *l, const char *agent, size_t at, const struct toml_node *f)
{
	static const struct setting item = {.key = "args", .type = SETTING_STRINGS};
	struct strvec *args = &l->conf->agent_args[at].args;

	if (str_eq(f->key, "enabled")) {
		if (f->type != TOML_BOOL)
			return wrong_type(l, f, f->key, "true or false");
		l->conf->agent_args[at].enabled = f->boolean;
		return 0;
	}
	if (!str_eq(f->key, "args"))
		return unknown(l, "agents.NAME.", f);
	if (f->type != TOML_ARRAY || f->n_items > CONF_LIST_MAX)
		return wrong_type(l, f, "args", setting_type_words(&item));
	strvec_done(args);
	for (size_t i = 0; i < f->n_items; i++) {
		if (f->items[i]->type != TOML_STRING)
			return wrong_type(l, f->items[i], "args", setting_type_words(&item));
		strvec_push(args, f->items[i]->str);
		if (l->kind == LAYER_PROJECT) {
			QUOTED(shown, f->items[i]->str);
			strvec_pushf(&l->clauses, "gives agent %s the argument %s", agent, shown);
		}
	}
	return 0;
}

static int set_agent(struct layer *l, const struct toml_node *block)
{
	AUTO_FREE char *key = xasprintf("agents.%s.args", block->key);
	struct conf *c = l->conf;
	size_t at;

	at_node(l, block);
	if (block->type != TOML_TABLE)
		return wrong_type(l, block, "agents", "a table: [agents.NAME]");
	if (setting_check_agent(block->key) || c->n_agent_args >= CONF_LIST_MAX) {
		QUOTED(quoted, block->key);
		return wrong(l, "agents", xasprintf("%s is not the name of an agent", quoted));
	}
	for (at = 0; at < c->n_agent_args; at++)
		if (str_eq(c->agent_args[at].agent, block->key))
			break;
	if (at == c->n_agent_args) {
		c->agent_args = xrealloc(c->agent_args, at + 1, sizeof(*c->agent_args));
		memset(&c->agent_args[at], 0, sizeof(*c->agent_args));
		c->agent_args[at].agent = xstrdup(block->key);
		c->agent_args[at].enabled = true;
		c->n_agent_args++;
	}
	origins_set(l->origins, key, l->where, false);
	/* What the user gives an agent may be what holds it back. */
	if (l->kind == LAYER_PROJECT && c->agent_args[at].args.n)
		strvec_pushf(
			&l->clauses, "replaces the arguments that you give agent %s", block->key);
	for (size_t i = 0; i < block->n_items; i++) {
		int r = agent_field(l, block->key, at, block->items[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- a whole file ---- */

static const struct named_block {
	const char *name;
	int (*set)(struct layer *l, const struct toml_node *item);
} named_blocks[] = {
	{"mounts", set_mount},
	{"env", set_env},
	{"agents", set_agent},
};

static int set_locked(struct layer *l, const struct toml_node *node)
{
	at_node(l, node);
	if (l->kind != LAYER_ADMIN)
		return wrong(l, "locked", xstrdup("only the administrator's file may lock"));
	if (node->type != TOML_ARRAY)
		return wrong_type(l, node, "locked", "an array of keys");
	for (size_t i = 0; i < node->n_items; i++) {
		const struct toml_node *item = node->items[i];

		if (item->type != TOML_STRING)
			return wrong_type(l, item, "locked", "a key");
		at_node(l, item);
		if (!setting_find(item->str) && !setting_is_block(item->str)) {
			QUOTED(quoted, item->str);
			return wrong(l, "locked", xasprintf("there is no setting %s", quoted));
		}
		strvec_push(l->locked, item->str);
	}
	return 0;
}

static int set_block(struct layer *l, const char *name, const struct toml_node *block);

static int set_item(struct layer *l, const char *prefix, const struct toml_node *item)
{
	AUTO_FREE char *key = xasprintf("%s%s", prefix, item->key);
	const struct setting *s = setting_find(key);

	/* "NAME" itself is no key: rows of named blocks are never found by it. */
	if (s && s->type != SETTING_MOUNT && s->type != SETTING_AGENT && s->type != SETTING_ENV)
		return set_node(l, s, item);
	if (!*prefix && str_eq(key, "locked"))
		return set_locked(l, item);
	if (!s && setting_is_block(key) && !*prefix)
		return set_block(l, key, item);
	return unknown(l, prefix, item);
}

/* Whether the block is switched off: then it is read for mistakes, and that is all. */
static int block_enabled(struct layer *l, const struct toml_node *block, bool *ret)
{
	const struct toml_node *enabled = toml_get(block, "enabled");

	*ret = true;
	if (!enabled)
		return 0;
	if (enabled->type != TOML_BOOL)
		return wrong_type(l, enabled, "enabled", "true or false");
	*ret = enabled->boolean;
	return 0;
}

static int set_block_items(struct layer *l, const char *name, const struct toml_node *block)
{
	AUTO_FREE char *prefix = xasprintf("%s.", name);

	for (size_t i = 0; i < block->n_items; i++) {
		const struct toml_node *item = block->items[i];
		const struct named_block *named = NULL;
		int r;

		if (str_eq(item->key, "enabled") && item->type == TOML_BOOL)
			continue;
		for (size_t n = 0; n < ARRAY_SIZE(named_blocks); n++)
			if (str_eq(named_blocks[n].name, name))
				named = &named_blocks[n];
		at_node(l, item);
		if (named) {
			AUTO_FREE char *key = xasprintf("%s%s", prefix, item->key);

			r = check_lock(l, key);
			if (r == 0)
				r = named->set(l, item);
		} else {
			r = set_item(l, prefix, item);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int set_block(struct layer *l, const char *name, const struct toml_node *block)
{
	struct layer scratch;
	bool enabled;
	int r;

	if (block->type != TOML_TABLE)
		return wrong_type(l, block, name, "a table");
	r = block_enabled(l, block, &enabled);
	if (r < 0)
		return r;
	if (enabled)
		return set_block_items(l, name, block);
	scratch = *l;
	scratch.conf = xcalloc(1, sizeof(*scratch.conf));
	scratch.origins = NULL;
	scratch.clauses = (struct strvec){0};
	r = set_block_items(&scratch, name, block);
	l->where = scratch.where;
	strvec_done(&scratch.clauses);
	conf_free(scratch.conf);
	return r;
}

int layer_toml(struct layer *l, const struct toml_node *root)
{
	for (size_t i = 0; i < root->n_items; i++) {
		int r = set_item(l, "", root->items[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- the command line ---- */

static int cli_env(struct layer *l, const char *text)
{
	const char *equals = strchr(text, '=');
	AUTO_FREE char *name = equals ? xstrndup(text, (size_t)(equals - text)) : xstrdup(text);
	const char *want = setting_check_env_name(name);
	AUTO_FREE char *key = xasprintf("env.%s", name);
	AUTO_FREE char *value = NULL;
	int r;

	if (want) {
		QUOTED(quoted, name);
		return wrong(l, NULL, xasprintf("%s is not %s", quoted, want));
	}
	r = check_lock(l, key);
	if (r < 0)
		return r;
	if (equals) {
		value = xstrdup(equals + 1);
	} else {
		AUTO_FREE char *reference = xasprintf("${%s}", name);
		char *why = NULL;

		value = expand(l->args, reference, false, &why);
		free(why);
		if (!value)
			return wrong(l, NULL,
				xasprintf("%s is not set in your environment; give it a value: "
					  "%s=VALUE",
					name, name));
	}
	strvec_env_set(&l->conf->env, name, value);
	origins_set(l->origins, key, origin(l), false);
	return 0;
}

/* SRC[:DST][:ro|:rw] */
static int cli_mount(struct layer *l, const char *text)
{
	AUTO_FREE char *copy = xstrdup(text);
	AUTO_FREE char *name = xasprintf("%s %zu", origin(l), l->conf->n_mounts + 1);
	AUTO_FREE char *key = NULL;
	char *colon = strrchr(copy, ':');
	struct conf_mount *m;
	bool writable = false;
	int r;

	if (colon && (str_eq(colon, ":ro") || str_eq(colon, ":rw"))) {
		writable = colon[2] == 'w';
		*colon = '\0';
	}
	colon = strchr(copy, ':');
	if (colon)
		*colon++ = '\0';
	if (!*copy || (colon && (!*colon || strchr(colon, ':')))) {
		QUOTED(quoted, text);
		return wrong(l, NULL, xasprintf("%s is not SRC[:DST][:ro|:rw]", quoted));
	}
	m = add_mount(l, name);
	m->writable = writable;
	m->origin = xstrdup(origin(l));
	/* The shell has expanded what it wanted to. */
	m->src = fs_path_clean(l->args->cwd ? l->args->cwd : l->args->project, copy);
	if (colon) {
		r = mount_path(l, colon, "/", false, &m->dst);
		if (r < 0)
			return r;
	} else {
		m->dst = xstrdup(m->src);
	}
	key = xasprintf("mounts.%s", m->name);
	origins_set(l->origins, key, origin(l), false);
	return 0;
}

static int cli_unknown(struct layer *l, const char *key)
{
	AUTO_STRVEC struct strvec names = {0};
	QUOTED(quoted, key);
	const char *near;

	for (size_t i = 0; i < settings_n; i++)
		strvec_push(&names, settings[i].key);
	near = str_nearest(key, (const char *const *)strvec_argv(&names), names.n);
	err_set(l->err, 0, "option --set: unknown key %s", quoted);
	if (near)
		err_hint(l->err, "did you mean '%s'?", near);
	return -EINVAL;
}

static int cli_word(struct layer *l, const char *word)
{
	const char *equals = strchr(word, '=');
	AUTO_FREE char *key = equals ? xstrndup(word, (size_t)(equals - word)) : xstrdup(word);
	const char *text = equals ? equals + 1 : "";
	const char *variable = str_after(key, "env.");
	const struct setting *s = setting_find(key);
	int r;

	free(l->where);
	l->where = xasprintf("option %s", s && s->option ? s->option : "--set");
	if (str_eq(key, "mounts") || str_eq(key, "env")) {
		free(l->where);
		l->where = xasprintf("option %s", str_eq(key, "env") ? "--env" : "--mount");
		r = str_eq(key, "env") ? 0 : check_lock(l, "mounts");
		if (r < 0)
			return r;
		return str_eq(key, "env") ? cli_env(l, text) : cli_mount(l, text);
	}
	if (variable && equals)
		return cli_env(l, str_after(word, "env."));
	if (!s || s->type == SETTING_MOUNT || s->type == SETTING_AGENT || s->type == SETTING_ENV)
		return cli_unknown(l, key);
	r = check_lock(l, s->key);
	if (r < 0)
		return r;
	return set_text(l, s, text, s->type == SETTING_STRINGS || s->type == SETTING_PORTS);
}

int layer_cli(struct layer *l, const char *const *words)
{
	for (; words && *words; words++) {
		int r = cli_word(l, *words);

		if (r < 0)
			return r;
	}
	return 0;
}

void layer_done(struct layer *l)
{
	free(l->where);
	l->where = NULL;
	strvec_done(&l->clauses);
}

int conf_settle(struct layer *l)
{
	struct conf *c = l->conf;
	size_t n = 0;

	for (size_t i = 0; i < c->n_mounts; i++) {
		struct conf_mount m = c->mounts[i];

		if (m.enabled) {
			c->mounts[n++] = m;
			continue;
		}
		free(m.name);
		free(m.src);
		free(m.dst);
		free(m.origin);
	}
	c->n_mounts = n;
	for (size_t i = 0; i < c->n_mounts; i++) {
		for (size_t j = 0; j < i; j++) {
			if (!str_eq(c->mounts[i].dst, c->mounts[j].dst))
				continue;
			QUOTED(dst, c->mounts[i].dst);
			err_set(l->err, 0, "%s: something else is already mounted at %s",
				c->mounts[i].origin, dst);
			return err_hint(l->err, "by %s", c->mounts[j].origin);
		}
	}
	n = 0;
	for (size_t i = 0; i < c->n_agent_args; i++) {
		if (c->agent_args[i].enabled) {
			c->agent_args[n++] = c->agent_args[i];
			continue;
		}
		free(c->agent_args[i].agent);
		strvec_done(&c->agent_args[i].args);
	}
	c->n_agent_args = n;
	return 0;
}
