/* A list of owned strings, always NULL-terminated: argv, environments, names. */
#ifndef BAILEY_BASE_STRVEC_H
#define BAILEY_BASE_STRVEC_H

#include "mem.h"

struct strvec {
	char **v; /* v[n] is NULL; v itself is NULL while empty and untouched */
	size_t n;
	size_t cap;
};

void strvec_push(struct strvec *s, const char *str);
void strvec_pushf(struct strvec *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Takes ownership of str. */
void strvec_push_take(struct strvec *s, char *str);
void strvec_extend(struct strvec *s, const char *const *strs);
bool strvec_has(const struct strvec *s, const char *str);
/* Never NULL, also for an empty vector: fit for exec. */
char *const *strvec_argv(struct strvec *s);
/* Sets NAME=value, replacing an earlier NAME=. */
void strvec_env_set(struct strvec *s, const char *name, const char *value);
/* The value of NAME, or NULL. Borrowed. */
const char *strvec_env_get(const struct strvec *s, const char *name);
void strvec_env_unset(struct strvec *s, const char *name);
void strvec_done(struct strvec *s);

#define AUTO_STRVEC CLEANUP(strvec_done)

#endif
