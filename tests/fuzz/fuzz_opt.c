/* A command line: NUL-separated words against a table with every type of option. */
#include "conf/opt.h"
#include "fuzz.h"

static bool flag, negatable;
static const char *word;
static uint64_t number;
static struct strvec list, settings;

static const struct opt table[] = {
	OPT_GROUP("Options"),
	OPT_FLAG('f', "flag", &flag, "A flag"),
	{.type = OPT_BOOL,
		.short_name = 'n',
		.name = "negatable",
		.dest = &negatable,
		.help = "A flag",
		.negatable = true},
	OPT_STRING('w', "word", &word, "WORD", "A word", "file"),
	OPT_NUMBER('N', "number", &number, "N", "A number"),
	OPT_LIST('l', "list", &list, "ITEM", "A list", NULL),
	OPT_SETTING('s', "setting", &settings, "a.key", "VALUE", "A setting", NULL),
	OPT_DONE,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct opt *const tables[] = {table};
	AUTO_STRVEC struct strvec words = {0};
	AUTO_ERR struct err *err = NULL;
	struct opt_result result = {0};
	int r;

	if (size > 65536)
		return 0;
	for (size_t at = 0; at < size;) {
		size_t n = strnlen((const char *)data + at, size - at);

		strvec_push_take(&words, xstrndup((const char *)data + at, n));
		at += n + 1;
	}
	r = opt_parse(tables, 1, (int)words.n, strvec_argv(&words), size % 2, &result, &err);
	if (r < 0) {
		if (!err || str_risks(err->text, strlen(err->text), false) ||
			strlen(err->text) > 1000)
			abort();
	} else if (err || (size_t)r > words.n ||
		   result.operands.n + result.rest.n + list.n + settings.n > words.n) {
		abort();
	}
	for (size_t i = 0; i < settings.n; i++)
		if (!str_after(settings.v[i], "a.key="))
			abort();
	opt_result_done(&result);
	strvec_done(&list);
	strvec_done(&settings);
	return 0;
}
