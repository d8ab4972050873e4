/*
 * The recorded state of sandboxes, under $XDG_STATE_HOME/bailey (or
 * ~/.local/state/bailey), mode 0700:
 *
 *   sandboxes/ID/   kept ones           run/ID/   one-shot ones
 *     meta.json     what it is; replaced atomically
 *     lock          held (flock) by the supervisor for as long as it lives: the
 *                   kernel lets go of it at any death, so "running" is never stale
 *     ctl           the supervisor's socket while it runs
 *     layer/upper, layer/work     of the staged workspace; hostile
 *     home/         the user's home inside; hostile
 *     log/N.log     output of session N
 *
 * A one-shot sandbox whose lock is free is a leftover of a crash: state_sweep
 * removes it. All functions are for the host side.
 */
#ifndef BAILEY_SESSION_STATE_H
#define BAILEY_SESSION_STATE_H

#include "policy/policy.h"

#include <time.h>

struct state {
	char *id, *name, *project, *agent; /* agent: NULL when there is none */
	char *path;			   /* absolute */
	bool ephemeral;
	enum conf_workspace workspace;
	enum conf_isolation isolation;
	struct timespec since;	/* when the sandbox's view of the project began */
	struct strvec settings; /* "key=value" of the command line that made it: they hold for later
				   starts */
	uint32_t ids_base;	/* caller is root: first host id of the inside; else 0 */
	int dir;		/* descriptor of path */
	int lock;		/* -1 unless held by us */
};

/*
 * Makes the record of a new sandbox, or opens the one that is there (1 then), and
 * takes its lock. -EBUSY without a story: it is running.
 */
int state_acquire(const struct policy *p, struct state **ret, struct err **err) MUST_CHECK;
/*
 * By name in a project; name NULL: the only one of this project. Several fit:
 * -ENOTUNIQ with a story that lists them. -ENOENT with a story.
 */
int state_find(const char *project, const char *name, struct state **ret, struct err **err)
	MUST_CHECK;
/* All kept ones and running one-shot ones; of one project, or of all (NULL). */
int state_list(const char *project, struct state ***ret, size_t *ret_n, struct err **err)
	MUST_CHECK;
void state_list_free(struct state **list, size_t n);
bool state_running(const struct state *s);
/* 0: locked; -EBUSY: it is running. */
int state_lock(struct state *s) MUST_CHECK;
void state_unlock(struct state *s);
/* The supervisor's socket, bound and listening; the caller holds the lock. */
int state_listen(const struct state *s, struct err **err) MUST_CHECK;
/* A connection to the supervisor; -ENOENT, -ECONNREFUSED: there is none. */
int state_connect(const struct state *s) MUST_CHECK;
/* Rewrites meta.json, after agent or isolation changed. */
int state_save(const struct state *s, struct err **err) MUST_CHECK;
/* Removes all of it. The caller holds the lock. */
int state_remove(struct state *s, struct err **err) MUST_CHECK;
/* Removes leftovers of crashed one-shot sandboxes, at most `most` of them (0: all). */
void state_sweep(size_t most);
void state_free(struct state *s);
DEFINE_AUTO(struct state *, state_free)
#define AUTO_STATE CLEANUP(state_freep)

/* Whether one-shot sandboxes stage their changes in memory on this kernel. */
bool state_in_memory(void);
/* Bailey's state directory. */
char *state_root(void) MUST_CHECK;

#endif
