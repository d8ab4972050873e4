/*
 * The agent's program on the host, and the least that must be seen of it inside.
 *
 * Found in the caller's PATH and followed to the file itself. What lies in a system
 * directory is in the `host` image already. Elsewhere (an npm prefix in the home,
 * nvm, a native installer, pipx or uv) exactly what it needs is shown, read-only and
 * at the same path: the package and the packages that it names, the node or python
 * that its first line asks for, or the one file. Never the home itself or a
 * directory that may hold keys: that is an error, not a mount.
 */
#ifndef BAILEY_AGENT_PROGRAM_H
#define BAILEY_AGENT_PROGRAM_H

#include "base/err.h"
#include "base/strvec.h"

struct program {
	char *path;		 /* absolute, no symlink: what to execute */
	struct strvec mounts;	 /* absolute paths to show read-only, none below another */
	struct strvec path_dirs; /* to put in front of PATH inside */
};

/*
 * path: the caller's PATH; home: the user's; private: more paths relative to it that
 * must never be shown (the preset's logins). -ENOENT: not found.
 */
int program_find(const char *name, const char *path, const char *home, const struct strvec *private,
	struct program *ret, struct err **err) MUST_CHECK;
void program_done(struct program *p);
#define AUTO_PROGRAM CLEANUP(program_done)

#endif
