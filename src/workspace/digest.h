/*
 * One pass over a file's content: SHA-256, size, whether it is binary, and the
 * characters that mislead a reader. Optionally the bytes are copied on the way, so
 * that what was hashed is what was copied, whatever happens to the source meanwhile.
 */
#ifndef BAILEY_WORKSPACE_DIGEST_H
#define BAILEY_WORKSPACE_DIGEST_H

#include "base/mem.h"

#define DIGEST_SIZE 32

struct digest {
	unsigned char sha256[DIGEST_SIZE];
	uint64_t size;
	bool binary;	/* a NUL in the first 8000 bytes, as diff and git decide */
	unsigned risks; /* STR_RISK_BIDI, STR_RISK_INVISIBLE; 0 for binaries */
};

/*
 * Reads from in's position to the end. out: -1, or an empty file: holes stay holes.
 * -EFBIG when there is more than max; -errno.
 */
int digest_fd(int in, int out, uint64_t max, struct digest *ret) MUST_CHECK;
/* 64 digits and a NUL. */
#define DIGEST_HEX_SIZE (2 * DIGEST_SIZE + 1)
void digest_hex(const unsigned char sha256[DIGEST_SIZE], char ret[DIGEST_HEX_SIZE]);
/* -EINVAL */
int digest_unhex(const char *hex, unsigned char ret[DIGEST_SIZE]) MUST_CHECK;

/*
 * The risky characters of a text in pieces. A byte order mark at the very start and
 * the joiners inside emoji are ordinary and do not count.
 */
struct text_scan {
	char carry[4];
	size_t n_carry;
	uint32_t previous;
	bool joined; /* the previous character is a joiner after an emoji */
	bool started;
	unsigned risks;
};
void text_scan_add(struct text_scan *t, const char *p, size_t n);
unsigned text_scan_end(struct text_scan *t);

#endif
