/*
 * Runs a command on a terminal of its own and plays its user from a script:
 *
 *   ptyrun [-r ROWS] [-c COLS] SCRIPT -- COMMAND [ARGS]      SCRIPT "-" is stdin
 *
 * One step per line; # begins a comment. TEXT is the rest of the line, with \r \n \t \e
 * \\ \s (a space) \xHH \cX (a control character, as in \cP).
 *
 *   expect TEXT     wait until a line of the screen has TEXT
 *   bytes TEXT      wait until TEXT has been put out, exactly, since the last such wait
 *   absent TEXT     fails if the screen has TEXT
 *   never TEXT      fails if TEXT has been put out at all
 *   type TEXT       as the user's keyboard
 *   size ROWS COLS  changes the window
 *   raw, cooked     wait until the terminal is in that mode
 *   save, same      remember the terminal's settings; fails unless they are again the same
 *   signal N        sends signal number N to the command (not its group)
 *   stopped         wait until the command has stopped (the shell takes the terminal)
 *   fg              continue it in the foreground
 *   exit N          wait until it has exited, with status N (128+n for a signal)
 *   screen          prints the screen to stdout
 *   pid             prints the command's process id to stdout
 *   sh COMMAND      runs a shell command on the side; must succeed
 *
 * At the end of the script the command is killed, if it is still there. Exit status: 0;
 * 1 when a step failed, which is told on stderr with the screen; 2 for wrong usage.
 */
#include "ptylib.h"

#include <signal.h>
#include <sys/wait.h>

static struct pty *pty;
static struct termios saved;

static size_t unescape(const char *s, char *out)
{
	static const char *const hex = "0123456789abcdef";
	size_t n = 0;

	for (; *s; s++) {
		const char *a, *b;

		if (*s != '\\' || !s[1]) {
			out[n++] = *s;
			continue;
		}
		switch (*++s) {
		case 'r':
			out[n++] = '\r';
			break;
		case 'n':
			out[n++] = '\n';
			break;
		case 't':
			out[n++] = '\t';
			break;
		case 'e':
			out[n++] = '\033';
			break;
		case 's':
			out[n++] = ' ';
			break;
		case 'c':
			if (s[1])
				out[n++] = (char)(*++s & 0x1f);
			break;
		case 'x':
			a = s[1] ? strchr(hex, s[1]) : NULL;
			b = a && s[2] ? strchr(hex, s[2]) : NULL;
			if (b) {
				out[n++] = (char)((a - hex) << 4 | (b - hex));
				s += 2;
			}
			break;
		default:
			out[n++] = *s;
		}
	}
	out[n] = '\0';
	return n;
}

static bool number(const char *s, uint64_t max, uint64_t *ret)
{
	return parse_u64(s, 0, max, ret) == 0;
}

static bool do_expect(char *text, size_t n UNUSED)
{
	return pty_expect(pty, text);
}

static bool do_bytes(char *text, size_t n)
{
	return pty_expect_bytes(pty, text, n);
}

static bool do_absent(char *text, size_t n UNUSED)
{
	pty_pump(pty, 0);
	return !pty_on_screen(pty, text);
}

static bool do_never(char *text, size_t n)
{
	const struct buf *b = pty_bytes(pty);

	return !b->len || !memmem(b->data, b->len, text, n);
}

static bool do_type(char *text, size_t n)
{
	pty_type(pty, text, n);
	return true;
}

static bool do_size(char *text, size_t n UNUSED)
{
	char *space = strchr(text, ' ');
	uint64_t rows, cols;

	if (!space)
		return false;
	*space = '\0';
	if (!number(text, 500, &rows) || !number(space + 1, 1000, &cols))
		return false;
	pty_resize(pty, (unsigned)rows, (unsigned)cols);
	return true;
}

static bool do_raw(char *text UNUSED, size_t n UNUSED)
{
	return pty_expect_raw(pty, true);
}

static bool do_cooked(char *text UNUSED, size_t n UNUSED)
{
	return pty_expect_raw(pty, false);
}

static bool do_save(char *text UNUSED, size_t n UNUSED)
{
	saved = pty_termios(pty);
	return true;
}

static bool do_same(char *text UNUSED, size_t n UNUSED)
{
	struct termios now = pty_termios(pty);

	return now.c_iflag == saved.c_iflag && now.c_oflag == saved.c_oflag &&
	       now.c_cflag == saved.c_cflag && now.c_lflag == saved.c_lflag &&
	       memcmp(now.c_cc, saved.c_cc, sizeof(now.c_cc)) == 0;
}

static bool do_signal(char *text, size_t n UNUSED)
{
	uint64_t signo;

	return number(text, 64, &signo) && kill(pty_pid(pty), (int)signo) == 0;
}

static bool do_stopped(char *text UNUSED, size_t n UNUSED)
{
	int status;

	return pty_wait(pty, &status) && WIFSTOPPED(status);
}

static bool do_fg(char *text UNUSED, size_t n UNUSED)
{
	pty_continue(pty);
	return true;
}

static bool do_exit(char *text, size_t n UNUSED)
{
	uint64_t want;
	int status, got;

	if (!number(text, 255, &want) || !pty_wait(pty, &status) || WIFSTOPPED(status))
		return false;
	got = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (got != (int)want)
		fprintf(stderr, "ptyrun: exit status %d\n", got);
	return got == (int)want;
}

static bool do_screen(char *text UNUSED, size_t n UNUSED)
{
	AUTO_BUF struct buf b = BUF_INIT(0);

	pty_pump(pty, 0);
	pty_screen(pty, &b);
	fwrite(b.data, 1, b.len, stdout);
	return fflush(stdout) == 0;
}

static bool do_pid(char *text UNUSED, size_t n UNUSED)
{
	printf("%d\n", (int)pty_pid(pty));
	return fflush(stdout) == 0;
}

static bool do_sh(char *text, size_t n UNUSED)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", text, (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static const struct {
	const char *name;
	bool (*run)(char *text, size_t n);
	bool plain; /* the text is not unescaped */
} steps[] = {
	{"expect", do_expect, false},
	{"bytes", do_bytes, false},
	{"absent", do_absent, false},
	{"never", do_never, false},
	{"type", do_type, false},
	{"size", do_size, true},
	{"raw", do_raw, true},
	{"cooked", do_cooked, true},
	{"save", do_save, true},
	{"same", do_same, true},
	{"signal", do_signal, true},
	{"stopped", do_stopped, true},
	{"fg", do_fg, true},
	{"exit", do_exit, true},
	{"screen", do_screen, true},
	{"pid", do_pid, true},
	{"sh", do_sh, true},
};

/* 0, 1 or 2 as the program's exit status. */
static int step(char *line)
{
	char *text = line + strcspn(line, " ");
	AUTO_FREE char *plain = NULL;
	size_t n;

	if (*text)
		*text++ = '\0';
	plain = xstrdup(text);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (!str_eq(steps[i].name, line))
			continue;
		n = steps[i].plain ? strlen(plain) : unescape(text, plain);
		return steps[i].run(plain, n) ? 0 : 1;
	}
	return 2;
}

static int run(FILE *script)
{
	AUTO_FREE char *line = NULL;
	size_t cap = 0;
	int at = 0;

	while (getline(&line, &cap, script) > 0) {
		AUTO_FREE char *copy = NULL;
		int r;

		at++;
		line[strcspn(line, "\n")] = '\0';
		if (!*line || *line == '#')
			continue;
		copy = xstrdup(line);
		r = step(line);
		if (r) {
			AUTO_BUF struct buf b = BUF_INIT(0);

			pty_screen(pty, &b);
			fprintf(stderr, "ptyrun: line %d: %s: %s\n--- screen\n%s---\n", at,
				r == 2 ? "no such step" : "failed", copy, b.data);
			return r;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t rows = 24, cols = 80;
	FILE *script;
	int c, r;

	while ((c = getopt(argc, argv, "+r:c:")) != -1)
		if (c == '?' || !number(optarg, 1000, c == 'r' ? &rows : &cols))
			return 2;
	if (argc - optind < 3 || !str_eq(argv[optind + 1], "--")) {
		fprintf(stderr, "usage: ptyrun [-r ROWS] [-c COLS] SCRIPT -- COMMAND [ARGS]\n");
		return 2;
	}
	script = str_eq(argv[optind], "-") ? stdin : fopen(argv[optind], "re");
	if (!script) {
		perror(argv[optind]);
		return 2;
	}
	pty = pty_start_argv((unsigned)rows, (unsigned)cols, argv + optind + 2);
	r = run(script);
	pty_free(pty);
	if (script != stdin)
		fclose(script);
	return r;
}
