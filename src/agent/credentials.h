/*
 * Logins of agents. Bailey keeps its own, STORE/credentials/AGENT/ (0700), apart from
 * the user's: a sandbox's agent may refresh its token, which makes the old one
 * invalid, and that must not log the user out. They are copied in at the start and
 * taken back after each session: a bind mount of a single file loses what is renamed
 * over it (see docs/agents.md).
 *
 * Only the files that the preset lists ever move. What comes back is hostile: a
 * regular file of at most CREDENTIAL_MAX, a JSON object of the expected shape, newer
 * than what is stored; anything else is left where it is. A lock makes copies of
 * several sandboxes follow one another; the newest wins.
 */
#ifndef BAILEY_AGENT_CREDENTIALS_H
#define BAILEY_AGENT_CREDENTIALS_H

#include "conf/conf.h"
#include "home.h"
#include "preset.h"

#define CREDENTIAL_MAX (256 * 1024)

/*
 * Into the sandbox: from the store, with `host` from the user's home, with `none`
 * nothing. Returns how many files were copied. What cannot be written is a note.
 */
int credentials_give(const struct preset *preset, enum conf_credentials mode, const char *store,
	const char *user_home, const struct agent_home *home, struct strvec *notes,
	struct err **err) MUST_CHECK;
/* Back into the store, with `bailey` only. Returns how many files were taken. */
int credentials_take(const struct preset *preset, enum conf_credentials mode, const char *store,
	const struct agent_home *home, struct strvec *notes, struct err **err) MUST_CHECK;

/* NULL: these bytes are such a login; else why not. */
const char *credential_refused(const struct preset_credential *c, const char *data, size_t n);

#endif
