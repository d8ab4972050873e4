#include "log.h"

static enum log_level log_level = LOG_NORMAL;

void log_set_level(enum log_level level)
{
	log_level = level;
}

static void PRINTF_LIKE(1, 0) log_line(const char *fmt, va_list ap)
{
	int saved = errno;
	AUTO_FREE char *text = xvasprintf(fmt, ap);

	/* One write, so that lines of two processes do not mix. */
	fprintf(stderr, "bailey: %s\n", text);
	errno = saved;
}

#define LOG_BODY(least)                                                                            \
	va_list ap;                                                                                \
                                                                                                   \
	if (log_level < (least))                                                                   \
		return;                                                                            \
	va_start(ap, fmt);                                                                         \
	log_line(fmt, ap);                                                                         \
	va_end(ap)

void log_error(const char *fmt, ...)
{
	LOG_BODY(LOG_QUIET);
}

void log_note(const char *fmt, ...)
{
	LOG_BODY(LOG_NORMAL);
}

void log_debug(const char *fmt, ...)
{
	LOG_BODY(LOG_VERBOSE);
}

void log_err(const struct err *err)
{
	if (!err)
		log_error("failed without a reason (this is a bug)");
	else if (err->hint)
		log_error("%s (%s)", err->text, err->hint);
	else
		log_error("%s", err->text);
}
