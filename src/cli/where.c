#include "where.h"

#include "base/log.h"
#include "plan.h"

char *cli_project(void)
{
	AUTO_PLAN struct plan where = {0};
	struct err *err = NULL;

	if (plan_begin(&where, &err) < 0) {
		cli_fail(err);
		return NULL;
	}
	return TAKE_PTR(where.project);
}

int cli_find(const char *name, struct state **ret)
{
	AUTO_FREE char *project = cli_project();
	struct err *err = NULL;

	if (!project)
		return EXIT_FAILED;
	return state_find(project, name, ret, &err) < 0 ? cli_fail(err) : 0;
}

int cli_connect(const struct state *state)
{
	int conn = state_connect(state);

	if (conn < 0)
		log_error("'%s' is not running (bailey shell %s starts it)", state->name,
			state->name);
	return conn < 0 ? -1 : conn;
}

bool cli_confirm(const char *question)
{
	char answer[16];

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		log_error("%s needs a yes: on a terminal, or with --yes", question);
		return false;
	}
	fprintf(stderr, "%s [y/N] ", question);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}
