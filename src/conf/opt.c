#include "opt.h"

/* Where the help text of an option starts, and where its lines end. */
#define HELP_COLUMN 30
#define HELP_WIDTH 79
/* How much of a word an error shows. */
#define QUOTE_MAX 60

struct parser {
	const struct opt *const *tables;
	size_t n_tables;
	int argc;
	char *const *argv;
	int at; /* the next argument */
	struct err **err;
};

char *opt_quote(const char *word)
{
	size_t n = strlen(word), shown = 0;
	AUTO_FREE char *escaped = NULL;

	while (shown < n) {
		uint32_t c;
		size_t len = utf8_decode(word + shown, n - shown, &c);

		/* Not within a character. */
		if (shown + (len ? len : 1) > QUOTE_MAX)
			break;
		shown += len ? len : 1;
	}
	escaped = str_escape(word, shown);
	return xasprintf("'%s%s'", escaped, shown < n ? "..." : "");
}

const struct opt *opt_find(
	const struct opt *const *tables, size_t n_tables, const char *name, bool *ret_negated)
{
	const char *positive = str_after(name, "no-");

	for (size_t t = 0; t < n_tables; t++) {
		for (const struct opt *o = tables[t]; o->type != OPT_END_; o++) {
			if (!o->name)
				continue;
			*ret_negated = false;
			if (str_eq(o->name, name))
				return o;
			*ret_negated = true;
			if (positive && o->negatable && str_eq(o->name, positive))
				return o;
		}
	}
	return NULL;
}

static const struct opt *find_short(const struct parser *p, char c)
{
	for (size_t t = 0; t < p->n_tables; t++)
		for (const struct opt *o = p->tables[t]; o->type != OPT_END_; o++)
			if (o->short_name && o->short_name == c)
				return o;
	return NULL;
}

static int unknown(const struct parser *p, const char *arg, const char *name)
{
	AUTO_STRVEC struct strvec names = {0};
	AUTO_FREE char *quoted = opt_quote(arg);
	const char *near = NULL;

	err_set(p->err, 0, "unknown option %s", quoted);
	if (name) {
		for (size_t t = 0; t < p->n_tables; t++) {
			for (const struct opt *o = p->tables[t]; o->type != OPT_END_; o++) {
				if (o->name)
					strvec_push(&names, o->name);
				if (o->name && o->negatable)
					strvec_pushf(&names, "no-%s", o->name);
			}
		}
		near = str_nearest(name, (const char *const *)strvec_argv(&names), names.n);
	}
	if (near)
		err_hint(p->err, "did you mean '--%s'?", near);
	return -EINVAL;
}

static int store(const struct parser *p, const struct opt *o, bool negated, const char *value)
{
	AUTO_FREE char *quoted = NULL;
	int r;

	/* Flags have none and do not look at it. */
	if (!value)
		value = "";
	switch (o->type) {
	case OPT_BOOL:
		*(bool *)o->dest = !negated;
		return 0;
	case OPT_STR:
		*(const char **)o->dest = value;
		return 0;
	case OPT_STRS:
		strvec_push(o->dest, value);
		return 0;
	case OPT_CONF:
		if (!o->arg)
			value = negated ? "false" : "true";
		strvec_pushf(o->dest, "%s=%s", o->key, value);
		return 0;
	case OPT_UINT:
		r = parse_u64(value, 0, UINT64_MAX, o->dest);
		if (r == 0)
			return 0;
		quoted = opt_quote(value);
		return err_set(p->err, 0,
			r == -ERANGE ? "option --%s: %s is too large"
				     : "option --%s: %s is not a whole number",
			o->name, quoted);
	case OPT_END_:
	case OPT_GROUP_:
		break;
	}
	return err_set(p->err, 0, "option --%s has no type", o->name);
}

static bool takes_value(const struct opt *o)
{
	return o->type != OPT_BOOL && !(o->type == OPT_CONF && !o->arg);
}

/* The value that follows as an argument of its own. "--" is never one by accident. */
static int next_value(struct parser *p, const char *shown, const struct opt *o, const char **ret)
{
	if (p->at >= p->argc || str_eq(p->argv[p->at], "--"))
		return err_set(p->err, 0, "option %s needs a value: %s", shown, o->arg);
	*ret = p->argv[p->at++];
	return 0;
}

static int parse_long(struct parser *p, const char *arg)
{
	const char *equals = strchr(arg, '=');
	AUTO_FREE char *name =
		equals ? xstrndup(arg + 2, (size_t)(equals - arg - 2)) : xstrdup(arg + 2);
	AUTO_FREE char *shown = xasprintf("--%s", name);
	const char *value = equals ? equals + 1 : NULL;
	bool negated = false;
	const struct opt *o = opt_find(p->tables, p->n_tables, name, &negated);
	int r;

	if (!o)
		return unknown(p, shown, name);
	if (!takes_value(o) || negated) {
		if (value)
			return err_set(p->err, 0, "option %s takes no value", shown);
	} else if (!value) {
		r = next_value(p, shown, o, &value);
		if (r < 0)
			return r;
	}
	return store(p, o, negated, value);
}

static int parse_short(struct parser *p, const char *arg)
{
	for (const char *c = arg + 1; *c; c++) {
		const struct opt *o = find_short(p, *c);
		const char *value = NULL;
		char shown[] = {'-', *c, '\0'};
		int r;

		if (!o)
			return unknown(p, c == arg + 1 ? arg : shown, NULL);
		if (takes_value(o)) {
			if (c[1]) {
				value = c + 1 + (c[1] == '=');
			} else {
				r = next_value(p, shown, o, &value);
				if (r < 0)
					return r;
			}
		}
		r = store(p, o, false, value);
		if (r < 0 || value)
			return r;
	}
	return 0;
}

int opt_parse(const struct opt *const *tables, size_t n_tables, int argc, char *const *argv,
	bool stop_at_operand, struct opt_result *ret, struct err **err)
{
	struct parser p = {
		.tables = tables, .n_tables = n_tables, .argc = argc, .argv = argv, .err = err};

	while (p.at < argc) {
		const char *arg = argv[p.at];
		int r = 0;

		if (arg[0] != '-' || arg[1] == '\0') {
			if (stop_at_operand)
				return p.at;
			strvec_push(&ret->operands, arg);
			p.at++;
			continue;
		}
		p.at++;
		if (str_eq(arg, "--")) {
			ret->has_rest = true;
			strvec_extend(&ret->rest, (const char *const *)argv + p.at);
			return argc;
		}
		r = arg[1] == '-' ? parse_long(&p, arg) : parse_short(&p, arg);
		if (r < 0)
			return r;
	}
	return p.at;
}

void opt_result_done(struct opt_result *r)
{
	strvec_done(&r->operands);
	strvec_done(&r->rest);
}

void opt_wrap(FILE *out, const char *text, size_t indent, size_t column, size_t width)
{
	while (*text) {
		size_t word = strcspn(text, " \n");

		if (column > indent && column + 1 + word > width) {
			fputc('\n', out);
			column = 0;
		}
		if (column < indent) {
			fprintf(out, "%*s", (int)(indent - column), "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, word, out);
		column += word;
		text += word;
		while (*text == ' ')
			text++;
		/* An empty line in the text stays one; any other end of a line is a space. */
		if (*text == '\n') {
			text++;
			if (*text != '\n')
				continue;
			while (*text == '\n')
				text++;
			if (!*text)
				break;
			fputs("\n\n", out);
			column = 0;
		}
	}
	fputc('\n', out);
}

static void help_one(const struct opt *o, FILE *out)
{
	char letter[] = {'-', o->short_name, ',', ' ', '\0'};
	AUTO_FREE char *left = xasprintf("  %s--%s%s%s%s", o->short_name ? letter : "    ",
		o->negatable ? "[no-]" : "", o->name, o->arg ? "=" : "", o->arg ? o->arg : "");
	size_t column = strlen(left);

	fputs(left, out);
	if (column + 2 > HELP_COLUMN) {
		fputc('\n', out);
		column = 0;
	}
	opt_wrap(out, o->help, HELP_COLUMN, column, HELP_WIDTH);
}

void opt_help(const struct opt *const *tables, size_t n_tables, FILE *out)
{
	for (size_t t = 0; t < n_tables; t++) {
		for (const struct opt *o = tables[t]; o->type != OPT_END_; o++) {
			if (o->type == OPT_GROUP_)
				fprintf(out, "\n%s:\n", o->help);
			else if (o->help)
				help_one(o, out);
		}
	}
}
