/*
 * The unit harness: TEST(name) { CHECK(...); } registers itself; each test runs in
 * a process of its own; descriptors are counted before and after; output is TAP.
 * `unit-tests 'buf_*'` runs a part. A test cannot be skipped.
 */
#ifndef BAILEY_TESTS_TAP_H
#define BAILEY_TESTS_TAP_H

#include "base/auto.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct tap_test {
	const char *name;
	void (*fn)(void);
	struct tap_test *next;
};
void tap_register(struct tap_test *t);
NORETURN void tap_fail(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define TEST(id)                                                                                   \
	static void test_##id(void);                                                               \
	static struct tap_test tap_##id = {.name = #id, .fn = test_##id};                          \
	__attribute__((constructor)) static void register_##id(void)                               \
	{                                                                                          \
		tap_register(&tap_##id);                                                           \
	}                                                                                          \
	static void test_##id(void)

#define CHECK(expr)                                                                                \
	do {                                                                                       \
		if (!(expr))                                                                       \
			tap_fail(__FILE__, __LINE__, "%s", #expr);                                 \
	} while (0)
#define CHECK_INT(a, b)                                                                            \
	do {                                                                                       \
		long long a_ = (long long)(a), b_ = (long long)(b);                                \
		if (a_ != b_)                                                                      \
			tap_fail(__FILE__, __LINE__, "%s: %lld, not %lld", #a, a_, b_);            \
	} while (0)
#define CHECK_STR(a, b)                                                                            \
	do {                                                                                       \
		const char *a_ = (a), *b_ = (b);                                                   \
		if (!a_ || !b_ || strcmp(a_, b_) != 0)                                             \
			tap_fail(__FILE__, __LINE__, "%s: \"%s\", not \"%s\"", #a,                 \
				a_ ? a_ : "(null)", b_ ? b_ : "(null)");                           \
	} while (0)

#endif
