/*
 * Settings: a project's file, then (after the first byte 0x01) lines that are the
 * command line's "key=value". What is shown of the result must be read back as the
 * same, and a refusal is one harmless line.
 */
#include "conf/layer.h"
#include "conf/opt.h"
#include "fuzz.h"

static char *vars[] = {(char *)"SET=value", (char *)"EMPTY=", NULL};
static const struct conf_load_args args = {
	.project = "/nonexistent/project", .home = "/nonexistent", .environ = vars};

static void check_err(const struct err *err)
{
	if (!err || str_risks(err->text, strlen(err->text), false))
		abort();
}

static struct layer layer_of(struct strvec *locked, struct err **err)
{
	return (struct layer){.kind = LAYER_BUILTIN,
		.file = "file",
		.args = &args,
		.conf = xcalloc(1, sizeof(struct conf)),
		.locked = locked,
		.err = err};
}

/* Every setting's text, read back as a file of its own, gives the same text. */
static void check_shown(const struct conf *conf)
{
	for (size_t i = 0; i < settings_n; i++) {
		const struct setting *s = &settings[i];
		AUTO_FREE char *shown = setting_show(s, conf), *again = NULL, *text = NULL;
		AUTO_TOML struct toml_node *root = NULL;
		AUTO_STRVEC struct strvec locked = {0};
		struct layer l;

		if (!shown)
			continue;
		text = xasprintf("%s = %s\n", s->key, shown);
		/* A string with bytes that are no UTF-8 cannot be said in TOML. */
		if (strstr(shown, "\\\\x"))
			continue;
		if (toml_parse(text, strlen(text), "shown", &root, NULL) < 0)
			abort();
		l = layer_of(&locked, NULL);
		if (layer_toml(&l, root) < 0)
			abort();
		again = setting_show(s, l.conf);
		if (!again || !str_eq(shown, again))
			abort();
		conf_free(l.conf);
		layer_done(&l);
	}
}

static int read_cli(struct layer *l, const char *text)
{
	AUTO_STRVEC struct strvec words = {0};
	AUTO_FREE char *copy = xstrdup(text);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")))
		strvec_push(&words, line);
	l->kind = LAYER_CLI;
	return layer_cli(l, (const char *const *)strvec_argv(&words));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *split = memchr(data, 1, size);
	size_t n = split ? (size_t)(split - data) : size;
	AUTO_FREE char *cli = split ? xstrndup((const char *)split + 1, size - n - 1) : NULL;
	AUTO_TOML struct toml_node *root = NULL;
	AUTO_STRVEC struct strvec locked = {0};
	AUTO_ERR struct err *err = NULL;
	struct layer base, l;
	int r;

	if (size > 65536 || toml_parse((const char *)data, n, "file", &root, NULL) < 0)
		return 0;
	base = layer_of(&locked, NULL);
	l = layer_of(&locked, &err);
	if (layer_builtin(&base) < 0 || layer_builtin(&l) < 0)
		abort();
	l.kind = LAYER_PROJECT;
	r = layer_toml(&l, root);
	if (r == 0 && cli)
		r = read_cli(&l, cli);
	if (r == 0)
		r = conf_settle(&l);
	if (r < 0) {
		check_err(err);
	} else {
		layer_widens(&l, base.conf, l.conf);
		for (size_t i = 0; i < l.clauses.n; i++)
			if (str_risks(l.clauses.v[i], strlen(l.clauses.v[i]), false))
				abort();
		check_shown(l.conf);
	}
	conf_free(base.conf);
	conf_free(l.conf);
	layer_done(&base);
	layer_done(&l);
	return 0;
}
