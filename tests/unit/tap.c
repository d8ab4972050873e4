#include "tap.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <sys/wait.h>

static struct tap_test *tests;

void tap_register(struct tap_test *t)
{
	t->next = tests;
	tests = t;
}

void tap_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	printf("# %s:%d: ", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static int compare(const void *a, const void *b)
{
	const struct tap_test *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static bool run(const struct tap_test *t)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int before = count_fds(), after;

		t->fn();
		after = count_fds();
		if (after != before)
			tap_fail(t->name, 0, "%d descriptors before, %d after", before, after);
		fflush(stdout);
		exit(0); /* and so LeakSanitizer looks */
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	if (WIFSIGNALED(status))
		printf("# killed by signal %d\n", WTERMSIG(status));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
	struct tap_test *list[4096] = {0};
	int n = 0, failed = 0;

	for (struct tap_test *t = tests; t && n < (int)ARRAY_SIZE(list); t = t->next)
		if (argc < 2 || fnmatch(argv[1], t->name, 0) == 0)
			list[n++] = t;
	qsort(list, (size_t)n, sizeof(list[0]), compare);
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		bool ok = run(list[i]);

		printf("%sok %d - %s\n", ok ? "" : "not ", i + 1, list[i]->name);
		failed += !ok;
	}
	return failed || n == 0;
}
