/*
 * What diff, apply and discard have in common: finding the sandbox and opening its
 * layer, the paths of the command line, the pager.
 */
#ifndef BAILEY_CLI_REVIEW_H
#define BAILEY_CLI_REVIEW_H

#include "cli.h"
#include "session/state.h"
#include "workspace/show.h"
#include "workspace/staged.h"
#include "workspace/upper.h"

struct review {
	struct state *state;
	struct staged staged;
	int lock;	     /* of staged_lock */
	struct strvec paths; /* clean, relative to the project; empty: everything */
	struct scan_opts scan;
};
#define REVIEW_INIT ((struct review){.staged = STAGED_INIT, .lock = -1})

/*
 * Finds the sandbox, opens its layer, takes the lock and cleans up after an apply
 * that was killed. 0, or an exit status after having said why.
 */
int review_open(struct review *r, const char *command, struct cmd_args *args);
void review_done(struct review *r);

/* Whether anything would be lost with the sandbox: a difference that was not applied. */
bool review_has_changes(struct state *state);
#define AUTO_REVIEW CLEANUP(review_done)

/*
 * A stream to the user: through a pager when standard output is a terminal and
 * `wanted`, else standard output itself. review_page_end waits for the pager.
 */
struct pager {
	FILE *out;
	pid_t pid; /* 0: none */
};
void review_page_begin(struct pager *p, bool wanted);
void review_page_end(struct pager *p);

#endif
