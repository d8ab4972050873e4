#include "complete.h"

/* What the words before the cursor's mean. */
struct reading {
	const struct command *cmd;
	const struct opt *tables[CLI_TABLES];
	size_t n_tables;
	unsigned operands;
	const struct opt *waiting; /* an option whose value comes next */
	bool rest;		   /* after "--" */
	bool lost;		   /* a command that does not exist */
};

static void offer(
	FILE *out, const char *start, const char *prefix, const char *word, const char *description)
{
	AUTO_FREE char *whole = xasprintf("%s%s", prefix, word);

	if (!str_after(whole, start))
		return;
	/* Descriptions are ours; the first sentence is enough. */
	fprintf(out, "%s%s%s\n", whole, description && *description ? "\t" : "",
		description ? description : "");
}

static void offer_words(
	FILE *out, const char *start, const char *prefix, const struct strvec *words)
{
	for (size_t i = 0; i < words->n; i++)
		offer(out, start, prefix, words->v[i], NULL);
}

static void offer_commands(FILE *out, const char *start)
{
	AUTO_STRVEC struct strvec agents = {0};

	for (size_t i = 0; cli_commands[i]; i++)
		if (!cli_commands[i]->hidden)
			offer(out, start, "", cli_commands[i]->name, cli_commands[i]->summary);
	cli_agent_words(&agents);
	for (size_t i = 0; i < agents.n; i++)
		if (!cli_find_command(agents.v[i]))
			offer(out, start, "", agents.v[i], "Run this agent in a sandbox");
}

/* kind: of struct opt and struct command. prefix is what stands before the value. */
static void offer_values(FILE *out, const char *start, const char *prefix, const char *kind)
{
	AUTO_STRVEC struct strvec words = {0};
	AUTO_FREE char *copy = NULL;
	char *rest, *word;

	if (!kind)
		return;
	if (str_eq(kind, "file") || str_eq(kind, "dir")) {
		fprintf(out, ":%s\n", kind);
		return;
	}
	if (str_eq(kind, "command")) {
		offer_commands(out, start);
		return;
	}
	if (str_eq(kind, "sandbox")) {
		cli_sandbox_words(&words);
	} else if (str_eq(kind, "agent")) {
		cli_agent_words(&words);
	} else if (str_eq(kind, "class")) {
		cli_class_words(&words);
	} else {
		rest = copy = xstrdup(kind);
		while ((word = strsep(&rest, "|")))
			strvec_push(&words, word);
	}
	offer_words(out, start, prefix, &words);
}

static void offer_options(FILE *out, const char *start, const struct reading *r)
{
	for (size_t t = 0; t < r->n_tables; t++) {
		for (const struct opt *o = r->tables[t]; o->type != OPT_END_; o++) {
			if (!o->name || !o->help)
				continue;
			offer(out, start, "--", o->name, o->help);
			if (o->negatable)
				offer(out, start, "--no-", o->name, o->help);
		}
	}
}

/*
 * The kind of a command's operand: its kinds stand in order, with a space between. The
 * last one is that of all further operands, unless it is a choice.
 */
static char *operand_kind(const struct command *cmd, unsigned at)
{
	const char *kind = cmd->complete;

	if (!kind || at >= cmd->max_operands)
		return NULL;
	for (; at && strchr(kind, ' '); at--)
		kind = strchr(kind, ' ') + 1;
	return at && strchr(kind, '|') ? NULL : xstrndup(kind, strcspn(kind, " "));
}

static bool takes_value(const struct opt *o)
{
	return o->type != OPT_BOOL && o->arg;
}

static const struct opt *find_letter(const struct reading *r, char letter)
{
	for (size_t t = 0; t < r->n_tables; t++)
		for (const struct opt *o = r->tables[t]; o->type != OPT_END_; o++)
			if (o->short_name && o->short_name == letter)
				return o;
	return NULL;
}

static const struct opt *find_option(const struct reading *r, const char *word)
{
	AUTO_FREE char *name = NULL;
	bool negated;

	if (word[1] != '-')
		return word[2] == '\0' ? find_letter(r, word[1]) : NULL;
	name = xstrndup(word + 2, strcspn(word + 2, "="));
	return opt_find(r->tables, r->n_tables, name, &negated);
}

static void read_word(struct reading *r, const char *word)
{
	if (r->waiting) {
		r->waiting = NULL;
	} else if (r->rest) {
		return;
	} else if (str_eq(word, "--")) {
		r->rest = true;
	} else if (word[0] == '-' && word[1]) {
		const struct opt *o = find_option(r, word);

		if (o && takes_value(o) && !(word[1] == '-' && strchr(word, '=')))
			r->waiting = o;
	} else if (!r->cmd) {
		r->cmd = cli_find_command(word);
		if (!r->cmd)
			r->cmd = cli_agent_command(word);
		r->lost = !r->cmd;
		r->n_tables = cli_tables(r->cmd, r->tables);
	} else {
		r->operands++;
	}
}

/*
 * bash takes "--color=al" apart into "--color", "=" and "al". Puts it together again;
 * true when the last word was one of these, so that only the value is wanted.
 */
static bool join(struct strvec *words, int argc, char **argv)
{
	bool joined = false;

	for (int i = 0; i < argc; i++) {
		bool equals =
			str_eq(argv[i], "=") && words->n && str_after(words->v[words->n - 1], "--");

		if (equals) {
			char *last = words->v[words->n - 1];

			words->v[words->n - 1] =
				xasprintf("%s=%s", last, i + 1 < argc ? argv[i + 1] : "");
			free(last);
			i++;
		} else {
			strvec_push(words, argv[i]);
		}
		joined = equals;
	}
	return joined;
}

int cli_complete(int argc, char **argv, FILE *out)
{
	AUTO_STRVEC struct strvec words = {0};
	struct reading r = {0};
	bool joined = join(&words, argc, argv);
	const char *now, *equals;

	if (!words.n)
		strvec_push(&words, "");
	r.n_tables = cli_tables(NULL, r.tables);
	for (size_t i = 0; i + 1 < words.n; i++)
		read_word(&r, words.v[i]);
	now = words.v[words.n - 1];
	equals = str_after(now, "--") ? strchr(now, '=') : NULL;
	if (r.lost)
		return 0;
	if (r.waiting) {
		offer_values(out, now, "", r.waiting->complete);
	} else if (r.rest) {
		fputs(":file\n", out);
	} else if (equals) {
		AUTO_FREE char *prefix = xstrndup(now, (size_t)(equals - now) + 1);
		const struct opt *o = find_option(&r, now);

		if (o && takes_value(o))
			offer_values(
				out, joined ? equals + 1 : now, joined ? "" : prefix, o->complete);
	} else if (*now == '-') {
		offer_options(out, now, &r);
	} else if (!r.cmd) {
		offer_commands(out, now);
	} else {
		AUTO_FREE char *kind = operand_kind(r.cmd, r.operands);

		offer_values(out, now, "", kind);
	}
	return 0;
}
