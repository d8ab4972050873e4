#include "tap.h"

#include "base/mem.h"

static void check_escape(const char *in, size_t n, const char *want)
{
	AUTO_FREE char *got = str_escape(in, n);

	CHECK_STR(got, want);
}

TEST(mem_escape)
{
	check_escape("plain \xc3\xa9", 8, "plain \xc3\xa9");
	check_escape("a\nb\x1b[31m\t", 9, "a\\nb\\e[31m\\t");
	check_escape("\0\x7f\x80\xff", 4, "\\x00\\x7f\\x80\\xff");
	check_escape("\xe2\x80\xae", 3, "\\u{202e}");
	check_escape("\xe2\x80\x8b", 3, "\\u{200b}");
	check_escape("\xf3\xa0\x80\x81", 4, "\\u{e0001}");
	check_escape("\xc2\x9b", 2, "\\u{9b}");
	check_escape("\\", 1, "\\\\");
	/* overlong, surrogate, beyond Unicode, cut short */
	check_escape("\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\xe2\x80", 11,
		"\\xc0\\xaf\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80\\xe2\\x80");
}

TEST(mem_risks)
{
	CHECK_INT(str_risks("plain", 5, false), 0);
	CHECK_INT(str_risks("a\nb", 3, true), 0);
	CHECK_INT(str_risks("a\nb", 3, false), STR_RISK_CONTROL);
	CHECK_INT(str_risks("\xe2\x80\xae\xff", 4, true), STR_RISK_BIDI | STR_RISK_INVALID);
	CHECK_INT(str_risks("\xef\xbb\xbf", 3, true), STR_RISK_INVISIBLE);
}

TEST(mem_parse)
{
	uint64_t v = 7;

	CHECK_INT(parse_u64("0", 0, 9, &v), 0);
	CHECK_INT(v, 0);
	CHECK_INT(parse_u64("", 0, 9, &v), -EINVAL);
	CHECK_INT(parse_u64("-1", 0, 9, &v), -EINVAL);
	CHECK_INT(parse_u64(" 1", 0, 9, &v), -EINVAL);
	CHECK_INT(parse_u64("10", 0, 9, &v), -ERANGE);
	CHECK_INT(parse_u64("99999999999999999999", 0, UINT64_MAX, &v), -ERANGE);
	CHECK_INT(parse_size("2G", &v), 0);
	CHECK_INT(v, 2LL << 30);
	CHECK_INT(parse_size("1.5m", &v), 0);
	CHECK_INT(v, (1 << 20) + (1 << 20) / 1000 * 500);
	CHECK_INT(parse_size("3MiB", &v), 0);
	CHECK_INT(v, 3 << 20);
	CHECK_INT(parse_size("1.5", &v), -EINVAL);
	CHECK_INT(parse_size("2X", &v), -EINVAL);
	CHECK_INT(parse_size("G", &v), -EINVAL);
	CHECK_INT(parse_duration("2h", &v), 0);
	CHECK_INT(v, 7200);
	CHECK_INT(parse_duration("1.5m", &v), 0);
	CHECK_INT(v, 90);
	CHECK_INT(parse_duration("1w", &v), -EINVAL);
	CHECK_INT(parse_milli("0.5", &v), 0);
	CHECK_INT(v, 500);
}

TEST(mem_nearest)
{
	static const char *const names[] = {"isolation", "workspace", "network"};

	CHECK_STR(str_nearest("isolatoin", names, 3), "isolation");
	CHECK_STR(str_nearest("netwrok", names, 3), "network");
	CHECK(!str_nearest("zzzzzz", names, 3));
}
