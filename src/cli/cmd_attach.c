/* bailey attach: back to a session. */
#include "cli.h"
#include "start.h"
#include "where.h"

#include "conf/conf.h"
#include "session/client.h"

static bool opt_watch;
static uint64_t opt_session;
static const char *opt_keys = "ctrl-p,ctrl-q";

static const struct opt options[] = {
	OPT_FLAG('w', "watch", &opt_watch, "Only look: nothing that you type reaches the session"),
	OPT_NUMBER('s', "session", &opt_session, "N",
		"Session N of 'bailey status' (default: the newest)"),
	OPT_STRING(0, "detach-keys", &opt_keys, "KEYS", "Keys that detach", NULL),
	OPT_DONE,
};

static int run(struct cli *cli, struct cmd_args *args)
{
	AUTO_STATE struct state *state = NULL;
	struct client_end end = {0};
	struct err *err = NULL;
	int status, r;

	(void)cli;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return cli_usage("attach", "attaching needs a terminal");
	if (opt_session > UINT32_MAX)
		return cli_usage(
			"attach", "there is no session %llu", (unsigned long long)opt_session);
	status = cli_find(args->operands.n ? args->operands.v[0] : NULL, &state);
	if (status)
		return status;
	AUTO_FD int conn = cli_connect(state);

	if (conn < 0)
		return EXIT_FAILED;
	r = client_attach(conn, (uint32_t)opt_session, opt_watch, opt_keys, &end, &err);
	if (r < 0) {
		free(end.reason);
		return cli_fail(err);
	}
	return cli_end(state->name, &end);
}

const struct command cmd_attach = {
	.name = "attach",
	.usage = "[NAME]",
	.summary = "Return to a sandbox's session; ctrl-p ctrl-q leaves it again",
	.text = "The screen is redrawn. Several may be attached at once.",
	.opts = options,
	.complete = "sandbox",
	.max_operands = 1,
	.run = run,
};
