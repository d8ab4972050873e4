/* bailey diff: what the inside changed, and a record of what was shown. */
#include "review.h"

#include "workspace/manifest.h"

static bool opt_stat, opt_names, opt_json, opt_exit_code, opt_no_pager;

static const struct opt options[] = {
	OPT_FLAG(0, "stat", &opt_stat, "One line per file"),
	OPT_FLAG(0, "name-only", &opt_names, "Only the paths"),
	OPT_FLAG(0, "json", &opt_json, "As JSON"),
	OPT_FLAG(0, "exit-code", &opt_exit_code, "Exit with 1 when there are changes"),
	OPT_FLAG(0, "no-pager", &opt_no_pager, "Write to standard output"),
	OPT_DONE,
};

static const char text[] =
	"Shows what a sandbox with a staged workspace changed: first what can run code\n"
	"on this host once it is applied, what is refused, deletions and mode changes,\n"
	"then each file. Names and text are shown with everything escaped that could\n"
	"mislead. The full text form is recorded: 'bailey apply' then brings over\n"
	"exactly what was shown. --stat, --name-only and --json record nothing.\n"
	"\n"
	"On a terminal the text goes through $BAILEY_PAGER, $PAGER or less.";

static int run_diff(struct cli *cli, struct cmd_args *args)
{
	AUTO_REVIEW struct review r = REVIEW_INIT;
	AUTO_CHANGES struct change_list *l = NULL;
	struct err *err = NULL;
	struct pager pager;
	struct show w;
	int status, e = 0;

	if (opt_stat + opt_names + opt_json > 1)
		return cli_usage("diff", "--stat, --name-only and --json exclude each other");
	status = review_open(&r, "diff", args);
	if (status)
		return status;
	if (staged_scan(&r.staged, &r.scan, &l, &err) < 0)
		return cli_fail(err);
	review_page_begin(&pager, !opt_no_pager && !opt_json);
	w = (struct show){.out = pager.out,
		.color = cli->color_out && !opt_json && !opt_names,
		.sandbox = r.state->name};
	if (opt_json) {
		show_json(&w, l);
	} else if (opt_names) {
		show_names(&w, l);
	} else {
		show_summary(&w, l);
		if (opt_stat)
			show_stat(&w, &r.staged, l);
		else
			show_diffs(&w, &r.staged, l);
	}
	review_page_end(&pager);
	/* After showing: what changed under our eyes is marked by then. */
	if (!opt_json && !opt_names && !opt_stat)
		e = manifest_show(&r.staged, &r.scan, l, &err);
	if (e < 0)
		return cli_fail(err);
	return opt_exit_code && l->n ? 1 : 0;
}

const struct command cmd_diff = {
	.name = "diff",
	.usage = "[NAME] [--stat|--name-only|--json] [-- PATH...]",
	.summary = "Show what a sandbox changed",
	.text = text,
	.opts = options,
	.complete = "sandbox",
	.run = run_diff,
	.group = "The work",
	.max_operands = 1,
	.takes_rest = CMD_REST_OPTIONAL,
};
