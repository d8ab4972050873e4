/* A configuration file: a tree whose positions and keys hold, or one harmless line. */
#include "conf/toml.h"
#include "fuzz.h"

static void check(const struct toml_node *node, unsigned depth)
{
	if (!node->line || !node->column || depth > 2000)
		abort();
	if (node->type == TOML_STRING && !str_is_utf8(node->str, strlen(node->str)))
		abort();
	if (node->type != TOML_TABLE && node->type != TOML_ARRAY)
		return;
	for (size_t i = 0; i < node->n_items; i++) {
		const struct toml_node *item = node->items[i];

		if ((node->type == TOML_TABLE) != (item->key != NULL))
			abort();
		if (item->key && toml_get(node, item->key) != item)
			abort();
		check(item, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_TOML struct toml_node *root = NULL;
	AUTO_ERR struct err *err = NULL;

	if (toml_parse((const char *)data, size, "file", &root, &err) == 0) {
		if (!root || err)
			abort();
		for (size_t i = 0; i < root->n_items; i++)
			check(root->items[i], 0);
	} else if (root || !err || !str_after(err->text, "file:") ||
		   str_risks(err->text, strlen(err->text), false)) {
		abort();
	}
	return 0;
}
