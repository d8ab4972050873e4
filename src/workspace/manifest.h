/*
 * What `bailey diff` showed (STATE/shown.json), so that `apply` brings over that and
 * nothing else; and what we ourselves wrote to the host (STATE/applied.json), so that
 * our own writes do not look like the user's.
 */
#ifndef BAILEY_WORKSPACE_MANIFEST_H
#define BAILEY_WORKSPACE_MANIFEST_H

#include "record.h"
#include "upper.h"

/* *ret is NULL when nothing has been shown. */
int manifest_load(const struct staged *s, struct change_list **ret, struct err **err) MUST_CHECK;
/*
 * Records the list as shown. With filters in o only those paths were shown: entries
 * elsewhere stay. Refused entries are not recorded.
 */
int manifest_show(const struct staged *s, const struct scan_opts *o, const struct change_list *l,
	struct err **err) MUST_CHECK;
/* Forgets the entries of l that are applied. */
int manifest_forget_applied(const struct staged *s, const struct change_list *l, struct err **err)
	MUST_CHECK;
/* Whether an entry is, on both sides, what was shown. */
bool manifest_same(const struct change *shown, const struct change *now);

/*
 * Marks the entries whose host side is younger than the sandbox and was not written
 * by us: `conflict`.
 */
int baseline_mark(const struct staged *s, struct change_list *l, struct err **err) MUST_CHECK;
/* Adds what was written: the entries of l, whose `old` is what is on the host now. */
int baseline_add(const struct staged *s, const struct change_list *l, struct err **err) MUST_CHECK;

#endif
