/*
 * An agent in a sandbox: everything between "this preset" and "this argv".
 *
 * agent_prepare() is called on the host each time an agent's session is about to
 * start, with the sandbox running or not. It adds to the policy what the program
 * needs (read-only mounts, environment), writes configuration, note, seed and
 * credentials into the sandbox's home directory, and gives the whole argv.
 *
 * The home directory is hostile: an earlier run may have left symlinks, FIFOs and
 * huge files in it, and another session may be changing it at this moment. It is
 * touched by descriptor and _beneath only. What cannot be written there for such a
 * reason is a note, not an error: the inside has then only spoilt its own home.
 * Errors are about the preset, the program, and the user's own files.
 *
 * agent_collect() is called after each session of the agent and when the sandbox
 * stops: it takes refreshed logins back into Bailey's own store (credentials.h).
 *
 * Nothing here prints.
 */
#ifndef BAILEY_AGENT_PREPARE_H
#define BAILEY_AGENT_PREPARE_H

#include "policy/policy.h"

#include <sys/types.h>

/* Where things are. All absolute; borrowed. agent_places() fills in the usual ones. */
struct agent_places {
	char *data;   /* shipped presets and the note: DATA/agents/NAME.toml, DATA/agents/note.md */
	char *config; /* the user's: CONFIG/agents/NAME.toml */
	char *store;  /* Bailey's logins: STORE/credentials/AGENT/ */
	char *home;   /* of the user, on the host */
};

struct agent_prepare_args {
	const char *agent; /* preset */
	const struct conf *conf;
	const struct agent_places *places;
	char *const *environ;	 /* the caller's: PATH; API keys with credentials = "host" */
	const char *const *args; /* the user's, after "--"; NULL-terminated or NULL */
	bool resume;		 /* continue the last conversation */
	/* The sandbox's home directory (O_DIRECTORY), or -1 to write nothing (--dry-run). */
	int home;
	uid_t uid; /* who owns files in it, as seen on the host; -1: leave them */
	gid_t gid;
	struct strvec *notes;	/* for the user, escaped; may be NULL */
	struct strvec *details; /* for --verbose, escaped; may be NULL */
};

/*
 * argv[0] is the absolute path of the program inside. -ENOENT: there is no such
 * preset, or the agent is not installed (exit status 127; the hint says how to).
 */
int agent_prepare(const struct agent_prepare_args *args, struct policy *p, struct strvec *argv,
	struct err **err) MUST_CHECK;

/*
 * Takes logins back, with credentials = "bailey"; home as above. Returns how many
 * files were taken. A file that is not what it should be is left and noted.
 */
int agent_collect(const char *agent, enum conf_credentials mode, const struct agent_places *places,
	int home, struct strvec *notes, struct err **err) MUST_CHECK;

/* Names of all presets, shipped and the user's, sorted. */
void agent_list(const struct agent_places *places, struct strvec *ret);
/* Whether name is that of a preset: decides `bailey NAME`. */
bool agent_exists(const struct agent_places *places, const char *name);

/*
 * The usual places. data: BAILEY_DATADIR, or share/ beside the program's build
 * directory when this program runs from one; NULL means BAILEY_DATADIR.
 */
void agent_places_init(
	struct agent_places *places, const char *data, const char *home, char *const *environ);
void agent_places_done(struct agent_places *places);
#define AUTO_AGENT_PLACES CLEANUP(agent_places_done)

#endif
