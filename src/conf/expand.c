#include "layer.h"

#include "base/buf.h"
#include "opt.h"

static const char *caller_env(const struct conf_load_args *args, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; args->environ && args->environ[i]; i++)
		if (strncmp(args->environ[i], name, n) == 0 && args->environ[i][n] == '=')
			return args->environ[i] + n + 1;
	return NULL;
}

/* p is after "${"; returns what follows "}", or NULL and *why. */
static const char *variable(
	const struct conf_load_args *args, const char *p, struct buf *out, char **why)
{
	const char *end = strchr(p, '}');
	const char *dflt = end ? memmem(p, (size_t)(end - p), ":-", 2) : NULL;
	AUTO_FREE char *name = end ? xstrndup(p, (size_t)((dflt ? dflt : end) - p)) : NULL;
	const char *value;

	if (!name) {
		*why = xstrdup("'${' without '}'");
		return NULL;
	}
	if (setting_check_env_name(name)) {
		AUTO_FREE char *quoted = opt_quote(name);

		*why = xasprintf("%s is not the name of a variable", quoted);
		return NULL;
	}
	value = caller_env(args, name);
	if (value && (*value || !dflt)) {
		buf_puts(out, value);
	} else if (dflt) {
		buf_put(out, dflt + 2, (size_t)(end - dflt - 2));
	} else {
		*why = xasprintf("%s is not set in your environment; ${%s:-...} gives a default",
			name, name);
		return NULL;
	}
	return end + 1;
}

char *expand(const struct conf_load_args *args, const char *text, bool tilde, char **why)
{
	AUTO_BUF struct buf out = BUF_INIT(0);
	const char *p = text;

	if (tilde && p[0] == '~' && (p[1] == '/' || p[1] == '\0') && args->home) {
		buf_puts(&out, args->home);
		p++;
	}
	while (*p) {
		size_t n = strcspn(p, "$");

		buf_put(&out, p, n);
		p += n;
		if (p[0] == '$' && p[1] == '{') {
			p = variable(args, p + 2, &out, why);
			if (!p)
				return NULL;
		} else if (*p == '$') {
			buf_puts(&out, "$");
			p += p[1] == '$' ? 2 : 1;
		}
		if (out.len > CONF_STRING_MAX) {
			*why = xstrdup("it is too long");
			return NULL;
		}
	}
	return buf_take(&out);
}
