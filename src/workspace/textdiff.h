/*
 * Unified hunks of two texts. A text on one side only is laid out here; two texts are
 * compared by diffutils' `diff`, which gets hostile content and is therefore confined:
 * see textdiff.c.
 */
#ifndef BAILEY_WORKSPACE_TEXTDIFF_H
#define BAILEY_WORKSPACE_TEXTDIFF_H

#include "base/buf.h"
#include "digest.h"

/* Larger files are not shown line by line. */
#define TEXTDIFF_FILE_MAX (8u << 20)
/* Nor are larger differences. */
#define TEXTDIFF_OUTPUT_MAX (16u << 20)

/*
 * A sealed copy in memory of the rest of fd, and its digest: what is shown cannot
 * change between the hashing and the showing. A descriptor; -EFBIG over
 * TEXTDIFF_FILE_MAX; -errno.
 */
int textdiff_snapshot(int fd, struct digest *ret) MUST_CHECK;

/*
 * Adds the hunks ("@@ ..." lines and all, raw bytes) to a buffer with the limit
 * TEXTDIFF_OUTPUT_MAX. A side of -1 is empty. -EMSGSIZE: too much. -ENOENT: there is
 * no diff program. -ETIMEDOUT: it used up its time. -errno.
 */
int textdiff_hunks(int old_fd, int new_fd, struct buf *ret) MUST_CHECK;

#endif
