/* bailey discard: takes changes of the inside back. */
#include "review.h"
#include "where.h"

#include "base/log.h"
#include "workspace/discard.h"

static bool opt_yes;

static const struct opt options[] = {
	OPT_FLAG('y', "yes", &opt_yes, "Do not ask"),
	OPT_DONE,
};

static const char text[] =
	"Throws changes of a staged workspace away, all or those at the given paths, so\n"
	"that the sandbox sees the project's files again. The sandbox must be stopped.\n"
	"A file below a directory that was deleted or replaced as a whole cannot come\n"
	"back alone: discard the directory.";

static bool confirm(const struct review *r, const struct change_list *l)
{
	AUTO_FREE char *question = NULL;

	if (opt_yes)
		return true;
	question = xasprintf("discard %zu change%s of '%s'%s?", l->n, l->n == 1 ? "" : "s",
		r->state->name, r->paths.n ? " at these paths" : "");
	return cli_confirm(question);
}

static int discard(struct review *r, struct err **err)
{
	int e = 0;

	if (!r->paths.n)
		return discard_all(&r->staged, err);
	for (size_t i = 0; e == 0 && i < r->paths.n; i++)
		e = *r->paths.v[i] ? discard_path(&r->staged, r->paths.v[i], err)
				   : discard_all(&r->staged, err);
	return e;
}

static int run_discard(struct cli *cli, struct cmd_args *args)
{
	AUTO_REVIEW struct review r = REVIEW_INIT;
	AUTO_CHANGES struct change_list *l = NULL;
	struct show w = {.out = stderr, .color = cli->color_err};
	struct err *err = NULL;
	int e, status = review_open(&r, "discard", args);

	if (status)
		return status;
	w.sandbox = r.state->name;
	/* Held until the end: it cannot start while its layer is being changed. */
	e = state_lock(r.state);
	if (e < 0) {
		err_set(&err, e == -EBUSY ? 0 : -e, "'%s' is running", r.state->name);
		err_hint(&err, "bailey stop %s", r.state->name);
		return cli_fail(err);
	}
	if (staged_scan(&r.staged, &r.scan, &l, &err) < 0)
		return cli_fail(err);
	if (!opt_yes)
		show_summary(&w, l);
	if (!confirm(&r, l))
		return 1;
	e = discard(&r, &err);
	state_unlock(r.state);
	if (e < 0)
		return cli_fail(err);
	log_note("discarded %zu change%s", l->n, l->n == 1 ? "" : "s");
	return 0;
}

const struct command cmd_discard = {
	.name = "discard",
	.usage = "[NAME] [-y] [-- PATH...]",
	.summary = "Throw a sandbox's changes away",
	.text = text,
	.opts = options,
	.complete = "sandbox",
	.run = run_discard,
	.max_operands = 1,
	.takes_rest = CMD_REST_OPTIONAL,
};
