/*
 * Brings changes of the inside to the project. Each file is copied by descriptor into
 * a temporary file beside its destination, hashed on the way, and renamed into place
 * only when its content is what the scan (and `bailey diff`) saw: a reader of the
 * project sees the old file or the new one. Nothing below the project is reached
 * through a symlink. Ownership, extended attributes, setuid, setgid and sticky bits
 * and file times do not come along.
 */
#ifndef BAILEY_WORKSPACE_APPLY_H
#define BAILEY_WORKSPACE_APPLY_H

#include "change.h"
#include "staged.h"

struct apply_opts {
	unsigned accept;		 /* exec-surface classes, 1 << enum surface_class */
	bool overwrite;			 /* also what changed on the host meanwhile */
	const struct change_list *shown; /* what diff showed; NULL: nothing was shown */
	/* Tests only: called before and after each step, to end the process there. */
	void (*fault)(void *arg);
	void *fault_arg;
};

/*
 * Decides what stays out and why: sets `outcome` of those, OUTCOME_NONE for those that
 * would be applied. Touches nothing; may be called again with other options.
 */
void apply_plan(struct change_list *l, const struct apply_opts *o);

/*
 * Applies what apply_plan left at OUTCOME_NONE and sets each outcome. A failure of one
 * entry is in that entry; a negative result is a failure of the whole (the journal).
 * The caller holds the lock and has called journal_recover.
 */
int apply_run(const struct staged *s, struct change_list *l, const struct apply_opts *o,
	struct err **err) MUST_CHECK;

#endif
