/*
 * One layer of settings laid over what is there: a parsed file, or the command
 * line. Inside conf/ only.
 */
#ifndef BAILEY_CONF_LAYER_H
#define BAILEY_CONF_LAYER_H

#include "settings.h"
#include "toml.h"

enum layer_kind { LAYER_BUILTIN, LAYER_ADMIN, LAYER_USER, LAYER_PROJECT, LAYER_CLI };

struct layer {
	enum layer_kind kind;
	const char *file; /* as messages name it, escaped; NULL for the command line */
	const struct conf_load_args *args;
	struct conf *conf;
	struct conf_origins *origins;
	struct strvec *locked; /* keys; filled by the administrator's layer, obeyed by the rest */
	/* Of a project's file: what widens, as far as only reading can tell. */
	struct strvec clauses;
	/* Where we are, for messages: "bailey.toml:3:1" or "option --memory". */
	char *where;
	struct err **err;
};

/* 0, or -EINVAL with *err. */
int layer_builtin(struct layer *l) MUST_CHECK;
int layer_toml(struct layer *l, const struct toml_node *root) MUST_CHECK;
int layer_cli(struct layer *l, const char *const *words) MUST_CHECK;
void layer_done(struct layer *l);

/* Adds to l->clauses what the plain settings of now widen against old. */
void layer_widens(struct layer *l, const struct conf *old, const struct conf *now);

/* Replaces, or with more set appends to, where key's value came from. */
void origins_set(struct conf_origins *o, const char *key, const char *origin, bool more);
void origins_drop(struct conf_origins *o, const char *key);

/* After all layers: drops what is switched off. */
int conf_settle(struct layer *l) MUST_CHECK;

/*
 * Replaces ${VAR} and ${VAR:-default} by the caller's environment, and $$ by $; with
 * tilde set also a leading ~ by home. NULL and *why (a new string) when VAR is not
 * set or the text is malformed.
 */
char *expand(const struct conf_load_args *args, const char *text, bool tilde, char **why)
	MUST_CHECK;

#endif
