/*
 * The exec surface: what a change could make this host execute, or how it could
 * mislead the person who reviews it. The classes and their patterns are data
 * (surface_table.c); each class wants a yes of its own.
 */
#ifndef BAILEY_WORKSPACE_SURFACE_H
#define BAILEY_WORKSPACE_SURFACE_H

#include "change.h"
#include "staged.h"

enum surface_class {
	SURFACE_GIT,
	SURFACE_EDITOR,
	SURFACE_SHELL,
	SURFACE_AGENT,
	SURFACE_BAILEY,
	SURFACE_PACKAGE,
	SURFACE_BUILD,
	SURFACE_CI,
	SURFACE_LOCKFILE,
	SURFACE_NOTEBOOK,
	SURFACE_SYMLINK,
	SURFACE_EXEC_MODE,
	SURFACE_TEXT,
	SURFACE_NAME,
	SURFACE_N
};
#define SURFACE_ALL ((1U << SURFACE_N) - 1)

struct surface_info {
	const char *name; /* of --accept */
	const char *why;  /* one line: what would run it */
};
extern const struct surface_info surface_classes[SURFACE_N];

/*
 * A pattern is one or more path components, each with '*' for any run of characters.
 * It matches at any depth: "Makefile" is a file of that name anywhere, and
 * ".github/workflows/" (with the final slash) a directory and all below it.
 * Letters match in any case, and characters that a file system may ignore do not
 * count, because ".GIT" is ".git" on some of them.
 */
struct surface_pattern {
	enum surface_class class;
	const char *pattern;
};
extern const struct surface_pattern surface_patterns[];
extern const size_t n_surface_patterns;

/* The classes of a path alone. Any bytes. */
unsigned surface_of_path(const char *path);
/* Whether a symlink at path with this target is absolute, may leave the project or enters .git. */
bool surface_link_leaves(const char *path, const char *target);
/* All classes of one change, embedded repositories excepted. */
unsigned surface_of_change(const struct change *c);
/* Sets `classes` of the whole list. s finds repositories whose parts are on both sides. */
void surface_classify(struct change_list *l, const struct staged *s);

/* "git" -> its bit, "all" -> every bit, 0 when unknown. */
unsigned surface_parse(const char *name);

#endif
