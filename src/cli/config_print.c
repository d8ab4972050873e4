#include "config_print.h"

#include "conf/settings.h"

#include <jansson.h>

#define ORIGIN_COLUMN 44

static void line(FILE *out, const char *key, const char *value, const char *origin)
{
	int n = fprintf(out, "%s = %s", key, value);

	if (origin)
		fprintf(out, "%*s# %s", n < ORIGIN_COLUMN ? ORIGIN_COLUMN - n : 1, "", origin);
	fputc('\n', out);
}

static void named_line(FILE *out, const char *key, const char *value,
	const struct conf_origins *origins, const char *origin_key)
{
	const char *origin = origins ? conf_origin(origins, origin_key) : NULL;

	line(out, key, value, origins ? (origin ? origin : "built-in") : NULL);
}

/* A mount of the command line has a name with a space in it: a quoted key. */
static void print_mount(FILE *out, const struct conf_mount *m, const struct conf_origins *origins)
{
	AUTO_FREE char *name = setting_quote(m->name);
	AUTO_FREE char *src = setting_quote(m->src);
	AUTO_FREE char *dst = setting_quote(m->dst);
	AUTO_FREE char *key = xasprintf("mounts.%s", strchr(m->name, ' ') ? name : m->name);
	AUTO_FREE char *origin_key = xasprintf("mounts.%s", m->name);
	AUTO_FREE char *value = xasprintf(
		"{source = %s, target = %s, mode = \"%s\", missing = \"%s\"}", src, dst,
		m->writable ? "rw" : "ro", m->missing == CONF_MISSING_SKIP ? "skip" : "error");

	named_line(out, key, value, origins, origin_key);
}

static void print_env(FILE *out, const char *entry, const struct conf_origins *origins)
{
	size_t n = strcspn(entry, "=");
	AUTO_FREE char *key = xasprintf("env.%.*s", (int)n, entry);
	AUTO_FREE char *value = setting_quote(entry + n + 1);

	named_line(out, key, value, origins, key);
}

static void print_agent(
	FILE *out, const struct conf *conf, size_t at, const struct conf_origins *origins)
{
	AUTO_FREE char *key = xasprintf("agents.%s.args", conf->agent_args[at].agent);
	const struct strvec *args = &conf->agent_args[at].args;
	AUTO_FREE char *value = xstrdup("[");

	for (size_t i = 0; i < args->n; i++) {
		AUTO_FREE char *quoted = setting_quote(args->v[i]);
		char *longer = xasprintf("%s%s%s", value, i ? ", " : "", quoted);

		free(value);
		value = longer;
	}
	{
		char *closed = xasprintf("%s]", value);

		free(value);
		value = closed;
	}
	named_line(out, key, value, origins, key);
}

void config_print(const struct conf *conf, const struct conf_origins *origins, FILE *out)
{
	for (size_t i = 0; i < settings_n; i++) {
		AUTO_FREE char *value = setting_show(&settings[i], conf);

		if (value)
			named_line(out, settings[i].key, value, origins, settings[i].key);
	}
	for (size_t i = 0; i < conf->n_mounts; i++)
		print_mount(out, &conf->mounts[i], origins);
	for (size_t i = 0; i < conf->env.n; i++)
		print_env(out, conf->env.v[i], origins);
	for (size_t i = 0; i < conf->n_agent_args; i++)
		print_agent(out, conf, i, origins);
}

static json_t *text(const char *s)
{
	AUTO_FREE char *escaped = str_is_utf8(s, strlen(s)) ? NULL : str_escape0(s);

	return json_string(escaped ? escaped : s);
}

static json_t *strings(const struct strvec *v)
{
	json_t *a = json_array();

	for (size_t i = 0; i < v->n; i++)
		json_array_append_new(a, text(v->v[i]));
	return a;
}

/* TOML values as setting_show gives them are JSON, but for what JSON escapes more. */
static json_t *value_of(const struct setting *s, const struct conf *conf)
{
	const char *field = (const char *)conf + s->offset;
	AUTO_FREE char *shown = NULL;

	if (s->type == SETTING_STRINGS)
		return strings((const struct strvec *)(const void *)field);
	if (s->type == SETTING_STRING) {
		const char *str = *(const char *const *)(const void *)field;

		return str ? text(str) : json_null();
	}
	shown = setting_show(s, conf);
	return shown ? json_loads(shown, JSON_DECODE_ANY, NULL) : NULL;
}

static void put(json_t *all, const char *key, json_t *value, const struct conf_origins *origins,
	const char *origin_key)
{
	const char *origin = conf_origin(origins, origin_key);
	json_t *o = json_object();

	json_object_set_new(o, "value", value ? value : json_null());
	json_object_set_new(o, "origin", text(origin ? origin : "built-in"));
	json_object_set_new(all, key, o);
}

static void dump(json_t *o, FILE *out)
{
	json_dumpf(o, out, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	fputc('\n', out);
	json_decref(o);
}

static json_t *mount_value(const struct conf_mount *m)
{
	json_t *o = json_object();

	json_object_set_new(o, "source", text(m->src));
	json_object_set_new(o, "target", text(m->dst));
	json_object_set_new(o, "mode", json_string(m->writable ? "rw" : "ro"));
	json_object_set_new(
		o, "missing", json_string(m->missing == CONF_MISSING_SKIP ? "skip" : "error"));
	return o;
}

void config_print_json(const struct conf *conf, const struct conf_origins *origins, FILE *out)
{
	json_t *all = json_object();

	for (size_t i = 0; i < settings_n; i++) {
		const struct setting *s = &settings[i];

		if (s->type != SETTING_MOUNT && s->type != SETTING_AGENT && s->type != SETTING_ENV)
			put(all, s->key, value_of(s, conf), origins, s->key);
	}
	for (size_t i = 0; i < conf->n_mounts; i++) {
		AUTO_FREE char *key = xasprintf("mounts.%s", conf->mounts[i].name);

		put(all, key, mount_value(&conf->mounts[i]), origins, key);
	}
	for (size_t i = 0; i < conf->env.n; i++) {
		size_t n = strcspn(conf->env.v[i], "=");
		AUTO_FREE char *key = xasprintf("env.%.*s", (int)n, conf->env.v[i]);

		put(all, key, text(conf->env.v[i] + n + 1), origins, key);
	}
	for (size_t i = 0; i < conf->n_agent_args; i++) {
		AUTO_FREE char *key = xasprintf("agents.%s.args", conf->agent_args[i].agent);

		put(all, key, strings(&conf->agent_args[i].args), origins, key);
	}
	dump(all, out);
}

/* ---- schema ---- */

static json_t *object_schema(void)
{
	json_t *o = json_object();

	json_object_set_new(o, "type", json_string("object"));
	json_object_set_new(o, "additionalProperties", json_false());
	json_object_set_new(o, "properties", json_object());
	return o;
}

static json_t *typed(const char *type)
{
	json_t *o = json_object();

	json_object_set_new(o, "type", json_string(type));
	return o;
}

static json_t *types(const char *a, const char *b)
{
	json_t *o = json_object();

	json_object_set_new(o, "type", json_pack("[ss]", a, b));
	return o;
}

static json_t *array_of(json_t *items)
{
	json_t *o = typed("array");

	json_object_set_new(o, "items", items);
	return o;
}

static json_t *setting_schema(const struct setting *s)
{
	json_t *o = NULL, *names;

	switch (s->type) {
	case SETTING_BOOL:
		o = typed("boolean");
		break;
	case SETTING_SIZE:
	case SETTING_DURATION:
		o = types("integer", "string");
		break;
	case SETTING_MILLI:
		o = types("number", "string");
		break;
	case SETTING_COUNT:
		o = typed("integer");
		break;
	case SETTING_STRINGS:
	case SETTING_AGENT:
		o = array_of(typed("string"));
		break;
	case SETTING_PORTS:
		o = array_of(types("integer", "string"));
		break;
	case SETTING_ENUM:
	case SETTING_STRING:
	case SETTING_MOUNT:
	case SETTING_ENV:
		o = typed("string");
		break;
	}
	if (s->names) {
		names = json_array();
		for (size_t i = 0; s->names[i]; i++)
			json_array_append_new(names, json_string(s->names[i]));
		json_object_set_new(o, "enum", names);
	}
	if (s->dflt)
		json_object_set_new(o, "default",
			s->type == SETTING_BOOL	   ? json_boolean(str_eq(s->dflt, "true"))
			: s->type == SETTING_COUNT ? json_loads(s->dflt, JSON_DECODE_ANY, NULL)
						   : json_string(s->dflt));
	json_object_set_new(o, "description", json_string(s->help));
	return o;
}

/* The object that holds the last part of key; NAME becomes additionalProperties. */
static json_t *descend(json_t *schema, const char *part)
{
	json_t *child, *properties = json_object_get(schema, "properties");

	if (str_eq(part, "NAME")) {
		child = json_object_get(schema, "additionalProperties");
		if (json_is_object(child))
			return child;
		child = object_schema();
		json_object_set_new(schema, "additionalProperties", child);
	} else {
		child = json_object_get(properties, part);
		if (child)
			return child;
		child = object_schema();
		json_object_set_new(properties, part, child);
	}
	/* Every block has it. */
	json_object_set_new(json_object_get(child, "properties"), "enabled", typed("boolean"));
	return child;
}

static void place(json_t *root, const struct setting *s)
{
	const char *last = strrchr(s->key, '.');
	AUTO_FREE char *blocks = last ? xstrndup(s->key, (size_t)(last - s->key)) : NULL;
	char *rest = blocks, *part;
	json_t *at = root;

	last = last ? last + 1 : s->key;
	while (rest && (part = strsep(&rest, ".")))
		at = descend(at, part);
	if (str_eq(last, "NAME"))
		json_object_set_new(at, "additionalProperties", setting_schema(s));
	else
		json_object_set_new(json_object_get(at, "properties"), last, setting_schema(s));
}

void config_print_schema(FILE *out)
{
	json_t *root = object_schema();

	json_object_set_new(
		root, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
	json_object_set_new(root, "title", json_string("bailey.toml"));
	for (size_t i = 0; i < settings_n; i++)
		place(root, &settings[i]);
	dump(root, out);
}

/* ---- manual ---- */

/* Text as scdoc has it: what would be bold or underlined is escaped. */
static void scd(FILE *out, const char *s)
{
	for (; *s; s++) {
		if (strchr("\\*_<>", *s))
			fputc('\\', out);
		fputc(*s, out);
	}
}

static void man_values(FILE *out, const struct setting *s)
{
	for (size_t i = 0; s->names && s->names[i]; i++)
		fprintf(out, "%s*%s*", i ? ", " : "One of ", s->names[i]);
	if (s->names) {
		fputs(". ", out);
	} else {
		const char *words = setting_type_words(s);

		fputc(words[0] - 'a' + 'A', out);
		scd(out, words + 1);
		fputs(". ", out);
	}
	if (s->dflt) {
		fputs("Default: *", out);
		scd(out, s->dflt);
		fputs("*. ", out);
	}
	if (s->zero_is)
		fprintf(out, "0 is %s. ", s->zero_is);
	if (s->option) {
		fputs("Option: *", out);
		scd(out, s->option);
		fputs("*. ", out);
	}
}

static const char *man_project(const struct setting *s)
{
	if (s->type == SETTING_MOUNT)
		return "A project's file needs approval for a source outside the project, and to "
		       "make one writable.";
	if (s->type == SETTING_ENV || s->type == SETTING_AGENT)
		return "A project's file needs approval to set it.";
	switch (s->widen) {
	case WIDEN_RANK:
		return "A project's file needs approval for a wider value than yours.";
	case WIDEN_TRUE:
		return "A project's file needs approval to switch it on.";
	case WIDEN_FALSE:
		return "A project's file needs approval to switch it off.";
	case WIDEN_MORE:
		return "A project's file needs approval for more than yours.";
	case WIDEN_CHANGE:
		return "A project's file needs approval to change it.";
	case WIDEN_ITEMS:
		return "A project's file needs approval for each item.";
	case WIDEN_NEVER:
		break;
	}
	return "A project's file may set it.";
}

void config_print_man(FILE *out)
{
	for (size_t i = 0; i < settings_n; i++) {
		const struct setting *s = &settings[i];

		fputc('*', out);
		scd(out, s->key);
		fputs("*\n\t", out);
		scd(out, s->help);
		fputs("\n\t", out);
		man_values(out, s);
		fprintf(out, "%s\n\n", man_project(s));
	}
}

void config_print_paths(const struct conf_file *files, size_t n, bool json, FILE *out)
{
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++) {
		bool there = access(files[i].path, F_OK) == 0;
		AUTO_FREE char *shown = str_escape0(files[i].path);
		json_t *o = json_object();

		json_object_set_new(o, "path", text(files[i].path));
		json_object_set_new(o, "layer", json_string(files[i].what));
		json_object_set_new(o, "exists", json_boolean(there));
		json_array_append_new(all, o);
		if (!json)
			fprintf(out, "%s  # %s%s\n", shown, files[i].what,
				there ? "" : ", not there");
	}
	if (json)
		dump(all, out);
	else
		json_decref(all);
}
