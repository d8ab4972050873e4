/*
 * Changes as JSON, one object per line, for the files that we keep in the state
 * directory. Names that are not UTF-8 are kept as hexadecimal digits. The readers
 * accept any bytes and refuse what does not parse.
 */
#ifndef BAILEY_WORKSPACE_RECORD_H
#define BAILEY_WORKSPACE_RECORD_H

#include "base/buf.h"
#include "change.h"
#include "staged.h"

#include <jansson.h>

/* What one of our state files may hold; more is not ours. */
#define RECORD_FILE_MAX (1ULL << 30)

/* obj[key] = s, or obj[key_hex] when s is not UTF-8. */
void record_set_bytes(json_t *obj, const char *key, const char *s);
/* The string back, or NULL: missing, malformed, or with a NUL. */
char *record_get_bytes(const json_t *obj, const char *key);

/* A new reference. */
json_t *record_to_json(const struct change *c);
/* Into an empty change. -EINVAL. The caller owns what is in it either way. */
int record_from_json(const json_t *obj, struct change *ret) MUST_CHECK;

/*
 * A file of records: a first line {"bailey": kind, "entries": N}, then N lines.
 * Parsing sorts. -EINVAL: not such a file, or not all of it.
 */
void record_write(struct buf *b, const char *kind, const struct change_list *l);
int record_parse(const char *kind, const char *p, size_t n, struct change_list **ret) MUST_CHECK;
/* 1: no such file (*ret is NULL). */
int record_load(int dirfd, const char *name, const char *kind, struct change_list **ret,
	struct err **err) MUST_CHECK;
/* Atomic and synced; an empty list removes the file. */
int record_save(int dirfd, const char *name, const char *kind, const struct change_list *l,
	struct err **err) MUST_CHECK;
/* A deep copy into the list. */
void record_copy(struct change_list *l, const struct change *c);

#endif
