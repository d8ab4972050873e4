/*
 * The way in. Descriptors are put in order before anything else, so that nothing
 * that the caller left open can reach a sandbox; then global options, then the
 * command.
 */
#include "commands.h"
#include "complete.h"

#include "base/log.h"

#include <fcntl.h>
#include <linux/close_range.h>

static struct cli cli = {.color = "auto"};

const struct opt cli_global_opts[] = {
	OPT_GROUP("Global options"),
	OPT_STRING('C', "directory", &cli.directory, "DIR", "Work as if started in DIR", "dir"),
	OPT_FLAG('q', "quiet", &cli.quiet, "Say nothing but errors"),
	OPT_FLAG('v', "verbose", &cli.verbose, "Say what is being done"),
	OPT_STRING(0, "color", &cli.color, "WHEN", "Colours: auto, always or never",
		"auto|always|never"),
	OPT_FLAG('h', "help", &cli.help, "Print this help"),
	OPT_FLAG(0, "version", &cli.version, "Print the version"),
	OPT_DONE,
};

/* 0, 1 and 2 are open, and nothing else survives an exec. */
static int order_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -errno;
	} while (fd <= 2 && fcntl(fd, F_SETFD, 0) == 0);
	(void)close(fd);
	return close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ? -errno : 0;
}

static bool want_color(int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (!str_eq(cli.color, "auto"))
		return str_eq(cli.color, "always");
	return (!no || !*no) && term && !str_eq(term, "dumb") && isatty(fd);
}

int cli_globals(struct cli *c)
{
	static const char *entered;

	if (c->quiet && c->verbose)
		return cli_usage(NULL, "options --quiet and --verbose contradict each other");
	if (!str_eq(c->color, "auto") && !str_eq(c->color, "always") && !str_eq(c->color, "never"))
		return cli_usage(NULL, "option --color is auto, always or never");
	log_set_level(c->quiet ? LOG_QUIET : c->verbose ? LOG_VERBOSE : LOG_NORMAL);
	c->color_out = want_color(STDOUT_FILENO);
	c->color_err = want_color(STDERR_FILENO);
	if (c->directory && c->directory != entered) {
		if (chdir(c->directory) < 0) {
			AUTO_FREE char *quoted = opt_quote(c->directory);

			return cli_usage(
				NULL, "enter the directory %s: %s", quoted, strerror(errno));
		}
		entered = c->directory;
	}
	return 0;
}

/* What was printed must have arrived, or a script would take a part for the whole. */
static int finish(int status)
{
	if ((fflush(stdout) == 0 && !ferror(stdout)) || status != 0)
		return status;
	log_error("write the output: %s", strerror(errno));
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	const struct opt *const tables[] = {cli_global_opts};
	struct opt_result none = {0};
	struct err *err = NULL;
	int n, r;

	r = order_descriptors();
	if (r < 0) {
		log_error("put the open files in order: %s", strerror(-r));
		return EXIT_FAILED;
	}
	if (argc < 1)
		return cli_usage(NULL, "no arguments at all");
	/* Not an option: what follows are words of a line that is being typed. */
	if (argc > 1 && str_eq(argv[1], "--complete"))
		return finish(cli_complete(argc - 2, argv + 2, stdout));
	n = opt_parse(tables, 1, argc - 1, argv + 1, true, &none, &err);
	opt_result_done(&none);
	if (n < 0)
		return cli_usage_err(NULL, err);
	r = cli_globals(&cli);
	if (r != 0)
		return r;
	argv += 1 + n;
	argc -= 1 + n;
	if (cli.version && !cli.help)
		return finish(cli_dispatch(&cli, 1, (char *[]){(char *)"version", NULL}));
	if (argc == 0 && cli.help) {
		cli_help(NULL, stdout);
		return finish(0);
	}
	if (argc == 0)
		return cli_usage(NULL, "no command");
	return finish(cli_dispatch(&cli, argc, argv));
}
