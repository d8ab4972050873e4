/*
 * The supervisor: the host process that owns one running sandbox. Forked by the
 * command that starts it, detached from everything, gone when the last session has
 * ended. It parses nothing that comes from inside but bailey-init's numbers: output
 * goes through relays (relay.h), ports through the forwarder (gateway/forward.h),
 * processes of their own that hold nothing else.
 *
 * When it dies, however it dies, the kernel ends all of it: the cell by PDEATHSIG
 * and the end of its control socket, the relays and the forwarder likewise; the lock
 * in the state directory comes free, and the next command clears up.
 */
#ifndef BAILEY_SESSION_SUPERVISOR_H
#define BAILEY_SESSION_SUPERVISOR_H

#include "cell/plan.h"
#include "state.h"

struct supervisor_args {
	const struct policy *policy;
	const struct cell_plan *plan;
	struct state *state; /* locked; for the supervisor to keep */
	const char *init_path;
};

/*
 * Starts it. *ret_conn is a client's connection, *ret_pid a child to reap. The caller gives up the
 * state's lock by closing its copy (state_free); the supervisor holds another.
 */
int supervisor_start(const struct supervisor_args *args, int *ret_conn, pid_t *ret_pid,
	struct err **err) MUST_CHECK;

#endif
