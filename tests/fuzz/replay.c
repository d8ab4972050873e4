/*
 * Runs a fuzz target over the files of directories, in TAP. Each file has a process of
 * its own, so that a crash is one "not ok". Each input is also tried cut short at a
 * number of places and with single bytes changed: the nearest a compiler without a
 * fuzzer comes to fuzzing, and the same on every run.
 */
#include "base/mem.h"
#include "fuzz.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define INPUT_MAX (1024 * 1024)
#define VARIANTS 64

static uint8_t *slurp(int dir, const char *name, size_t *ret_size)
{
	AUTO_FD int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	AUTO_FREE uint8_t *data = xmalloc(INPUT_MAX);
	size_t size = 0;

	if (fd < 0)
		return NULL;
	while (size < INPUT_MAX) {
		ssize_t n = read(fd, data + size, INPUT_MAX - size);

		if (n < 0)
			return NULL;
		if (n == 0)
			break;
		size += (size_t)n;
	}
	*ret_size = size;
	return TAKE_PTR(data);
}

/* A copy of exactly the size, so that a sanitizer sees a read past the end. */
static void try_copy(const uint8_t *data, size_t size)
{
	AUTO_FREE uint8_t *copy = xmemdup(data, size ? size : 1);

	(void)LLVMFuzzerTestOneInput(copy, size);
}

static void try_variants(uint8_t *data, size_t size)
{
	uint32_t random = 2463534242u; /* xorshift: the same numbers every time */

	try_copy(data, size);
	for (int i = 0; i < VARIANTS && size > 0; i++) {
		size_t at;
		uint8_t before;

		random ^= random << 13;
		random ^= random >> 17;
		random ^= random << 5;
		at = random % size;
		try_copy(data, at);
		before = data[at];
		data[at] ^= (uint8_t)(random >> 24);
		try_copy(data, size);
		data[at] = before;
	}
}

static bool replay(int dir, const char *name)
{
	int status;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid < 0)
		return false;
	if (pid == 0) {
		size_t size = 0;
		AUTO_FREE uint8_t *data = slurp(dir, name, &size);

		if (!data)
			_exit(1);
		try_variants(data, size);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
	unsigned n = 0, failed = 0;

	for (int i = 1; i < argc; i++) {
		AUTO_DIR DIR *d = opendir(argv[i]);
		struct dirent *e;

		if (!d) {
			printf("Bail out! %s cannot be opened\n", argv[i]);
			return 1;
		}
		while ((e = readdir(d))) {
			bool ok;

			if (e->d_name[0] == '.')
				continue;
			ok = replay(dirfd(d), e->d_name);
			failed += ok ? 0 : 1;
			printf("%sok %u - %s %s\n", ok ? "" : "not ", ++n, argv[i], e->d_name);
		}
	}
	if (n == 0) {
		printf("Bail out! there is nothing to replay\n");
		return 1;
	}
	printf("1..%u\n", n);
	return failed ? 1 : 0;
}
