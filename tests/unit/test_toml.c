#include "tap.h"

#include "base/buf.h"
#include "conf/toml.h"

static struct toml_node *parse(const char *text)
{
	struct toml_node *root = NULL;
	struct err *err = NULL;

	if (toml_parse(text, strlen(text), "f", &root, &err) < 0)
		tap_fail(__FILE__, __LINE__, "%s", err->text);
	return root;
}

static void refused(const char *text, size_t n, const char *start)
{
	AUTO_ERR struct err *err = NULL;
	struct toml_node *root = NULL;

	CHECK(toml_parse(text, n, "a\nb", &root, &err) < 0);
	CHECK(!root);
	if (!str_after(err->text, start))
		tap_fail(__FILE__, __LINE__, "\"%s\" does not start with \"%s\"", err->text, start);
	CHECK(str_risks(err->text, strlen(err->text), false) == 0);
}

TEST(toml_types_and_order)
{
	AUTO_TOML struct toml_node *root = parse("z = 'x'\na = 7\n\n[t]\n  k = [1, \"two\"]\n"
						 "  d.e = true\n[b]\nf = 1.5\nt = 1979-05-27\n");
	const struct toml_node *t, *k, *d;

	CHECK_INT(root->type, TOML_TABLE);
	CHECK_INT(root->n_items, 4);
	CHECK_STR(root->items[0]->key, "z");
	CHECK_STR(root->items[0]->str, "x");
	CHECK_STR(root->items[1]->key, "a");
	CHECK_INT(root->items[1]->integer, 7);
	CHECK_INT(root->items[1]->line, 2);
	CHECK_INT(root->items[1]->column, 1);
	t = toml_get(root, "t");
	CHECK(t && t->type == TOML_TABLE);
	CHECK_INT(t->line, 4);
	k = toml_get(t, "k");
	CHECK_INT(k->line, 5);
	CHECK_INT(k->column, 3);
	CHECK_INT(k->n_items, 2);
	CHECK_STR(k->items[1]->str, "two");
	CHECK_INT(k->items[1]->column, 11);
	d = toml_get(toml_get(t, "d"), "e");
	CHECK(d && d->type == TOML_BOOL && d->boolean);
	CHECK_INT(toml_get(toml_get(root, "b"), "t")->type, TOML_TIME);
	CHECK(toml_get(toml_get(root, "b"), "f")->real > 1.4);
	CHECK(!toml_get(root, "nothing"));
}

TEST(toml_empty)
{
	AUTO_TOML struct toml_node *root = parse("");

	CHECK_INT(root->type, TOML_TABLE);
	CHECK_INT(root->n_items, 0);
}

TEST(toml_refusals)
{
	refused("a = 1\na = 2\n", 12, "a\\nb:2:");
	refused("a = \n", 5, "a\\nb:1:");
	refused("a = 1\nb = '\0'\n", 14, "a\\nb:2:6: a NUL byte");
	refused("a = 1\n\n[\nb = 2\n", 15, "a\\nb:3:1: this line is no TOML");
	refused("[", 1, "a\\nb:1:2: ");
	refused("a = 1\nb = \xc3\xa9\n", 13, "a\\nb:2:5: ");
	refused("a = [1,\n 'x', \"y\\u0000\"]", 24, "a\\nb:2:7: a NUL in a string");
	refused("\"\\u0000\" = 1", 12, "a\\nb:1:1: a NUL in a string");
	refused("a = \"\xff\"\n", 8, "a\\nb:1:");
	refused("a = \"\x1b[31m\n", 11, "a\\nb:1:");
	refused("# \"\n''' . '''.a\n= .\0", 20, "a\\nb:3:4: a NUL byte");
}

TEST(toml_caps)
{
	AUTO_BUF struct buf b = BUF_INIT(0);
	AUTO_TOML struct toml_node *fine = NULL;

	/* Dots in strings and values are no depth. */
	buf_puts(&b, "a = \"");
	for (int i = 0; i < 1000; i++)
		buf_puts(&b, "\\\".");
	buf_puts(&b, "\"\n");
	fine = parse(b.data);
	CHECK_INT(strlen(fine->items[0]->str), 2000);
	b.len = 0;
	buf_puts(&b, "a");
	for (int i = 0; i < 400000; i++)
		buf_puts(&b, ".a");
	buf_puts(&b, " = 1\n");
	refused(b.data, b.len, "a\\nb:1:34: a key of too many parts");
	b.len = 0;
	for (int i = 0; i < 40000; i++)
		buf_puts(&b, ".\",\"");
	refused(b.data, b.len, "a\\nb:1:");
	b.len = 0;
	buf_puts(&b, "a = ");
	for (int i = 0; i < 400000; i++)
		buf_puts(&b, "[");
	refused(b.data, b.len, "a\\nb:1:");
	b.len = 0;
	buf_puts(&b, "a = ");
	for (int i = 0; i < 100000; i++)
		buf_puts(&b, "{a=");
	refused(b.data, b.len, "a\\nb:1:");
	b.len = 0;
	for (size_t i = 0; i < TOML_MAX / 4 + 1; i++)
		buf_puts(&b, "####");
	refused(b.data, b.len, "a\\nb:1:1: more than 1 MiB");
}
