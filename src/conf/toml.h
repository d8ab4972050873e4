/*
 * TOML 1.0 as a tree with positions, so that every complaint can name file, line
 * and column. The only C++ of the project is behind this header (toml.cc).
 */
#ifndef BAILEY_CONF_TOML_H
#define BAILEY_CONF_TOML_H

#include "base/err.h"

/* A configuration file is read by people: more than this is not one. */
#define TOML_MAX (1024 * 1024)

enum toml_type { TOML_TABLE, TOML_ARRAY, TOML_STRING, TOML_INT, TOML_FLOAT, TOML_BOOL, TOML_TIME };

struct toml_node {
	enum toml_type type;
	char *key;	       /* NULL in arrays and for the root */
	unsigned line, column; /* of the key where there is one, else of the value; from 1 */
	union {
		char *str;
		int64_t integer;
		double real;
		bool boolean;
	};
	struct toml_node **items; /* of a table (in file order) or an array */
	size_t n_items;
};

/* file is for messages: "FILE:LINE:COLUMN: why". *ret is a TOML_TABLE; free with toml_free. */
int toml_parse(const char *text, size_t n, const char *file, struct toml_node **ret,
	struct err **err) MUST_CHECK;
const struct toml_node *toml_get(const struct toml_node *table, const char *key);
const char *toml_type_name(enum toml_type type);
void toml_free(struct toml_node *node);
DEFINE_AUTO(struct toml_node *, toml_free)
#define AUTO_TOML CLEANUP(toml_freep)

#endif
