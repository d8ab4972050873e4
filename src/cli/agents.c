#include "agents.h"

#include "agent/prepare.h"
#include "base/log.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <pwd.h>

extern char **environ;

/* share/ beside the build directory when this program runs from one. */
static char *build_data(void)
{
	AUTO_FREE char *self = NULL;
	char *slash, *data;

	if (fs_readlink_at(AT_FDCWD, "/proc/self/exe", &self) < 0 || !(slash = strrchr(self, '/')))
		return NULL;
	data = xasprintf("%.*s/../share/bailey", (int)(slash - self), self);
	if (access(data, R_OK) == 0)
		return data;
	free(data);
	/* BUILD/src/cli/bailey: the sources are beside the build directory, or above it. */
	for (int up = 0; up < 2; up++) {
		data = xasprintf(
			"%.*s/../../%sshare", (int)(slash - self), self, up ? "../../" : "../");
		if (access(data, R_OK) == 0)
			return data;
		free(data);
	}
	return NULL;
}

void cli_agent_places(struct agent_places *ret)
{
	const struct passwd *pw = getpwuid(geteuid());
	const char *home = getenv("HOME");
	AUTO_FREE char *data = build_data();

	agent_places_init(ret, data,
		home && home[0] == '/' ? home
		: pw		       ? pw->pw_dir
				       : "/",
		environ);
}

static void say(struct strvec *notes, struct strvec *details)
{
	for (size_t i = 0; i < notes->n; i++)
		log_note("%s", notes->v[i]);
	for (size_t i = 0; i < details->n; i++)
		log_debug("%s", details->v[i]);
}

int cli_agent_prepare(const char *agent, bool resume, struct plan *plan, const struct state *state,
	struct strvec *argv)
{
	AUTO_AGENT_PLACES struct agent_places places = {0};
	AUTO_STRVEC struct strvec notes = {0}, details = {0}, full = {0};
	AUTO_FD int home =
		state ? fs_open_beneath(state->dir, "home", O_RDONLY | O_DIRECTORY, 0) : -1;
	struct err *err = NULL;
	struct agent_prepare_args args = {.agent = agent,
		.conf = plan->conf,
		.places = &places,
		.environ = environ,
		.args = (const char *const *)strvec_argv(argv),
		.resume = resume,
		.home = home,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.notes = &notes,
		.details = &details};
	int r;

	if (state && home < 0) {
		err_set(&err, home, "open the home of the sandbox '%s'", state->name);
		return cli_fail(err);
	}
	if (state && state->ids_base)
		args.uid = args.gid = state->ids_base;
	cli_agent_places(&places);
	r = agent_prepare(&args, plan->policy, &full, &err);
	say(&notes, &details);
	if (r < 0) {
		cli_fail(err);
		return r == -ENOENT ? EXIT_NOT_FOUND : EXIT_FAILED;
	}
	strvec_done(argv);
	*argv = full;
	full = (struct strvec){0};
	return 0;
}

void cli_agent_collect(const struct state *state, enum conf_credentials mode)
{
	AUTO_AGENT_PLACES struct agent_places places = {0};
	AUTO_STRVEC struct strvec notes = {0}, details = {0};
	AUTO_ERR struct err *err = NULL;
	AUTO_FD int home = -1;

	if (!state->agent || state->ephemeral)
		return;
	home = fs_open_beneath(state->dir, "home", O_RDONLY | O_DIRECTORY, 0);
	if (home < 0)
		return;
	cli_agent_places(&places);
	if (agent_collect(state->agent, mode, &places, home, &notes, &err) < 0 && err)
		log_note("the agent's login was not kept: %s", err->text);
	say(&notes, &details);
}
