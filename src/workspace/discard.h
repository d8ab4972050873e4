/*
 * Takes changes of the inside back: removes them from the upper layer, so that the
 * sandbox sees the project's files again. Only while the sandbox is stopped: an
 * overlay that is mounted must not change below the kernel's feet. The caller sees
 * to that and holds the lock.
 */
#ifndef BAILEY_WORKSPACE_DISCARD_H
#define BAILEY_WORKSPACE_DISCARD_H

#include "staged.h"

/* Everything, and the record of what was shown. */
int discard_all(const struct staged *s, struct err **err) MUST_CHECK;
/*
 * One path, clean and relative to the project, and all below it. Refused with the
 * path to name instead when a directory above it was deleted or replaced as a whole:
 * the overlay has then no way to show that one file of the project again.
 */
int discard_path(const struct staged *s, const char *path, struct err **err) MUST_CHECK;

#endif
