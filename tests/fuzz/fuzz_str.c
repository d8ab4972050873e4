/* Text from outside: escaping, risks, numbers. What str_escape returns must be harmless. */
#include "base/mem.h"
#include "fuzz.h"

static void check_number(int r)
{
	if (r != 0 && r != -EINVAL && r != -ERANGE)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = NULL, *shown = NULL;
	uint64_t n;

	if (size > 65536)
		return 0;
	text = xmalloc(size + 1);
	memcpy(text, data, size);
	text[size] = '\0';
	shown = str_escape(text, size);
	if (str_risks(shown, strlen(shown), false) || !str_is_utf8(shown, strlen(shown)))
		abort();
	if (!str_risks(text, size, false) && !memchr(text, '\\', size) && !str_eq(text, shown))
		abort();
	(void)str_risks(text, size, true);
	check_number(parse_u64(text, 0, UINT64_MAX, &n));
	check_number(parse_size(text, &n));
	check_number(parse_duration(text, &n));
	check_number(parse_milli(text, &n));
	return 0;
}
