#include "strvec.h"

void strvec_push_take(struct strvec *s, char *str)
{
	if (s->n + 1 >= s->cap) {
		s->cap = s->cap ? s->cap * 2 : 16;
		s->v = xrealloc(s->v, s->cap, sizeof(*s->v));
	}
	s->v[s->n++] = str;
	s->v[s->n] = NULL;
}

void strvec_push(struct strvec *s, const char *str)
{
	strvec_push_take(s, xstrdup(str));
}

void strvec_pushf(struct strvec *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strvec_push_take(s, xvasprintf(fmt, ap));
	va_end(ap);
}

void strvec_extend(struct strvec *s, const char *const *strs)
{
	for (; strs && *strs; strs++)
		strvec_push(s, *strs);
}

bool strvec_has(const struct strvec *s, const char *str)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->v[i], str))
			return true;
	return false;
}

char *const *strvec_argv(struct strvec *s)
{
	static char *const empty[] = {NULL};

	return s->v ? s->v : empty;
}

static size_t env_find(const struct strvec *s, const char *name)
{
	size_t i, n = strlen(name);

	for (i = 0; i < s->n; i++)
		if (strncmp(s->v[i], name, n) == 0 && s->v[i][n] == '=')
			break;
	return i;
}

void strvec_env_set(struct strvec *s, const char *name, const char *value)
{
	size_t i = env_find(s, name);
	char *entry = xasprintf("%s=%s", name, value);

	if (i == s->n) {
		strvec_push_take(s, entry);
		return;
	}
	free(s->v[i]);
	s->v[i] = entry;
}

const char *strvec_env_get(const struct strvec *s, const char *name)
{
	size_t i = env_find(s, name);

	return i < s->n ? s->v[i] + strlen(name) + 1 : NULL;
}

void strvec_env_unset(struct strvec *s, const char *name)
{
	size_t i = env_find(s, name);

	if (i == s->n)
		return;
	free(s->v[i]);
	memmove(s->v + i, s->v + i + 1, (s->n - i) * sizeof(*s->v));
	s->n--;
}

void strvec_done(struct strvec *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	*s = (struct strvec){0};
}
