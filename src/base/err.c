#include "err.h"

int err_set(struct err **err, int code, const char *fmt, ...)
{
	char *text;
	va_list ap;

	if (code < 0)
		code = -code;
	if (err) {
		va_start(ap, fmt);
		text = xvasprintf(fmt, ap);
		va_end(ap);
		err_free(*err);
		*err = xcalloc(1, sizeof(**err));
		(*err)->code = code ? code : EINVAL;
		(*err)->text = code ? xasprintf("%s: %s", text, strerror(code)) : xstrdup(text);
		free(text);
	}
	return code ? -code : -EINVAL;
}

int err_wrap(struct err **err, const char *fmt, ...)
{
	char *prefix, *text;
	va_list ap;

	if (!err || !*err)
		return -EIO;
	va_start(ap, fmt);
	prefix = xvasprintf(fmt, ap);
	va_end(ap);
	text = xasprintf("%s: %s", prefix, (*err)->text);
	free(prefix);
	free((*err)->text);
	(*err)->text = text;
	return -(*err)->code;
}

int err_hint(struct err **err, const char *fmt, ...)
{
	va_list ap;

	if (!err || !*err)
		return -EIO;
	if (!(*err)->hint) {
		va_start(ap, fmt);
		(*err)->hint = xvasprintf(fmt, ap);
		va_end(ap);
	}
	return -(*err)->code;
}

void err_free(struct err *err)
{
	if (!err)
		return;
	free(err->text);
	free(err->hint);
	free(err);
}
