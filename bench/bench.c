/*
 * Times commands against each other, without a shell in the way.
 *
 *   bench [-n RUNS] [-w WARMUPS] [-r] NAME CMD ARGS --vs CMD ARGS
 *       Runs the two by turns, each turn in the other order than the last, so that what
 *       the machine does meanwhile falls on both. Prints one line, tab-separated:
 *       NAME, then median, 10th and 90th percentile and least of the first and of the
 *       second in microseconds, then the ratio of the medians.
 *       -r: the time is what the command prints, in nanoseconds ("bench time" does).
 *   bench time CMD ARGS
 *       Runs it once and prints how long it took, in nanoseconds.
 *   bench storm DIR FILES
 *       Creates, writes, stats, renames and unlinks that many small files.
 *
 * A command that does not exit with 0 ends the bench with 1: a number from a failed
 * run is worth nothing.
 */
#include "base/mem.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define MAX_RUNS 10000

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

NORETURN PRINTF_LIKE(1, 2) static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("bench: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

/* out: where standard output goes, or -1 for /dev/null. Returns nanoseconds. */
static uint64_t run_once(char *const *argv, int out)
{
	posix_spawn_file_actions_t actions;
	uint64_t start, took;
	int status, r;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (out >= 0)
		posix_spawn_file_actions_adddup2(&actions, out, 1);
	else
		posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	start = now_ns();
	r = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	if (r != 0)
		die("%s: %s", argv[0], strerror(r));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid: %s", strerror(errno));
	took = now_ns() - start;
	posix_spawn_file_actions_destroy(&actions);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		die("%s ended with wait status %d", argv[0], status);
	return took;
}

/* The number that the command prints. */
static uint64_t run_reporting(char *const *argv)
{
	char text[64];
	int fds[2];
	ssize_t n;
	uint64_t took;

	if (pipe2(fds, O_CLOEXEC) < 0)
		die("pipe: %s", strerror(errno));
	(void)run_once(argv, fds[1]);
	fd_close(fds[1]);
	n = read(fds[0], text, sizeof(text) - 1);
	fd_close(fds[0]);
	if (n <= 0)
		die("%s printed nothing", argv[0]);
	text[n] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	if (parse_u64(text, 0, UINT64_MAX, &took) < 0)
		die("%s did not print a number", argv[0]);
	return took;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double percentile(const uint64_t *sorted, size_t n, double p)
{
	double at = p * (double)(n - 1);
	size_t i = (size_t)at;
	double part = at - (double)i;
	uint64_t next = sorted[i + 1 < n ? i + 1 : i];

	return ((double)sorted[i] * (1 - part) + (double)next * part) / 1000;
}

static void bench_pair(
	const char *name, size_t runs, size_t warmups, bool reporting, char **a, char **b)
{
	AUTO_FREE uint64_t *times_a = xcalloc(runs, sizeof(*times_a));
	AUTO_FREE uint64_t *times_b = xcalloc(runs, sizeof(*times_b));
	double median_a, median_b;

	for (size_t i = 0; i < warmups + runs; i++) {
		for (int turn = 0; turn < 2; turn++) {
			bool first = (turn == 0) == (i % 2 == 0);
			char **argv = first ? a : b;
			uint64_t took = reporting ? run_reporting(argv) : run_once(argv, -1);

			if (i >= warmups)
				(first ? times_a : times_b)[i - warmups] = took;
		}
	}
	qsort(times_a, runs, sizeof(*times_a), compare_u64);
	qsort(times_b, runs, sizeof(*times_b), compare_u64);
	median_a = percentile(times_a, runs, 0.5);
	median_b = percentile(times_b, runs, 0.5);
	printf("%s\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.3f\n", name, median_a,
		percentile(times_a, runs, 0.1), percentile(times_a, runs, 0.9),
		percentile(times_a, runs, 0), median_b, percentile(times_b, runs, 0.1),
		percentile(times_b, runs, 0.9), percentile(times_b, runs, 0), median_a / median_b);
}

static void storm(const char *dir, uint64_t files)
{
	AUTO_FD int d = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (d < 0)
		die("%s: %s", dir, strerror(errno));
	for (int step = 0; step < 4; step++) {
		for (uint64_t i = 0; i < files; i++) {
			char from[32], to[32];
			struct stat st;
			int r = 0;

			snprintf(from, sizeof(from), "a%llu", (unsigned long long)i);
			snprintf(to, sizeof(to), "b%llu", (unsigned long long)i);
			if (step == 0) {
				AUTO_FD int fd = openat(
					d, from, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

				r = fd < 0 || write(fd, "some bytes\n", 11) != 11 ? -1 : 0;
			} else if (step == 1) {
				r = fstatat(d, from, &st, 0);
			} else if (step == 2) {
				r = renameat(d, from, d, to);
			} else {
				r = unlinkat(d, to, 0);
			}
			if (r < 0)
				die("%s/%s: %s", dir, from, strerror(errno));
		}
	}
}

static uint64_t number(const char *s, uint64_t max)
{
	uint64_t n;

	if (!s || parse_u64(s, 1, max, &n) < 0)
		die("'%s' is not a number between 1 and %llu", s ? s : "", (unsigned long long)max);
	return n;
}

int main(int argc, char **argv)
{
	uint64_t runs = 50, warmups = 3;
	bool reporting = false;
	int i, vs;

	if (argc >= 3 && str_eq(argv[1], "time")) {
		printf("%llu\n", (unsigned long long)run_once(argv + 2, -1));
		return 0;
	}
	if (argc == 4 && str_eq(argv[1], "storm")) {
		storm(argv[2], number(argv[3], 10000000));
		return 0;
	}
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (str_eq(argv[i], "-r"))
			reporting = true;
		else if (str_eq(argv[i], "-n"))
			runs = number(argv[++i], MAX_RUNS);
		else if (str_eq(argv[i], "-w"))
			warmups = number(argv[++i], MAX_RUNS);
		else
			die("unknown option %s", argv[i]);
	}
	for (vs = i; vs < argc && !str_eq(argv[vs], "--vs"); vs++)
		;
	if (vs < i + 2 || vs + 1 >= argc)
		die("usage: bench [-n RUNS] [-w WARMUPS] [-r] NAME CMD ARGS --vs CMD ARGS");
	argv[vs] = NULL;
	bench_pair(argv[i], runs, warmups, reporting, argv + i + 1, argv + vs + 1);
	return 0;
}
