/* bailey logs: what sessions have printed. */
#include "cli.h"
#include "where.h"

#include "base/log.h"
#include "sys/fs.h"
#include "term/filter.h"

#include <fcntl.h>

static uint64_t opt_session;
static bool opt_raw;

static const struct opt options[] = {
	OPT_NUMBER('s', "session", &opt_session, "N", "Session N (default: the newest)"),
	OPT_FLAG(0, "raw", &opt_raw, "Every byte as the session wrote it: never to a terminal"),
	OPT_DONE,
};

/* The newest log, or 0. */
static uint64_t newest(int dir)
{
	AUTO_FD int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR DIR *d = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *de;
	uint64_t best = 0;

	if (!d)
		return 0;
	(void)TAKE_FD(copy);
	while ((de = readdir(d))) {
		AUTO_FREE char *name = xstrdup(de->d_name);
		uint64_t n;

		if (!str_ends(name, ".log"))
			continue;
		name[strlen(name) - 4] = '\0';
		if (parse_u64(name, 1, UINT32_MAX, &n) == 0 && n > best)
			best = n;
	}
	return best;
}

/* The text alone, for a file or a pipe: sequences that passed the filter go, too. */
static void print_plain(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++) {
		char c = b->data[i];

		if (c == '\033' && i + 1 < b->len && b->data[i + 1] == '[') {
			for (i += 2; i < b->len && (b->data[i] < 0x40 || b->data[i] > 0x7e); i++)
				;
		} else if (c == '\033' && i + 1 < b->len && b->data[i + 1] == ']') {
			for (i += 2; i < b->len && b->data[i] != '\a' &&
				     !(b->data[i] == '\\' && b->data[i - 1] == '\033');
				i++)
				;
		} else if (c == '\033') {
			for (i++; i < b->len && b->data[i] >= 0x20 && b->data[i] < 0x30; i++)
				;
		} else if (c == '\n' || c == '\t' || (unsigned char)c >= 0x20) {
			putchar(c);
		}
	}
}

static int print_log(int fd)
{
	struct filter filter = FILTER_INIT;
	bool tty = isatty(STDOUT_FILENO);
	char chunk[65536];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		AUTO_BUF struct buf out = BUF_INIT(0);

		if (opt_raw) {
			fwrite(chunk, 1, (size_t)n, stdout);
			continue;
		}
		filter_run(&filter, chunk, (size_t)n, &out);
		if (tty)
			fwrite(out.data, 1, out.len, stdout);
		else
			print_plain(&out);
	}
	if (tty) {
		AUTO_BUF struct buf reset = BUF_INIT(0);

		modes_undo(&filter.modes, &reset);
		fwrite(reset.data, 1, reset.len, stdout);
	}
	return n < 0 ? -errno : 0;
}

static int run(struct cli *cli, struct cmd_args *args)
{
	AUTO_STATE struct state *state = NULL;
	AUTO_FREE char *name = NULL;
	AUTO_FD int dir = -1;
	AUTO_FD int fd = -1;
	int status;

	(void)cli;
	if (opt_raw && isatty(STDOUT_FILENO))
		return cli_usage(
			"logs", "--raw is not for a terminal: the inside wrote these bytes");
	status = cli_find(args->operands.n ? args->operands.v[0] : NULL, &state);
	if (status)
		return status;
	dir = fs_open_beneath(state->dir, "log", O_RDONLY | O_DIRECTORY, 0);
	name = xasprintf("%llu.log",
		(unsigned long long)(opt_session || dir < 0 ? opt_session : newest(dir)));
	fd = dir < 0 ? -1 : fs_open_beneath(dir, name, O_RDONLY, 0);
	if (fd < 0) {
		log_error("'%s' has no log%s (sessions with a terminal or '--detach' have one)",
			state->name, opt_session ? " of that session" : "");
		return EXIT_FAILED;
	}
	return print_log(fd) < 0 ? EXIT_FAILED : 0;
}

const struct command cmd_logs = {
	.name = "logs",
	.usage = "[NAME]",
	.summary = "Print what a sandbox's session has printed",
	.text = "Escape sequences that could harm a terminal are left out; to a file or pipe all "
		"of them are.",
	.opts = options,
	.complete = "sandbox",
	.max_operands = 1,
	.run = run,
};
