/*
 * Workspace `staged`: an overlay over the project; the host's files stay as they
 * are until `apply`. This module never mounts anything: it reads the upper layer
 * from the host, as what it is: hostile (any name, any type, any link, changing
 * under our eyes, since the sandbox may be running).
 *
 * Theory of operation. The scan (upper.h) compares the upper layer with the project
 * by content, so an entry that is equal on both sides is no change, and after an
 * apply nothing is left to show. `diff` shows the scan and writes down what it
 * showed (manifest.h). `apply` (apply.h) scans once more, leaves out what differs
 * from what was shown, and copies the rest by descriptor, hashing what it copies:
 * the bytes that land are the bytes that were shown. `discard` (discard.h) takes
 * entries out of the upper layer.
 *
 * One process at a time holds STATE/apply.lock. Everything runs as the user who
 * called bailey, in the bailey command itself.
 */
#ifndef BAILEY_WORKSPACE_STAGED_H
#define BAILEY_WORKSPACE_STAGED_H

#include "base/err.h"
#include "base/strvec.h"

#include <time.h>

struct staged {
	char *project; /* absolute path on the host */
	int lower;     /* O_PATH or O_RDONLY directory: the project */
	int upper;     /* directory: the overlay's upper layer */
	int state;     /* directory of this sandbox: manifests and the apply journal live here */
	/*
	 * When the sandbox began, and when it was last started (zero: unknown). A host file
	 * with a later ctime was changed by the user. What the inside made after its last
	 * start was made in sight of everything the user did before that start.
	 */
	struct timespec since, started;
};

#define STAGED_INIT ((struct staged){.lower = -1, .upper = -1, .state = -1})

/* Opens the three directories. since is for the caller to set. */
int staged_open(const char *project, const char *upper, const char *state, struct staged *ret,
	struct err **err) MUST_CHECK;
void staged_done(struct staged *s);
#define AUTO_STAGED CLEANUP(staged_done)

/*
 * Takes the lock that diff, apply and discard of one sandbox share; held until the
 * descriptor is closed. -EBUSY when another command has it.
 */
int staged_lock(const struct staged *s, int *ret_fd, struct err **err) MUST_CHECK;

/* The scan with everything that is known of each entry: renames, classes, conflicts. */
struct change_list;
struct scan_opts;
int staged_scan(const struct staged *s, const struct scan_opts *o, struct change_list **ret,
	struct err **err) MUST_CHECK;

#endif
