#include "start.h"

#include "agents.h"

#include "base/log.h"
#include "cell/plan.h"
#include "session/client.h"
#include "session/proto.h"
#include "session/supervisor.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
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
	bool fresh;	  /* the record was made by us */
};

static void running_done(struct running *r)
{
	fd_close(r->conn);
	state_free(r->state);
}

static int launch(struct start *start, struct running *run, struct err **err);

static bool same_settings(const struct plan *plan, const struct state *state)
{
	bool same = plan->settings.n == state->settings.n;

	for (size_t i = 0; i < plan->settings.n && same; i++)
		same = str_eq(plan->settings.v[i], state->settings.v[i]);
	return same;
}

/* The sandbox of the plan, started by us or by another. */
static int get_running(struct start *start, struct running *run, struct err **err)
{
	struct timespec wait = {.tv_nsec = JOIN_WAIT_NS};

	for (int tries = 0; tries < JOIN_TRIES; tries++) {
		int r = state_acquire(start->plan->policy, &run->state, err);

		run->fresh = r == 0;
		if (r >= 0)
			return launch(start, run, err);
		if (r != -EBUSY)
			return r;
		r = state_find(start->plan->project, start->plan->policy->name, &run->state, NULL);
		if (r == 0) {
			run->conn = state_connect(run->state);
			if (run->conn >= 0 && !run->state->ephemeral &&
				!same_settings(start->plan, run->state))
				log_note("'%s' is running: options do not change it now (bailey "
					 "stop %s)",
					run->state->name, run->state->name);
			if (run->conn >= 0)
				return 0;
			state_free(TAKE_PTR(run->state));
		}
		nanosleep(&wait, NULL);
	}
	err_set(err, EBUSY, "reach the sandbox '%s'", start->plan->policy->name);
	return err_hint(err, "its supervisor holds the lock but does not answer");
}

/* The options that it was made with hold whenever it starts: walls do not go by themselves. */
static int keep_settings(const struct plan *plan, struct state *state, struct err **err)
{
	if (state->ephemeral || same_settings(plan, state))
		return 0;
	strvec_done(&state->settings);
	for (size_t i = 0; i < plan->settings.n; i++)
		strvec_push(&state->settings, plan->settings.v[i]);
	return state_save(state, err);
}

static int launch(struct start *start, struct running *run, struct err **err)
{
	const struct policy *p = start->plan->policy;
	AUTO_CELL_PLAN struct cell_plan *plan = NULL;
	AUTO_FREE char *home = xasprintf("%s/home", run->state->path);
	AUTO_FREE char *layer = xasprintf("%s/layer", run->state->path);
	AUTO_FREE char *init = cli_init_path();
	struct cell_dirs dirs = {.home = p->ephemeral ? NULL : home,
		.layer = p->ephemeral && state_in_memory() ? NULL : layer};
	struct supervisor_args args = {.policy = p, .state = run->state, .init_path = init};
	int r;

	if (start->agent) {
		start->prepared = true;
		r = cli_agent_prepare(
			start->agent, start->resume, start->plan, run->state, start->argv);
		if (r) {
			start->status = r;
			return -ECANCELED;
		}
		if (!str_eq_null(run->state->agent, start->agent)) {
			free(run->state->agent);
			run->state->agent = xstrdup(start->agent);
			r = state_save(run->state, err);
			if (r < 0)
				return r;
		}
	}
	r = keep_settings(start->plan, run->state, err);
	if (r < 0)
		return r;
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

/*
 * In an unprivileged user namespace only the caller's own ids exist: the kernel
 * refuses to change files of others (EOVERFLOW). Said before the surprise.
 */
static void note_owners(const struct policy *p)
{
	struct stat st;

	if (geteuid() != 0 && stat(p->project, &st) == 0 &&
		(st.st_uid != geteuid() || st.st_gid != getegid()))
		log_note("'%s' belongs to another user or group: files that do cannot be changed "
			 "inside, only replaced",
			p->project);
}

/* A session with a terminal that shows this label; 0: none. */
static uint32_t find_labelled(int conn, const char *label)
{
	AUTO_FREE char *text = NULL;
	uint32_t found = 0;
	json_t *list, *x;
	size_t i;

	if (client_list(conn, &text, NULL) < 0)
		return 0;
	list = json_loads(text, 0, NULL);
	json_array_foreach(list, i, x)
	{
		const char *command = json_string_value(json_object_get(x, "command"));

		if (command && str_eq(command, label) &&
			json_is_true(json_object_get(x, "terminal")))
			found = (uint32_t)json_integer_value(json_object_get(x, "session"));
	}
	json_decref(list);
	return found;
}

static int run_in(
	struct start *start, struct running *run, struct client_end *end, struct err **err)
{
	const struct policy *p = start->plan->policy;
	AUTO_FREE char *label = NULL;
	struct client_exec exec = {.flags = start->flags,
		.cwd = p->workdir,
		.argv = start->argv,
		.env = &start->plan->policy->env,
		.detach_keys = p->detach_keys};
	uint32_t session;

	if (!(exec.flags & SUP_DETACH) && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		exec.flags |= SUP_TTY;
	if (start->join && (exec.flags & SUP_TTY) && !run->supervisor) {
		session = find_labelled(run->conn, start->label);
		if (session)
			return client_attach(run->conn, session, false, p->detach_keys, end, err);
	}
	if (start->agent && !start->prepared) {
		start->status = cli_agent_prepare(
			start->agent, start->resume, start->plan, run->state, start->argv);
		if (start->status)
			return -ECANCELED;
	}
	label = label_of(start);
	exec.label = label;
	return client_run(run->conn, &exec, end, err);
}

int cli_start(const struct cli *cli, struct start *start)
{
	struct running run = {.conn = -1};
	struct client_end end = {.status = EXIT_FAILED};
	struct err *err = NULL;
	bool never;
	int r, status;

	(void)cli;
	state_sweep(8);
	r = get_running(start, &run, &err);
	if (run.fresh)
		note_owners(start->plan->policy);
	if (r == 0)
		r = run_in(start, &run, &end, &err);
	if (start->agent && run.state && !end.detached)
		cli_agent_collect(run.state, start->plan->conf->credentials);
	if ((end.over || r < 0) && run.supervisor > 0)
		waitpid(run.supervisor, NULL, 0);
	/* What was never started leaves no record; what may have run keeps its work. */
	never = run.conn < 0 || start->status || end.status == EXIT_NOT_FOUND ||
		end.status == EXIT_NOT_EXECUTABLE;
	if (r < 0 && run.fresh && never && (run.state->lock >= 0 || state_lock(run.state) == 0))
		(void)!state_remove(run.state, NULL);
	running_done(&run);
	if (r == 0)
		return cli_end(start->plan->policy->name, &end);
	free(end.reason);
	if (start->status) {
		err_free(err);
		return start->status;
	}
	status = end.status >= EXIT_FAILED && end.status <= EXIT_NOT_FOUND ? end.status
									   : EXIT_FAILED;
	cli_fail(err);
	return status;
}

int cli_create(const struct cli *cli, struct plan *plan)
{
	struct state *state = NULL;
	struct err *err = NULL;
	int r = state_acquire(plan->policy, &state, &err);

	(void)cli;
	if (r == 0)
		r = keep_settings(plan, state, &err);
	state_free(state);
	if (r < 0 && r != -EBUSY)
		return cli_fail(err);
	if (r != 0) {
		log_error("there is a sandbox '%s' already (bailey ls)", plan->policy->name);
		return EXIT_FAILED;
	}
	return 0;
}
