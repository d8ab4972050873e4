#include "tap.h"

#include "workspace/change.h"

TEST(change_order)
{
	static const char *const sorted[] = {
		"a", "a/b", "a/b/c", "a/c", "a b", "a-b", "ab", "b", "\xff"};

	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
		for (size_t k = 0; k < ARRAY_SIZE(sorted); k++) {
			int r = path_compare(sorted[i], sorted[k]);

			CHECK_INT(r < 0, i < k);
			CHECK_INT(r > 0, i > k);
		}
}

TEST(change_find)
{
	AUTO_CHANGES struct change_list *l = xcalloc(1, sizeof(*l));

	CHECK(!change_list_find(l, "x"));
	change_list_add(l, xstrdup("b"), CHANGE_ADDED);
	change_list_add(l, xstrdup("a/x"), CHANGE_ADDED);
	change_list_add(l, xstrdup("a"), CHANGE_ADDED);
	change_list_sort(l);
	CHECK_STR(l->v[0].path, "a");
	CHECK_STR(change_list_find(l, "a/x")->path, "a/x");
	CHECK(!change_list_find(l, "a/"));
}

TEST(change_words)
{
	for (int k = 0; k < CHANGE_N_KINDS; k++)
		CHECK_INT(change_kind_parse(change_kind_name((enum change_kind)k)), k);
	CHECK_INT(change_kind_parse("x"), CHANGE_N_KINDS);
	for (int t = 1; t < NODE_N_TYPES; t++)
		CHECK_INT(node_type_parse(node_type_name((enum node_type)t)), t);
	CHECK_INT(node_type_parse("x"), NODE_NONE);
}

TEST(change_selected)
{
	static const char *const f[] = {"a/b", "c"};
	static const char *const all[] = {""};

	CHECK(path_selected("x", NULL, 0));
	CHECK(path_selected("a/b", f, 2));
	CHECK(path_selected("a/b/x", f, 2));
	CHECK(path_selected("c", f, 2));
	CHECK(!path_selected("a", f, 2));
	CHECK(!path_selected("a/bc", f, 2));
	CHECK(path_selected("anything", all, 1));
}
