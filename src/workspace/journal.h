/*
 * STATE/apply.journal: the plan of an apply before its first write, then each entry
 * that is done. It makes a killed apply harmless: the next command removes temporary
 * files and remembers which host files are ours. It needs no undo: every file is
 * replaced atomically, and what was not applied is still in the upper layer, so a
 * new scan finds exactly what is left to do. For the same reason only the plan is
 * synced: a lost "done" line costs nothing but a comparison.
 *
 *   {"journal": 1, "nonce": "..."}     temporary names follow from the nonce
 *   {"plan": RECORD}                   one per entry
 *   {"begin": N}
 *   {"done": I}                        as it happens
 */
#ifndef BAILEY_WORKSPACE_JOURNAL_H
#define BAILEY_WORKSPACE_JOURNAL_H

#include "record.h"

struct journal {
	int fd;
	uint64_t nonce;
};

#define JOURNAL_TEMP_SIZE 32
/* ".bailey-" and 16 digits: the temporary name of the plan's entry i. */
void journal_temp(uint64_t nonce, size_t i, char ret[JOURNAL_TEMP_SIZE]);

/* Writes and syncs the plan: the entries of l whose outcome is still OUTCOME_NONE. */
int journal_begin(const struct staged *s, const struct change_list *l, struct journal *ret,
	struct err **err) MUST_CHECK;
/* Entry i of the list is done. */
int journal_done(struct journal *j, size_t i, struct err **err) MUST_CHECK;
/* Removes the journal. */
void journal_end(const struct staged *s, struct journal *j);
/*
 * Cleans up after an apply that did not end. 1: there was one, and ret (may be NULL)
 * says how far it came. The caller holds the lock.
 */
struct journal_found {
	size_t planned, done;
};
int journal_recover(const struct staged *s, struct journal_found *ret, struct err **err) MUST_CHECK;

#endif
