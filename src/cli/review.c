#include "review.h"

#include "where.h"

#include "base/log.h"
#include "sys/fs.h"
#include "workspace/journal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

/* The paths after "--", seen from the current directory. */
static int take_paths(struct review *r, const char *command, const struct strvec *rest)
{
	AUTO_FREE char *cwd = getcwd(NULL, 0);

	for (size_t i = 0; i < rest->n; i++) {
		AUTO_FREE char *path = fs_path_clean(cwd, rest->v[i]);
		const char *inside = str_after(path, r->state->project);
		AUTO_FREE char *shown = str_escape0(rest->v[i]);

		if (!*rest->v[i] || !fs_path_within(path, r->state->project))
			return cli_usage(command, "'%s' is not in the project", shown);
		while (*inside == '/')
			inside++;
		strvec_push(&r->paths, inside);
	}
	r->scan.paths = (const char *const *)r->paths.v;
	r->scan.n_paths = r->paths.n;
	return 0;
}

/*
 * Overlayfs makes its work directory anew with every mount, and the inside cannot see
 * it: its birth is the moment of the last start.
 */
static struct timespec last_start(const struct state *state)
{
	AUTO_FD int fd = fs_open_beneath(state->dir, "layer/work/work", O_PATH, 0);
	struct statx x;

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &x) < 0 ||
		!(x.stx_mask & STATX_BTIME))
		return (struct timespec){0};
	return (struct timespec){x.stx_btime.tv_sec, x.stx_btime.tv_nsec};
}

static int open_layer(struct review *r, struct err **err)
{
	AUTO_FREE char *upper = xasprintf("%s/layer/upper", r->state->path);
	struct journal_found found = {0};
	int e = staged_open(r->state->project, upper, r->state->path, &r->staged, err);

	if (e < 0)
		return e;
	r->staged.since = r->state->since;
	r->staged.started = last_start(r->state);
	e = staged_lock(&r->staged, &r->lock, err);
	if (e < 0)
		return e;
	e = journal_recover(&r->staged, &found, err);
	if (e > 0)
		log_note("cleaned up after an apply that was interrupted (%zu of %zu done)",
			found.done, found.planned);
	return e < 0 ? e : 0;
}

int review_open(struct review *r, const char *command, struct cmd_args *args)
{
	struct err *err = NULL;
	int status = cli_find(args->operands.n ? args->operands.v[0] : NULL, &r->state);

	if (status)
		return status;
	if (r->state->workspace != CONF_WORKSPACE_STAGED) {
		log_error(
			"'%s' has no staged workspace: its work is not held back", r->state->name);
		return EXIT_FAILED;
	}
	status = take_paths(r, command, &args->rest);
	if (status)
		return status;
	return open_layer(r, &err) < 0 ? cli_fail(err) : 0;
}

bool review_has_changes(struct state *state)
{
	AUTO_STAGED struct staged s = STAGED_INIT;
	AUTO_CHANGES struct change_list *l = NULL;
	AUTO_FREE char *upper = xasprintf("%s/layer/upper", state->path);

	if (access(upper, F_OK) < 0 && errno == ENOENT)
		return false;
	return staged_open(state->project, upper, state->path, &s, NULL) < 0 ||
	       upper_scan(&s, &(struct scan_opts){.any = true}, &l, NULL) < 0 || l->n > 0;
}

void review_done(struct review *r)
{
	r->lock = fd_close(r->lock);
	staged_done(&r->staged);
	state_free(r->state);
	r->state = NULL;
	strvec_done(&r->paths);
}

/* The user's pager, split at blanks: no shell sees it. */
static void pager_argv(struct strvec *argv)
{
	const char *set = getenv("BAILEY_PAGER");
	AUTO_FREE char *copy = NULL;
	char *rest, *word;

	if (!set)
		set = getenv("PAGER");
	copy = xstrdup(set ? set : "less -RFX");
	rest = copy;
	while ((word = strsep(&rest, " \t")))
		if (*word)
			strvec_push(argv, word);
}

void review_page_begin(struct pager *p, bool wanted)
{
	AUTO_STRVEC struct strvec argv = {0};
	int fds[2];

	*p = (struct pager){.out = stdout};
	pager_argv(&argv);
	if (!wanted || !isatty(STDOUT_FILENO) || argv.n == 0 || str_eq(argv.v[0], "cat") ||
		pipe2(fds, O_CLOEXEC) < 0)
		return;
	fflush(NULL);
	p->pid = fork();
	if (p->pid == 0) {
		/*
		 * less without its doors to the shell, editors and preprocessors: what it
		 * shows was written by the inside.
		 */
		setenv("LESSSECURE", "1", 1);
		unsetenv("LESSOPEN");
		unsetenv("LESSCLOSE");
		setenv("LESS", "FRX", 0);
		setenv("LV", "-c", 0);
		/* Our own copy of the writing end would keep the text from ever ending. */
		fd_close(fds[1]);
		if (dup2(fds[0], STDIN_FILENO) < 0)
			_exit(127);
		execvp(argv.v[0], strvec_argv(&argv));
		/* No pager: the text itself, then. */
		{
			char chunk[4096];
			ssize_t n;

			while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0)
				if (fs_write_all(STDOUT_FILENO, chunk, (size_t)n) < 0)
					_exit(1);
		}
		_exit(0);
	}
	fd_close(fds[0]);
	if (p->pid > 0)
		p->out = fdopen(fds[1], "w");
	if (p->pid < 0 || !p->out) {
		fd_close(fds[1]);
		*p = (struct pager){.out = stdout};
		return;
	}
	/* The user may leave the pager early. */
	signal(SIGPIPE, SIG_IGN);
}

void review_page_end(struct pager *p)
{
	int status;

	if (p->pid <= 0) {
		fflush(stdout);
		return;
	}
	(void)fclose(p->out);
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	p->pid = 0;
}
