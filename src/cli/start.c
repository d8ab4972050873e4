#include "start.h"

#include "base/log.h"
#include "cell/plan.h"
#include "session/client.h"
#include "session/proto.h"
#include "session/supervisor.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>

/* A supervisor that is just starting or just ending answers within this. */
#define JOIN_TRIES 2000
#define JOIN_WAIT_NS (5 * 1000 * 1000)

char *cli_init_path(void)
{
	AUTO_FREE char *self = NULL;
	char *slash, *beside;

	/* In a build tree the two lie side by side; then the one that was built with us is right.
	 */
	if (fs_readlink_at(AT_FDCWD, "/proc/self/exe", &self) == 0 &&
		(slash = strrchr(self, '/'))) {
		beside = xasprintf("%.*s/../init/bailey-init", (int)(slash - self), self);
		if (access(beside, X_OK) == 0)
			return beside;
		free(beside);
		/* PREFIX/bin/bailey and PREFIX/libexec/bailey/bailey-init, wherever PREFIX has been
		 * moved to. */
		beside = xasprintf("%.*s/../libexec/bailey/bailey-init", (int)(slash - self), self);
		if (access(beside, X_OK) == 0)
			return beside;
		free(beside);
	}
	return xstrdup(BAILEY_LIBEXECDIR "/bailey-init");
}

struct running {
	struct state *state; /* owned */
	int conn;
	pid_t supervisor; /* that we started; 0: joined */
};

static void running_done(struct running *r)
{
	fd_close(r->conn);
	state_free(r->state);
}

static int launch(const struct cli *cli, struct start *start, struct running *run, bool fresh,
	struct err **err);

/* The sandbox of the plan, started by us or by another. */
static int get_running(
	const struct cli *cli, struct start *start, struct running *run, struct err **err)
{
	struct timespec wait = {.tv_nsec = JOIN_WAIT_NS};

	for (int tries = 0; tries < JOIN_TRIES; tries++) {
		int r = state_acquire(start->plan->policy, &run->state, err);

		if (r >= 0)
			return launch(cli, start, run, r == 0, err);
		if (r != -EBUSY)
			return r;
		r = state_find(start->plan->project, start->plan->policy->name, &run->state, NULL);
		if (r == 0) {
			run->conn = state_connect(run->state);
			if (run->conn >= 0)
				return 0;
			state_free(TAKE_PTR(run->state));
		}
		nanosleep(&wait, NULL);
	}
	err_set(err, EBUSY, "reach the sandbox '%s'", start->plan->policy->name);
	return err_hint(err, "its supervisor holds the lock but does not answer");
}

static int launch(const struct cli *cli, struct start *start, struct running *run, bool fresh,
	struct err **err)
{
	const struct policy *p = start->plan->policy;
	AUTO_CELL_PLAN struct cell_plan *plan = NULL;
	AUTO_FREE char *home = xasprintf("%s/home", run->state->path);
	AUTO_FREE char *layer = xasprintf("%s/layer", run->state->path);
	AUTO_FREE char *init = cli_init_path();
	struct cell_dirs dirs = {.home = p->ephemeral ? NULL : home, .layer = layer};
	struct supervisor_args args = {.policy = p, .state = run->state, .init_path = init};
	int r;

	(void)cli;
	(void)fresh;
	r = cell_plan_make(p, &dirs, &plan, err);
	if (r < 0)
		return r;
	args.plan = plan;
	r = supervisor_start(&args, &run->conn, &run->supervisor, err);
	if (r == 0)
		state_unlock(run->state); /* the supervisor has its own copy */
	return r;
}

int cli_end(const char *name, struct client_end *end)
{
	if (end->detached)
		log_note("'%s' goes on (bailey attach %s)", name, name);
	if (end->reason)
		log_note("the sandbox ended the command: %s", end->reason);
	if (end->discarded)
		log_note("what it changed in the project was discarded ('--keep' keeps it for "
			 "'bailey diff')");
	free(end->reason);
	return end->detached ? 0 : end->status;
}

static char *label_of(const struct start *start)
{
	AUTO_BUF struct buf b = BUF_INIT(0);

	if (start->label)
		return xstrdup(start->label);
	for (size_t i = 0; i < start->argv->n && b.len < 200; i++)
		buf_printf(&b, "%s%.200s", i ? " " : "", start->argv->v[i]);
	return buf_take(&b);
}

int cli_start(const struct cli *cli, struct start *start)
{
	const struct policy *p = start->plan->policy;
	struct running run = {.conn = -1};
	struct client_end end = {.status = EXIT_FAILED};
	AUTO_FREE char *label = NULL;
	struct client_exec exec = {.flags = start->flags,
		.cwd = p->workdir,
		.argv = start->argv,
		.env = &start->plan->policy->env,
		.detach_keys = p->detach_keys};
	struct err *err = NULL;
	int r;

	if (!(exec.flags & SUP_DETACH) && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		exec.flags |= SUP_TTY;
	state_sweep(8);
	r = get_running(cli, start, &run, &err);
	if (r == 0) {
		label = label_of(start);
		exec.label = label;
		r = client_run(run.conn, &exec, &end, &err);
	}
	if (end.over && run.supervisor > 0)
		waitpid(run.supervisor, NULL, 0);
	running_done(&run);
	if (r < 0) {
		int status = end.status >= EXIT_FAILED && end.status <= EXIT_NOT_FOUND
				     ? end.status
				     : EXIT_FAILED;

		free(end.reason);
		cli_fail(err);
		return status;
	}
	return cli_end(p->name, &end);
}

int cli_create(const struct cli *cli, struct plan *plan)
{
	struct state *state = NULL;
	struct err *err = NULL;
	int r = state_acquire(plan->policy, &state, &err);

	(void)cli;
	state_free(state);
	if (r < 0 && r != -EBUSY)
		return cli_fail(err);
	if (r != 0) {
		log_error("there is a sandbox '%s' already (bailey ls)", plan->policy->name);
		return EXIT_FAILED;
	}
	return 0;
}
