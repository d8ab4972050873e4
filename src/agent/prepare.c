/*
 * Order matters: the user's instructions are seeded before the note is put after
 * them, and the environment is complete before files that depend on it are written.
 */
#include "prepare.h"

#include "conf/dirs.h"
#include "config.h"
#include "credentials.h"
#include "preset.h"
#include "program.h"
#include "seed.h"
#include "sys/fs.h"

#include <fcntl.h>

static void say(struct strvec *to, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(struct strvec *to, const char *fmt, ...)
{
	va_list ap;

	if (!to)
		return;
	va_start(ap, fmt);
	strvec_push_take(to, xvasprintf(fmt, ap));
	va_end(ap);
}

static const char *caller_env(char *const *environ, const char *name)
{
	for (; environ && *environ; environ++) {
		const char *rest = str_after(*environ, name);

		if (rest && *rest == '=')
			return rest + 1;
	}
	return NULL;
}

/* How the work comes back, in the words of the note. */
static const char words_staged[] =
	"Your changes to it are staged: the user reviews them and decides which of them reach the "
	"real files. Deleting or breaking something here harms nobody.";
static const char *const work_words[] = {
	[CONF_WORKSPACE_AUTO] = "The user reviews your changes before they are used outside.",
	[CONF_WORKSPACE_STAGED] = words_staged,
	[CONF_WORKSPACE_WORKTREE] =
		"It is a git worktree of your own. Commit your work: the user reviews commits.",
	[CONF_WORKSPACE_CLONE] =
		"It is a git clone of your own. Commit your work: the user reviews commits.",
	[CONF_WORKSPACE_DIRECT] =
		"It is the user's real directory: changes count at once, so be careful.",
};

static char *port_words(const struct policy *p)
{
	struct buf b AUTO_BUF = {};

	if (p->n_host_ports == 0)
		return xstrdup("none");
	for (size_t i = 0; i < p->n_host_ports; i++)
		buf_printf(&b, "%s127.0.0.1:%u", i ? ", " : "", p->host_ports[i].guest);
	return buf_take(&b);
}

/* ---- environment ------------------------------------------------------------------- */

static int add_env(struct policy *p, const struct strvec *env, const struct preset_values *values,
	struct err **err)
{
	for (size_t i = 0; i < env->n; i++) {
		const char *eq = strchr(env->v[i], '=');
		AUTO_FREE char *name = xstrndup(env->v[i], (size_t)(eq - env->v[i]));
		AUTO_FREE char *value = NULL;
		int r;

		if (strvec_env_get(&p->env, name))
			continue; /* the user's word is the last */
		r = preset_expand(eq + 1, PRESET_TEXT, values, &value, err);
		if (r < 0)
			return err_wrap(err, "the preset's variable '%s'", name);
		strvec_env_set(&p->env, name, value);
	}
	return 0;
}

/* Keys in the caller's environment go in only when the user's own logins do. */
static void add_keys(
	const struct agent_prepare_args *a, const struct preset *preset, struct policy *p)
{
	for (size_t i = 0; i < preset->api_keys.n; i++) {
		const char *name = preset->api_keys.v[i];
		const char *value = caller_env(a->environ, name);

		if (!value || !*value || strvec_env_get(&p->env, name))
			continue;
		if (a->conf->credentials == CONF_CREDENTIALS_HOST)
			strvec_env_set(&p->env, name, value);
		else
			say(a->notes, "%s is set here, but not given to the agent: '-e %s' does",
				name, name);
	}
}

static void add_path_dirs(struct policy *p, const struct strvec *dirs)
{
	const char *path = strvec_env_get(&p->env, "PATH");
	AUTO_FREE char *all = xstrdup(path ? path : "/usr/local/bin:/usr/bin:/bin");

	for (size_t i = dirs->n; i-- > 0;) {
		char *longer = xasprintf("%s:%s", dirs->v[i], all);

		free(all);
		all = longer;
	}
	if (dirs->n > 0)
		strvec_env_set(&p->env, "PATH", all);
}

/* ---- program and arguments --------------------------------------------------------- */

static int add_program(const struct agent_prepare_args *a, const struct preset *preset,
	struct policy *p, struct strvec *argv, struct err **err)
{
	struct program program AUTO_PROGRAM = {};
	struct strvec private AUTO_STRVEC = {};
	AUTO_FREE char *why = xasprintf("agent %s: program", preset->name);
	int r;

	for (size_t i = 0; i < preset->n_credentials; i++)
		strvec_push(&private, preset->credentials[i].path);
	r = program_find(preset->program, caller_env(a->environ, "PATH"), a->places->home, &private,
		&program, err);
	if (r < 0) {
		if (r == -ENOENT && preset->install)
			err_hint(err, "install it: %s", preset->install);
		return r;
	}
	for (size_t i = 0; i < program.mounts.n; i++) {
		/* Of the project everything is inside already. */
		if (!fs_path_within(program.mounts.v[i], p->project))
			policy_add_mount(
				p, program.mounts.v[i], program.mounts.v[i], false, false, why);
	}
	add_path_dirs(p, &program.path_dirs);
	strvec_push(argv, program.path);
	return 0;
}

static int push_expanded(struct strvec *argv, const struct strvec *from,
	const struct preset_values *values, struct err **err)
{
	for (size_t i = 0; i < from->n; i++) {
		char *arg;
		int r = preset_expand(from->v[i], PRESET_TEXT, values, &arg, err);

		if (r < 0)
			return err_wrap(err, "the preset's argument '%s'", from->v[i]);
		strvec_push_take(argv, arg);
	}
	return 0;
}

/*
 * PROGRAM preset-args settings-args resume-args user-args; but when the user's first
 * argument is the word that starts a headless run ("exec", "run"), resuming follows it.
 */
static int add_args(const struct agent_prepare_args *a, const struct preset *preset,
	const struct preset_values *values, struct strvec *argv, struct err **err)
{
	const char *const *rest = a->args;
	const char *word = preset->headless.n > 0 ? preset->headless.v[0] : NULL;
	int r = push_expanded(argv, &preset->args, values, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < a->conf->n_agent_args; i++) {
		if (str_eq(a->conf->agent_args[i].agent, preset->name))
			strvec_extend(argv,
				(const char *const *)strvec_argv(&a->conf->agent_args[i].args));
	}
	if (a->resume && preset->resume.n == 0)
		return err_set(err, ENOTSUP, "resume a conversation of '%s'", preset->name);
	if (a->resume && rest && *rest && word && word[0] != '-' && str_eq(*rest, word))
		strvec_push(argv, *rest++);
	if (a->resume)
		r = push_expanded(argv, &preset->resume, values, err);
	if (r == 0 && rest)
		strvec_extend(argv, rest);
	return r;
}

/* ---- the home ---------------------------------------------------------------------- */

static int write_note(const struct agent_prepare_args *a, const struct preset *preset,
	const struct preset_values *values, const struct agent_home *home, struct err **err)
{
	AUTO_FREE char *path = xasprintf("%s/agents/note.md", a->places->data);
	struct buf b AUTO_BUF = BUF_INIT(NOTE_MAX);
	AUTO_FREE char *text = NULL;
	int r;

	if (!preset->note)
		return 0;
	r = fs_read_at(AT_FDCWD, path, &b);
	if (r < 0)
		return err_set(err, -r, "read what agents are told, '%s'", path);
	r = preset_expand(b.data ? b.data : "", PRESET_TEXT, values, &text, err);
	if (r < 0)
		return err_wrap(err, "'%s'", path);
	return config_write_note(preset, text, home, a->notes);
}

static int seed_home(const struct agent_prepare_args *a, const struct preset *preset,
	const struct agent_home *home, struct err **err)
{
	struct seed_report report AUTO_SEED_REPORT = {};
	int r;

	if (!a->conf->seed || preset->seed.n == 0)
		return 0;
	r = seed_copy(a->places->home, &preset->seed, home, &report, err);
	if (r < 0)
		return r;
	if (a->details)
		strvec_extend(a->details, (const char *const *)strvec_argv(&report.lines));
	return 0;
}

static int write_home(const struct agent_prepare_args *a, const struct preset *preset,
	const struct preset_values *values, struct err **err)
{
	const struct agent_home home = {.fd = a->home, .uid = a->uid, .gid = a->gid};
	/* The user's instructions are seeded once, before the note makes the file. */
	int r = seed_home(a, preset, &home, err);

	if (r == 0)
		r = config_write(preset, values, &home, a->notes, err);
	if (r == 0)
		r = write_note(a, preset, values, &home, err);
	if (r == 0)
		r = credentials_give(preset, a->conf->credentials, a->places->store,
			a->places->home, &home, a->notes, err);
	if (r > 0)
		say(a->details, "gave the agent %d login file%s", r, r == 1 ? "" : "s");
	return r < 0 ? r : 0;
}

int agent_prepare(
	const struct agent_prepare_args *a, struct policy *p, struct strvec *argv, struct err **err)
{
	AUTO_PRESET struct preset *preset = NULL;
	AUTO_FREE char *uid = xasprintf("%u", p->uid);
	AUTO_FREE char *ports = port_words(p);
	struct preset_values values = {
		.home = p->home,
		.project = p->project,
		.uid = uid,
		.ports = ports,
		.work = work_words[p->workspace],
		.env = &p->env,
	};
	int r = preset_load(a->places->data, a->places->config, a->agent, &preset, err);

	if (r < 0)
		return r;
	free(p->agent);
	p->agent = xstrdup(preset->name);
	r = add_program(a, preset, p, argv, err);
	if (r == 0)
		r = add_env(p, &preset->env, &values, err);
	if (r == 0 && p->uid == 0)
		r = add_env(p, &preset->env_root, &values, err);
	if (r < 0)
		return r;
	add_keys(a, preset, p);
	r = add_args(a, preset, &values, argv, err);
	if (r == 0 && a->home >= 0)
		r = write_home(a, preset, &values, err);
	return r < 0 ? err_wrap(err, "prepare the agent '%s'", preset->name) : 0;
}

int agent_collect(const char *agent, enum conf_credentials mode, const struct agent_places *places,
	int home, struct strvec *notes, struct err **err)
{
	AUTO_PRESET struct preset *preset = NULL;
	const struct agent_home h = {.fd = home, .uid = (uid_t)-1, .gid = (gid_t)-1};
	int r = preset_load(places->data, places->config, agent, &preset, err);

	return r < 0 ? r : credentials_take(preset, mode, places->store, &h, notes, err);
}

void agent_list(const struct agent_places *places, struct strvec *ret)
{
	preset_list(places->data, places->config, ret);
}

bool agent_exists(const struct agent_places *places, const char *name)
{
	struct strvec names AUTO_STRVEC = {};

	agent_list(places, &names);
	return strvec_has(&names, name);
}

void agent_places_init(
	struct agent_places *places, const char *data, const char *home, char *const *environ)
{
	*places = (struct agent_places){
		.data = xstrdup(data ? data : BAILEY_DATADIR),
		.config = dirs_config(home, environ),
		.store = dirs_data(home, environ),
		.home = xstrdup(home),
	};
}

void agent_places_done(struct agent_places *places)
{
	free(places->data);
	free(places->config);
	free(places->store);
	free(places->home);
	*places = (struct agent_places){};
}
