#include "probe.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static __attribute__((format(printf, 4, 0))) enum outcome say(
	enum outcome o, const char *word, int err, const char *fmt, va_list ap)
{
	printf("%s: ", word);
	vprintf(fmt, ap);
	if (err)
		printf(": %s", strerrorname_np(err) ? strerrorname_np(err) : "?");
	printf("\n");
	fflush(stdout);
	return o;
}

enum outcome worked(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(WORKED, "worked", 0, fmt, ap);
	va_end(ap);
	return WORKED;
}

enum outcome refused(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	va_start(ap, fmt);
	say(REFUSED, "refused", err, fmt, ap);
	va_end(ap);
	return REFUSED;
}

enum outcome cannot(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	va_start(ap, fmt);
	say(CANNOT, "cannot", err, fmt, ap);
	va_end(ap);
	return CANNOT;
}

enum outcome verdict(long r, const char *what)
{
	return r < 0 ? refused("%s", what) : worked("%s", what);
}

/* -5, 12, 0x1f */
long number(const char *s)
{
	const bool minus = *s == '-';
	const char *p = s + minus;
	const unsigned long base = p[0] == '0' && p[1] == 'x' ? 16 : 10;
	unsigned long n = 0;

	for (p += base == 16 ? 2 : 0; *p; p++) {
		const unsigned long digit = *p <= '9' ? (unsigned long)(*p - '0')
						      : (unsigned long)((*p | 0x20) - 'a' + 10);

		if (digit >= base) {
			fprintf(stderr, "probe: not a number: %s\n", s);
			exit(CANNOT);
		}
		n = n * base + digit;
	}
	return minus ? -(long)n : (long)n;
}

unsigned long hex_before(const char *s)
{
	unsigned long n = 0;

	for (;; s++) {
		if (*s >= '0' && *s <= '9')
			n = n * 16 + (unsigned long)(*s - '0');
		else if (*s >= 'a' && *s <= 'f')
			n = n * 16 + (unsigned long)(*s - 'a' + 10);
		else
			return n;
	}
}

int file_has(const char *path, const char *text)
{
	static char data[1 << 20];
	size_t n = 0, len = strlen(text);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t r;

	if (fd < 0)
		return -1;
	while (n < sizeof(data) && (r = read(fd, data + n, sizeof(data) - n)) != 0) {
		if (r < 0) {
			int saved = errno;

			close(fd);
			errno = saved;
			return -1;
		}
		n += (size_t)r;
	}
	close(fd);
	errno = 0;
	return memmem(data, n, text, len) != NULL;
}

int next_process(void **dir)
{
	struct dirent *d;

	if (!*dir)
		*dir = opendir("/proc");
	while (*dir && (d = readdir(*dir)))
		if (d->d_name[0] >= '1' && d->d_name[0] <= '9')
			return (int)number(d->d_name);
	if (*dir)
		closedir(*dir);
	*dir = NULL;
	return 0;
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t r = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return r < 0 ? -1 : 0;
}

int own_namespaces(int more_flags)
{
	char map[64];
	unsigned uid = getuid(), gid = getgid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | more_flags) < 0)
		return -1;
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (write_file("/proc/self/uid_map", map) < 0)
		return -1;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return write_file("/proc/self/gid_map", map);
}

static const struct probe *find(const struct probe *list, const char *name)
{
	for (; list->name; list++)
		if (strcmp(list->name, name) == 0)
			return list;
	return NULL;
}

static const struct probe *const lists[] = {fs_probes, process_probes, kernel_probes, ipc_probes};

enum outcome run_probe(char **argv)
{
	int n = 0;

	while (argv[n])
		n++;
	for (size_t i = 0; n > 0 && i < ARRAY_SIZE(lists); i++) {
		const struct probe *p = find(lists[i], argv[0]);

		if (p && n - 1 >= p->args) {
			errno = 0;
			return p->run(argv + 1);
		}
	}
	return cannot("no such probe, or too few words");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return (int)run_probe(argv + 1);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (const struct probe *p = lists[i]; p->name; p++)
			fprintf(stderr, "%-20s %s\n", p->name, p->what);
	return CANNOT;
}
