/*
 * The attacker: one small static program, built without sanitizers, that tries one
 * thing and tells how it went. The same program with the same arguments runs
 * outside (the control, which must succeed) and inside.
 *
 * Exit status: 0 the attack worked, 1 it was refused (why is printed), 2 the
 * attack could not even be tried.
 */
#ifndef BAILEY_TESTS_PROBE_H
#define BAILEY_TESTS_PROBE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

enum outcome { WORKED = 0, REFUSED = 1, CANNOT = 2 };

struct probe {
	const char *name;
	int args; /* at least */
	enum outcome (*run)(char **argv);
	const char *what;
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* Say it in one line and return the outcome; errno is named. */
enum outcome worked(const char *fmt, ...) PRINTF_LIKE(1, 2);
enum outcome refused(const char *fmt, ...) PRINTF_LIKE(1, 2);
enum outcome cannot(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* refused() when r is negative, as of a system call. */
enum outcome verdict(long r, const char *what);

long number(const char *s);
/* The number at the start of a line of /proc. */
unsigned long hex_before(const char *s);
/* Whether the file, read whole, has the bytes of text. -1: cannot be read. */
int file_has(const char *path, const char *text);
/* To a file that exists. 0 or -1. */
int write_file(const char *path, const char *text);
/* The next process's number in /proc, or 0 at the end; start with NULL. */
int next_process(void **dir);
/* Another probe, by its words. */
enum outcome run_probe(char **argv);
/* In a new user and mount namespace as its root, if the kernel lets us. */
int own_namespaces(int more_flags);

extern const struct probe fs_probes[], process_probes[], kernel_probes[], ipc_probes[];

#endif
