/*
 * Workspace `staged`: an overlay over the project; the host's files stay as they
 * are until `apply`. This module never mounts anything: it reads the upper layer
 * from the host, as what it is: hostile (any name, any type, any link, changing
 * under our eyes). See staged.c for the theory of operation.
 */
#ifndef BAILEY_WORKSPACE_STAGED_H
#define BAILEY_WORKSPACE_STAGED_H

#include "base/err.h"
#include "base/strvec.h"

#include <time.h>

struct staged {
	char *project; /* absolute path on the host */
	int lower;     /* O_PATH or O_RDONLY directory: the project */
	int upper;     /* directory: the overlay's upper layer */
	int state;     /* directory of this sandbox: manifests and the apply journal live here */
	struct timespec since; /* when the sandbox began: a host file with a later ctime was changed
				  by the user */
};

#endif
