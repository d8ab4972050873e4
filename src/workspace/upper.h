/*
 * Reads an upper layer: every difference to the project, found without following a
 * link, without opening anything but plain files and directories, and within limits.
 * Descriptors in use do not grow with depth. The layer may change meanwhile: each
 * entry is then a snapshot of some moment, and what cannot be pinned down is refused.
 */
#ifndef BAILEY_WORKSPACE_UPPER_H
#define BAILEY_WORKSPACE_UPPER_H

#include "change.h"
#include "staged.h"

struct scan_limits {
	size_t entries;	     /* looked at, and listed */
	uint64_t path_bytes; /* of all listed paths together */
	size_t path_max;     /* deeper: refused */
	uint64_t file_max;   /* larger: refused */
	uint64_t hole_max;   /* bytes of holes in one file; more: refused */
	uint64_t holes_max;  /* in all files together; more: refused */
};
extern const struct scan_limits scan_limits_default;

struct scan_opts {
	const char *const *paths; /* clean, relative to the project; none: everything */
	size_t n_paths;
	const struct scan_limits *limits; /* NULL: the default */
	bool any;			  /* is there anything? stops soon after the first */
};

/* The differences, sorted; classes, renames and conflicts are not filled in. */
int upper_scan(const struct staged *s, const struct scan_opts *o, struct change_list **ret,
	struct err **err) MUST_CHECK;

/* What the overlay's own attributes say of an open file or directory. */
enum upper_marks {
	UPPER_OPAQUE = 1 << 0,
	UPPER_WHITEOUT = 1 << 1,
	UPPER_HOSTILE = 1 << 2, /* redirect, metacopy, or any that we do not know */
};
/* Bits, or -errno. */
int upper_marks(int fd) MUST_CHECK;
/* Whether the O_PATH descriptor is the overlay's word for "deleted". */
bool upper_is_whiteout(int path_fd, const struct stat *st);

#endif
