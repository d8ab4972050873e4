/*
 * Changes for people and for programs. Everything that comes from the inside, names
 * and content, is escaped; colours are ours alone. What runs on the host comes first,
 * deletions and mode changes next, so that no length of text can hide them.
 */
#ifndef BAILEY_WORKSPACE_SHOW_H
#define BAILEY_WORKSPACE_SHOW_H

#include "change.h"
#include "staged.h"

struct show {
	FILE *out;
	bool color;
	const char *sandbox; /* its name, for the commands that are proposed; trusted */
};

/* A list of this many lines is cut, with the exact number of what is left out. */
#define SHOW_LIST_MAX 1000

/* Exec surface, refused entries, conflicts, deletions, mode changes, and the totals. */
void show_summary(const struct show *w, const struct change_list *l);
/*
 * The differences, file by file. An entry that is not what the scan saw any more is
 * said to be so and becomes REFUSED_RACE, so that it does not count as shown.
 */
void show_diffs(const struct show *w, const struct staged *s, struct change_list *l);
/* One line per file with the numbers of added and removed lines. */
void show_stat(const struct show *w, const struct staged *s, struct change_list *l);
void show_names(const struct show *w, const struct change_list *l);
void show_json(const struct show *w, const struct change_list *l);
/* After an apply: what landed, and what did not and why. */
void show_outcomes(const struct show *w, const struct change_list *l);

/* A line of a file, safe to show: tabs stay, all else that could mislead is escaped. */
char *show_escape_text(const char *p, size_t n) MUST_CHECK;

#endif
