/* bailey apply: brings changes of the inside to the project. */
#include "review.h"
#include "where.h"

#include "base/log.h"
#include "workspace/apply.h"
#include "workspace/manifest.h"
#include "workspace/surface.h"

static struct strvec opt_accept;
static bool opt_yes, opt_overwrite;

static const struct opt options[] = {
	OPT_LIST(0, "accept", &opt_accept, "CLASS",
		"Also what belongs to this class of 'bailey diff'", "class"),
	OPT_FLAG('y', "yes", &opt_yes, "Do not ask; classes still need --accept"),
	OPT_FLAG(0, "overwrite", &opt_overwrite,
		"Also over files that were changed on the host meanwhile"),
	OPT_DONE,
};

static const char text[] =
	"Copies the changes of a staged workspace to the project, each file at once or not\n"
	"at all. After a 'bailey diff' exactly what it showed is applied, and what changed\n"
	"since is left out. Without one, the summary is shown and a question asked.\n"
	"\n"
	"What could run code on this host is left out until its class is accepted: on a\n"
	"terminal each class is asked for, otherwise --accept=CLASS (repeatable; 'all' is\n"
	"every class) says yes. A file of several classes needs all of them. Setuid and\n"
	"setgid files, FIFOs, sockets and device nodes are never applied.\n"
	"\n"
	"Exit status: 0 when everything was applied or there was nothing to apply, 1 when\n"
	"something was left out (the rest is applied), 125 when the apply itself failed.";

static int parse_accept(unsigned *ret)
{
	*ret = 0;
	for (size_t i = 0; i < opt_accept.n; i++) {
		unsigned class = surface_parse(opt_accept.v[i]);

		if (!class) {
			AUTO_FREE char *shown = str_escape0(opt_accept.v[i]);
			const char *names[SURFACE_N];
			const char *near;

			for (size_t k = 0; k < SURFACE_N; k++)
				names[k] = surface_classes[k].name;
			near = str_nearest(opt_accept.v[i], names, SURFACE_N);
			return near ? cli_usage("apply", "unknown class '%s' (did you mean '%s'?)",
					      shown, near)
				    : cli_usage("apply", "unknown class '%s'", shown);
		}
		*ret |= class;
	}
	return 0;
}

/* The number of entries that only the missing yes for this class holds back. */
static size_t count_class(const struct change_list *l, unsigned bit)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->v[i].outcome == OUTCOME_CLASS && (l->v[i].classes & bit);
	return n;
}

static bool is_interactive(void)
{
	return !opt_yes && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* Each class that is not accepted yet gets its own question. */
static unsigned ask_classes(const struct change_list *l, unsigned accepted)
{
	if (!is_interactive())
		return accepted;
	fflush(stdout);
	for (unsigned c = 0; c < SURFACE_N; c++) {
		size_t n = accepted & 1U << c ? 0 : count_class(l, 1U << c);
		AUTO_FREE char *question = NULL;

		if (!n)
			continue;
		question = xasprintf("%zu of class '%s' (%s): apply %s?", n,
			surface_classes[c].name, surface_classes[c].why, n == 1 ? "it" : "them");
		if (cli_confirm(question))
			accepted |= 1U << c;
	}
	return accepted;
}

static size_t count_outcome(const struct change_list *l, enum outcome o)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->v[i].outcome == o;
	return n;
}

static int run_apply(struct cli *cli, struct cmd_args *args)
{
	AUTO_REVIEW struct review r = REVIEW_INIT;
	AUTO_CHANGES struct change_list *l = NULL;
	AUTO_CHANGES struct change_list *shown = NULL;
	struct apply_opts o = {.overwrite = opt_overwrite};
	struct show w = {.out = stdout, .color = cli->color_out};
	struct err *err = NULL;
	int status = parse_accept(&o.accept);

	if (status == 0)
		status = review_open(&r, "apply", args);
	if (status)
		return status;
	w.sandbox = r.state->name;
	if (staged_scan(&r.staged, &r.scan, &l, &err) < 0 ||
		manifest_load(&r.staged, &shown, &err) < 0)
		return cli_fail(err);
	if (l->n == 0) {
		log_note("nothing to apply");
		return 0;
	}
	o.shown = shown;
	if (!shown)
		show_summary(&w, l);
	apply_plan(l, &o);
	o.accept = ask_classes(l, o.accept);
	apply_plan(l, &o);
	if (!shown && !opt_yes && count_outcome(l, OUTCOME_NONE)) {
		AUTO_FREE char *question = xasprintf(
			"apply %zu of %zu changes?", count_outcome(l, OUTCOME_NONE), l->n);

		fflush(stdout);
		if (!cli_confirm(question))
			return 1;
	}
	if (count_outcome(l, OUTCOME_NONE) && apply_run(&r.staged, l, &o, &err) < 0)
		return cli_fail(err);
	if (!cli->quiet || count_outcome(l, OUTCOME_APPLIED) != l->n)
		show_outcomes(&w, l);
	if (count_outcome(l, OUTCOME_NOT_SHOWN))
		log_note("run 'bailey diff %s' to see what changed since", r.state->name);
	if (count_outcome(l, OUTCOME_APPLIED) && state_running(r.state))
		log_note("'%s' is running: it is sure to see the project as it is now only "
			 "after its next start",
			r.state->name);
	return count_outcome(l, OUTCOME_APPLIED) == l->n ? 0 : 1;
}

const struct command cmd_apply = {
	.name = "apply",
	.usage = "[NAME] [--accept=CLASS...] [-- PATH...]",
	.summary = "Bring a sandbox's changes to the project",
	.text = text,
	.opts = options,
	.complete = "sandbox",
	.run = run_apply,
	.max_operands = 1,
	.takes_rest = CMD_REST_OPTIONAL,
};
