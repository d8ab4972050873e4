/*
 * Words for the user on stderr, from cli/ and from the loop of a role only.
 * Strings from inside the sandbox go through str_escape first.
 */
#ifndef BAILEY_BASE_LOG_H
#define BAILEY_BASE_LOG_H

#include "err.h"

enum log_level { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE };

void log_set_level(enum log_level level);
/* "bailey: text" always. */
void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* "bailey: text", not with --quiet. */
void log_note(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* With --verbose only. */
void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* The whole story in one line: "bailey: what: why (hint)". */
void log_err(const struct err *err);

#endif
