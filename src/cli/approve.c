#include "plan.h"

#include <fcntl.h>

/*
 * One line from the terminal itself, byte by byte: what was typed ahead for the
 * command stays for the command, and what is piped in is no answer.
 */
static bool answered_yes(void)
{
	AUTO_FD int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	char first = 0, c;
	size_t n = 0;

	while (tty >= 0 && read(tty, &c, 1) == 1 && c != '\n' && n < 1000)
		if (n++ == 0)
			first = c;
	return first == 'y' || first == 'Y';
}

bool cli_approve(void *ctx UNUSED, const char *file, const struct strvec *clauses)
{
	fprintf(stderr, "The project's file %s asks for more than your own settings give:\n", file);
	for (size_t i = 0; i < clauses->n; i++)
		fprintf(stderr, "  * %s\n", clauses->v[i]);
	fprintf(stderr, "Approve this, until the file changes? [y/N] ");
	return answered_yes();
}
