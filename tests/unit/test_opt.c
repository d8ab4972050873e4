#include "tap.h"

#include "conf/opt.h"

static bool flag, other;
static const char *word;
static uint64_t number;
static struct strvec list, settings;

static const struct opt first[] = {
	OPT_GROUP("First"),
	OPT_FLAG('f', "flag", &flag, "A flag"),
	{.type = OPT_BOOL,
		.short_name = 'o',
		.name = "other",
		.dest = &other,
		.help = "A flag with an opposite",
		.negatable = true},
	OPT_STRING('w', "word", &word, "WORD",
		"A word whose help is so long that it must be "
		"broken into more than one line of eighty columns",
		NULL),
	OPT_DONE,
};
static const struct opt second[] = {
	OPT_GROUP("Second"),
	OPT_NUMBER('n', "number", &number, "N", "A number"),
	OPT_LIST('l', "list", &list, "ITEM", "Items", NULL),
	OPT_SETTING(0, "memory", &settings, "limits.memory", "SIZE", "A limit", NULL),
	{.type = OPT_CONF,
		.name = "seed",
		.dest = &settings,
		.key = "seed",
		.help = "A setting that is a flag",
		.negatable = true},
	OPT_DONE,
};
static const struct opt *const tables[] = {first, second};

#define PARSE(stop, res, err, ...) parse(stop, res, err, (const char *const[]){__VA_ARGS__, NULL})

static int parse(bool stop, struct opt_result *res, struct err **err, const char *const *argv)
{
	AUTO_STRVEC struct strvec copy = {0};

	strvec_extend(&copy, argv);
	/* opt_parse borrows values from argv: as with main's, they must outlive it. */
	return opt_parse(tables, 2, (int)copy.n, (char *const *)argv, stop, res, err);
}

static void refused(const char *text, const char *hint, struct err *err)
{
	CHECK(err);
	CHECK_STR(err->text, text);
	if (hint)
		CHECK_STR(err->hint, hint);
	else
		CHECK(!err->hint);
	err_free(err);
}

TEST(opt_forms)
{
	struct opt_result r = {0};

	CHECK_INT(PARSE(false, &r, NULL, "-fo", "--word=a=b", "x", "-n", "12", "-l1", "-l=2", "-",
			  "--list", "-3", "--memory", "2G", "--no-seed", "--", "-f", "--"),
		16);
	CHECK(flag && other);
	CHECK_STR(word, "a=b");
	CHECK_INT(number, 12);
	CHECK_INT(list.n, 3);
	CHECK_STR(list.v[0], "1");
	CHECK_STR(list.v[1], "2");
	CHECK_STR(list.v[2], "-3");
	CHECK_INT(settings.n, 2);
	CHECK_STR(settings.v[0], "limits.memory=2G");
	CHECK_STR(settings.v[1], "seed=false");
	CHECK_INT(r.operands.n, 2);
	CHECK_STR(r.operands.v[1], "-");
	CHECK(r.has_rest);
	CHECK_INT(r.rest.n, 2);
	CHECK_STR(r.rest.v[1], "--");
	opt_result_done(&r);
	strvec_done(&list);
	strvec_done(&settings);
}

TEST(opt_negated)
{
	struct opt_result r = {0};

	other = true;
	CHECK_INT(PARSE(false, &r, NULL, "--no-other"), 1);
	CHECK(!other);
	CHECK(!r.has_rest);
	opt_result_done(&r);
}

TEST(opt_stops_at_operand)
{
	struct opt_result r = {0};

	CHECK_INT(PARSE(true, &r, NULL, "-w", "a", "run", "--nonsense"), 2);
	CHECK_INT(r.operands.n, 0);
	opt_result_done(&r);
}

TEST(opt_refusals)
{
	struct opt_result r = {0};
	struct err *err = NULL;

	CHECK(PARSE(false, &r, &err, "--wrod=x") < 0);
	refused("unknown option '--wrod'", "did you mean '--word'?", err);
	err = NULL;
	CHECK(PARSE(false, &r, &err, "--no-flag") < 0);
	refused("unknown option '--no-flag'", "did you mean '--flag'?", err);
	err = NULL;
	CHECK(PARSE(false, &r, &err, "-fz") < 0);
	refused("unknown option '-z'", NULL, err);
	err = NULL;
	CHECK(PARSE(false, &r, &err, "--flag=1") < 0);
	refused("option --flag takes no value", NULL, err);
	err = NULL;
	CHECK(PARSE(false, &r, &err, "--word") < 0);
	refused("option --word needs a value: WORD", NULL, err);
	err = NULL;
	CHECK(PARSE(false, &r, &err, "-w", "--") < 0);
	refused("option -w needs a value: WORD", NULL, err);
	err = NULL;
	CHECK(PARSE(false, &r, &err, "-n", "-1") < 0);
	refused("option --number: '-1' is not a whole number", NULL, err);
	err = NULL;
	CHECK(PARSE(false, &r, &err, "-n99999999999999999999") < 0);
	refused("option --number: '99999999999999999999' is too large", NULL, err);
	err = NULL;
	CHECK(PARSE(false, &r, &err, "--\x1b[31m\xff") < 0);
	refused("unknown option '--\\e[31m\\xff'", NULL, err);
	opt_result_done(&r);
}

TEST(opt_quotes)
{
	char big[100];
	AUTO_FREE char *cut = NULL, *plain = opt_quote("a b"), *empty = opt_quote("");

	memset(big, 'x', sizeof(big));
	memcpy(big + 59, "\xe2\x82\xac", 3);
	big[99] = '\0';
	cut = opt_quote(big);
	CHECK_STR(plain, "'a b'");
	CHECK_STR(empty, "''");
	CHECK_INT(strlen(cut), 1 + 59 + 3 + 1);
}

TEST(opt_help_fits)
{
	AUTO_FREE char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	char *rest, *line;

	opt_help(tables, 2, f);
	CHECK_INT(fclose(f), 0);
	CHECK(strstr(text, "  -f, --flag                  A flag\n"));
	CHECK(strstr(text, "      --[no-]seed             A setting that is a flag\n"));
	rest = text;
	while ((line = strsep(&rest, "\n")))
		CHECK(strlen(line) <= 80);
}
