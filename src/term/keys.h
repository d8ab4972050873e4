/*
 * Finds the detach keys in what the user types, and passes on everything else
 * byte for byte. A key counts in any form that a terminal may send it: as a
 * control byte, in kitty's keyboard protocol (CSI 112;5u) and in xterm's
 * modifyOtherKeys (CSI 27;5;112~), because agents switch those on.
 *
 * While a part of the sequence has been typed, its bytes are held; the next key
 * that does not fit lets them go, and so does keys_flush after a while.
 */
#ifndef BAILEY_TERM_KEYS_H
#define BAILEY_TERM_KEYS_H

#include "base/buf.h"

#define KEYS_MAX 8
#define KEYS_HELD_MAX 256

struct keys {
	char want[KEYS_MAX]; /* control bytes and printable ones */
	unsigned n, matched;
	char held[KEYS_HELD_MAX]; /* matched keys, as they came */
	size_t n_held;
	char esc[32]; /* a CSI sequence that is not complete */
	size_t n_esc;
};

/* "ctrl-p,ctrl-q": keys are ctrl-LETTER, ctrl-@, ctrl-[, ctrl-\, ctrl-], ctrl-^, ctrl-_ or one
 * printable character; "" is none. -EINVAL. */
int keys_init(struct keys *k, const char *spec) MUST_CHECK;
/* Appends what passes on to out. True: the user detached; what was typed later is dropped. */
bool keys_feed(struct keys *k, const char *p, size_t n, struct buf *out);
/* How long what is held may wait for more, in milliseconds; -1 when nothing is held. */
int keys_timeout(const struct keys *k);
void keys_flush(struct keys *k, struct buf *out);

#endif
