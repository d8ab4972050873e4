#include "plan.h"

#include "base/log.h"
#include "conf/dirs.h"
#include "conf/trust.h"
#include "config_print.h"
#include "sys/fs.h"

static bool opt_origin, opt_json, opt_yes, opt_man;

static const struct opt opts[] = {
	OPT_GROUP("Options"),
	OPT_FLAG(0, "origin", &opt_origin, "show: say where each value comes from"),
	OPT_FLAG(0, "json", &opt_json, "show, path: print JSON"),
	OPT_FLAG('y', "yes", &opt_yes, "trust: approve without asking"),
	/* For building the manual; no help, so not listed. */
	OPT_FLAG(0, "man", &opt_man, NULL),
	OPT_DONE,
};

/* The settings as they are here; unapproved project files are looked at, not obeyed. */
static int look(struct plan *plan, struct conf_load_args *args, struct err **err)
{
	int r = plan_begin(plan, err);

	if (r < 0)
		return r;
	*args = plan_conf_args(plan, NULL);
	args->approve = NULL;
	args->no_trust = true;
	return conf_load(args, &plan->conf, &plan->origins, err);
}

static int failed(int r, struct err *err)
{
	return r == -EINVAL ? cli_wrong(err) : cli_fail(err);
}

static int config_show(const char *file UNUSED)
{
	AUTO_PLAN struct plan plan = {0};
	struct conf_load_args args;
	struct err *err = NULL;
	int r = look(&plan, &args, &err);

	if (r < 0)
		return failed(r, err);
	if (opt_json)
		config_print_json(plan.conf, plan.origins, stdout);
	else
		config_print(plan.conf, opt_origin ? plan.origins : NULL, stdout);
	return 0;
}

static int config_check(const char *file)
{
	AUTO_PLAN struct plan plan = {0};
	struct conf_load_args args;
	struct err *err = NULL;
	int r;

	if (!file) {
		r = look(&plan, &args, &err);
	} else {
		r = plan_begin(&plan, &err);
		if (r == 0) {
			AUTO_FREE char *path = fs_path_clean(plan.caller.cwd, file);

			args = plan_conf_args(&plan, NULL);
			r = conf_check_file(&args, path, &err);
		}
	}
	if (r < 0)
		return failed(r, err);
	log_note("no mistakes found");
	return 0;
}

static int config_schema(const char *file UNUSED)
{
	if (opt_man)
		config_print_man(stdout);
	else
		config_print_schema(stdout);
	return 0;
}

static int config_path(const char *file UNUSED)
{
	AUTO_PLAN struct plan plan = {0};
	struct conf_file files[CONF_FILES];
	struct conf_load_args args;
	struct err *err = NULL;
	size_t n;
	int r = plan_begin(&plan, &err);

	if (r < 0)
		return cli_fail(err);
	args = plan_conf_args(&plan, NULL);
	n = conf_files(&args, files);
	config_print_paths(files, n, opt_json, stdout);
	for (size_t i = 0; i < n; i++)
		free(files[i].path);
	return 0;
}

struct asked {
	unsigned n;
};

static bool approve_by_option(void *ctx, const char *file, const struct strvec *clauses)
{
	struct asked *asked = ctx;

	asked->n++;
	if (!opt_yes)
		return cli_approve(NULL, file, clauses);
	log_note("approved %s:", file);
	for (size_t i = 0; i < clauses->n; i++)
		log_note("  %s", clauses->v[i]);
	return true;
}

/* The project that a named file belongs to, or the one we are in. */
static int begin_for(struct plan *plan, const char *file, char **ret_path, struct err **err)
{
	AUTO_FREE char *path = NULL;
	const char *name;
	int r = plan_begin(plan, err);

	if (r < 0 || !file)
		return r;
	path = fs_path_clean(plan->caller.cwd, file);
	name = strrchr(path, '/') + 1;
	if (!str_eq(name, "bailey.toml") && !str_eq(name, "bailey.local.toml")) {
		AUTO_FREE char *quoted = opt_quote(file);

		err_set(err, 0,
			"%s is no project's file: only bailey.toml and bailey.local.toml "
			"need approval",
			quoted);
		return -EINVAL;
	}
	free(plan->project);
	plan->project = xstrndup(path, name - path > 1 ? (size_t)(name - path - 1) : 1);
	*ret_path = TAKE_PTR(path);
	return 0;
}

static int config_trust(const char *file)
{
	AUTO_PLAN struct plan plan = {0};
	AUTO_FREE char *path = NULL;
	struct asked asked = {0};
	struct conf_load_args args;
	struct err *err = NULL;
	int r = begin_for(&plan, file, &path, &err);

	if (r == 0 && path && access(path, F_OK) < 0)
		r = err_set(&err, errno, "read the file");
	if (r < 0)
		return failed(r, err);
	args = plan_conf_args(&plan, NULL);
	if (opt_yes || args.approve) {
		args.approve = approve_by_option;
		args.approve_ctx = &asked;
	}
	r = conf_load(&args, &plan.conf, &plan.origins, &err);
	if (r == -EACCES && !args.approve) {
		/* The usual hint would lead back to here. */
		free(err->hint);
		err->hint = xstrdup("there is no terminal to ask on; --yes approves");
	}
	if (r == -EACCES && asked.n) {
		err_free(err);
		log_error("not approved");
		return EXIT_FAILED;
	}
	if (r < 0)
		return failed(r, err);
	if (!asked.n)
		log_note("nothing here needs approval, or it has it already");
	return 0;
}

static int config_untrust(const char *file)
{
	AUTO_PLAN struct plan plan = {0};
	AUTO_FREE char *path = NULL, *state = NULL;
	struct conf_file files[CONF_FILES];
	struct conf_load_args args;
	struct err *err = NULL;
	int r = begin_for(&plan, file, &path, &err), dropped = 0;
	size_t n;

	if (r < 0)
		return failed(r, err);
	args = plan_conf_args(&plan, NULL);
	state = dirs_state(plan.caller.home, environ);
	n = conf_files(&args, files);
	for (size_t i = 0; i < n; i++) {
		if (r >= 0 && files[i].project && (!path || str_eq(path, files[i].path))) {
			r = trust_drop(state, files[i].path, &err);
			dropped += r > 0 ? r : 0;
		}
		free(files[i].path);
	}
	if (r < 0)
		return cli_fail(err);
	log_note(dropped ? "approval forgotten" : "there was no approval");
	return 0;
}

static const struct verb {
	const char *name;
	int (*run)(const char *file);
	bool file, origin, json, yes, man; /* what it takes */
} verbs[] = {
	{"show", config_show, .origin = true, .json = true},
	{"check", config_check, .file = true},
	{"schema", config_schema, .man = true},
	{"path", config_path, .json = true},
	{"trust", config_trust, .file = true, .yes = true},
	{"untrust", config_untrust, .file = true},
};

static int run_config(struct cli *cli UNUSED, struct cmd_args *args)
{
	const char *word = args->operands.v[0];
	const char *file = args->operands.n > 1 ? args->operands.v[1] : NULL;
	AUTO_FREE char *quoted = opt_quote(word);
	const char *names[ARRAY_SIZE(verbs)], *near;

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		const struct verb *v = &verbs[i];

		names[i] = v->name;
		if (!str_eq(v->name, word))
			continue;
		if (file && !v->file)
			return cli_usage("config", "'config %s' takes no file", word);
		if ((opt_origin && !v->origin) || (opt_json && !v->json) || (opt_yes && !v->yes) ||
			(opt_man && !v->man))
			return cli_usage("config", "'config %s' does not take option --%s", word,
				opt_origin && !v->origin ? "origin"
				: opt_json && !v->json	 ? "json"
				: opt_yes && !v->yes	 ? "yes"
							 : "man");
		return v->run(file);
	}
	near = str_nearest(word, names, ARRAY_SIZE(verbs));
	if (near)
		return cli_usage(
			"config", "unknown operand %s; did you mean 'config %s'?", quoted, near);
	return cli_usage("config", "unknown operand %s", quoted);
}

extern const struct command cmd_config;
const struct command cmd_config = {
	.name = "config",
	.group = "The tool",
	.usage = "show|check [FILE]|trust [FILE]|untrust [FILE]|schema|path",
	.summary = "Look at, check and approve settings",
	.text = "show prints all settings as they are here; with --origin also where each comes "
		"from. check reads all files, or one, and says the first mistake. trust approves "
		"what the project's own file asks for beyond your settings; untrust takes that "
		"back. schema prints the JSON schema of bailey.toml. path lists the files that "
		"are read, in order.",
	.opts = opts,
	.complete = "show|check|trust|untrust|schema|path file",
	.min_operands = 1,
	.max_operands = 2,
	.run = run_config,
};
