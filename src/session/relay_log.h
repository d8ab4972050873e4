/*
 * The bounded log of a session's output: one file that is only ever written by its
 * relay, which cannot open another. When it is over twice max, its last max bytes,
 * from the start of a line, are moved to the front. A relay that is killed in the
 * middle of that leaves a file with old text in it, never a larger one.
 */
#ifndef BAILEY_SESSION_RELAY_LOG_H
#define BAILEY_SESSION_RELAY_LOG_H

#include "base/auto.h"

#include <stddef.h>
#include <stdint.h>

struct relay_log {
	int fd; /* borrowed; -1: no log (also after an error: a full disk must not end a session) */
	uint64_t max;
	uint64_t size;
};

/* O_APPEND is taken off: it would send every write to the end. */
void relay_log_init(struct relay_log *l, int fd, uint64_t max);
void relay_log_add(struct relay_log *l, const void *p, size_t n);

#endif
