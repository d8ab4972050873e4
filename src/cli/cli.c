#include "cli.h"

#include "base/log.h"

int cli_usage(const char *command, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	if (command)
		log_error("%s (see 'bailey %s --help')", text, command);
	else
		log_error("%s (see 'bailey --help')", text);
	return EXIT_USAGE;
}

int cli_usage_err(const char *command, struct err *err)
{
	AUTO_ERR struct err *owned = err;

	if (!owned)
		return cli_usage(command, "wrong usage");
	if (owned->hint) {
		log_err(owned);
		return EXIT_USAGE;
	}
	return cli_usage(command, "%s", owned->text);
}

int cli_wrong(struct err *err)
{
	AUTO_ERR struct err *owned = err;

	log_err(owned);
	return EXIT_USAGE;
}

int cli_fail(struct err *err)
{
	AUTO_ERR struct err *owned = err;

	log_err(owned);
	return EXIT_FAILED;
}
