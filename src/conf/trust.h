/*
 * What the user has approved: files named PATH-DIGEST in a directory of ours, where
 * DIGEST covers the file's path, its content and what it was said to widen. A
 * change in any of them asks again. Entries count only when they and the directory
 * belong to the user (or root) and nobody else can write them.
 */
#ifndef BAILEY_CONF_TRUST_H
#define BAILEY_CONF_TRUST_H

#include "base/err.h"
#include "base/strvec.h"

/* Lower-case hex of 256 bits. */
char *trust_digest(const char *path, const char *content, size_t n, const struct strvec *clauses)
	MUST_CHECK;
/* state: dirs_state(). 1: approved; 0: not; -errno with *err when the store is not ours. */
int trust_has(const char *state, const char *path, const char *digest, struct err **err) MUST_CHECK;
int trust_add(const char *state, const char *path, const char *digest, struct err **err) MUST_CHECK;
/* Forgets all approvals of a path; how many there were, or -errno with *err. */
int trust_drop(const char *state, const char *path, struct err **err) MUST_CHECK;

/* Lower-case hex of SHA-256; for names of files and sandboxes. */
char *sha256_hex(const void *p, size_t n) MUST_CHECK;

#endif
