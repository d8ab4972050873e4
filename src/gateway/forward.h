/*
 * Host services granted by port: accepts in the sandbox's network namespace (on
 * listeners made there), connects on the host's loopback, and moves bytes with
 * splice. A process of its own, confined, forked by the supervisor. This is the
 * place of the gateway to come.
 */
#ifndef BAILEY_GATEWAY_FORWARD_H
#define BAILEY_GATEWAY_FORWARD_H

#include "base/err.h"

struct forward_listener {
	int fd;	       /* listening, non-blocking, in the sandbox's network namespace */
	uint16_t host; /* port on the host's loopback */
};

/* Connections at once; further ones wait in the listeners' queues. */
#define FORWARD_MAX 1024

/*
 * Closes every other descriptor but the listeners, confines itself, and never
 * returns. Dies with its parent.
 */
NORETURN void forward_main(const struct forward_listener *listeners, size_t n);

#endif
