/* Finds files that only moved: a deletion and an addition of exactly the same content. */
#ifndef BAILEY_WORKSPACE_RENAME_H
#define BAILEY_WORKSPACE_RENAME_H

#include "change.h"

/*
 * Sets `rename` in both halves. Deleted files are hashed only where an added file has
 * the same size. lower: the project, where the deleted files still are.
 */
void rename_detect(struct change_list *l, int lower);

#endif
