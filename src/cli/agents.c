#include "agents.h"

#include "agent/prepare.h"
#include "base/log.h"
#include "sys/fs.h"

#include <fcntl.h>

/*
 * Presets lie where they were installed, or, when this program runs from its build
 * directory or from a prefix that was moved, in the same place from the program.
 */
static char *data_dir(void)
{
	static const char *const from_self[] = {"../share/bailey", "../../share"};
	AUTO_FREE char *self = NULL;
	const char *slash;

	if (fs_readlink_at(AT_FDCWD, "/proc/self/exe", &self) < 0 || !(slash = strrchr(self, '/')))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(from_self); i++) {
		AUTO_FREE char *dir = xasprintf("%.*s/%s", (int)(slash - self), self, from_self[i]);
		AUTO_FREE char *note = xasprintf("%s/agents/note.md", dir);

		if (access(note, R_OK) == 0)
			return fs_path_clean("", dir);
	}
	return NULL;
}

void cli_agent_places(struct agent_places *ret)
{
	AUTO_FREE char *data = data_dir();
	struct caller caller = {0};

	/* Only the home is wanted: a current directory that is gone is not our trouble here. */
	(void)!caller_find(&caller, NULL);
	agent_places_init(ret, data, caller.home, environ);
	caller_done(&caller);
}

static int open_home(const struct state *state, struct err **err)
{
	int fd = openat(state->dir, "home", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? err_set(err, errno, "open the sandbox's home directory") : fd;
}

/*
 * Whose logins went in, for the command that stops the sandbox another day: only what
 * came from Bailey's store goes back there.
 */
#define MODE_FILE "logins"
static const char mode_bailey[] = "bailey\n";

static int remember_mode(const struct state *state, enum conf_credentials mode, struct err **err)
{
	const char *text = mode == CONF_CREDENTIALS_BAILEY ? mode_bailey : "other\n";
	int r = fs_replace_at(state->dir, MODE_FILE, text, strlen(text), 0600, false);

	return r < 0 ? err_set(err, r, "remember whose logins the sandbox has") : 0;
}

static bool may_collect(const struct state *state)
{
	struct buf b AUTO_BUF = BUF_INIT(sizeof(mode_bailey));

	return fs_read_at(state->dir, MODE_FILE, &b) == 0 && b.data && str_eq(b.data, mode_bailey);
}

static void print_all(const struct strvec *lines, void (*print)(const char *, ...))
{
	for (size_t i = 0; i < lines->n; i++)
		print("%s", lines->v[i]);
}

void cli_agent_collect(const struct state *state, enum conf_credentials mode)
{
	struct agent_places AUTO_AGENT_PLACES places = {0};
	struct strvec AUTO_STRVEC notes = {0};
	AUTO_ERR struct err *err = NULL;
	AUTO_FD int home = -1;
	int r;

	if (!state->agent || !may_collect(state))
		return;
	cli_agent_places(&places);
	home = open_home(state, &err);
	r = home < 0 ? home : agent_collect(state->agent, mode, &places, home, &notes, &err);
	for (size_t i = 0; i < notes.n; i++)
		log_note("%s: %s", state->name, notes.v[i]);
	if (r < 0)
		log_err(err);
	else if (r > 0)
		log_debug("kept the agent's refreshed login");
}

/*
 * A session that ended while nobody was attached has left its refreshed login where it
 * was; the old one, in the store, is void by then. So before a login is given, those of
 * all sandboxes with this agent are looked at; the newest wins.
 */
static void collect_from_all(const char *agent)
{
	struct state **list = NULL;
	size_t n = 0;

	if (state_list(NULL, &list, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (str_eq_null(list[i]->agent, agent))
			cli_agent_collect(list[i], CONF_CREDENTIALS_BAILEY);
	}
	state_list_free(list, n);
}

int cli_agent_prepare(const char *agent, bool resume, struct plan *plan, const struct state *state,
	struct strvec *argv)
{
	struct agent_places AUTO_AGENT_PLACES places = {0};
	struct strvec AUTO_STRVEC notes = {0};
	struct strvec AUTO_STRVEC details = {0};
	struct strvec AUTO_STRVEC all = {0};
	struct err *err = NULL;
	AUTO_FD int home = -1;
	struct agent_prepare_args args = {
		.agent = agent,
		.conf = plan->conf,
		.places = &places,
		.environ = environ,
		.args = (const char *const *)strvec_argv(argv),
		.resume = resume,
		.home = -1,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.notes = &notes,
		.details = &details,
	};
	int r = 0;

	cli_agent_places(&places);
	if (state && plan->conf->credentials == CONF_CREDENTIALS_BAILEY)
		collect_from_all(agent);
	if (state) {
		home = open_home(state, &err);
		r = home < 0 ? home : remember_mode(state, plan->conf->credentials, &err);
		args.home = home;
		if (state->ids_base) {
			args.uid = state->ids_base + plan->policy->uid;
			args.gid = state->ids_base + plan->policy->gid;
		}
	}
	if (r == 0)
		r = agent_prepare(&args, plan->policy, &all, &err);
	print_all(&notes, log_note);
	print_all(&details, log_debug);
	if (r < 0) {
		cli_fail(err);
		return r == -ENOENT ? EXIT_NOT_FOUND : EXIT_FAILED;
	}
	strvec_done(argv);
	*argv = all;
	all = (struct strvec){0};
	return 0;
}
