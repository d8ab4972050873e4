/*
 * The files that a preset puts into the sandbox's home: configuration that switches
 * off questions and updates, and the note that tells the agent where it is.
 */
#ifndef BAILEY_AGENT_CONFIG_H
#define BAILEY_AGENT_CONFIG_H

#include "home.h"
#include "preset.h"

#define CONFIG_MAX (8 * 1024 * 1024) /* Claude Code's .claude.json grows */
#define NOTE_MAX (1024 * 1024)

/*
 * Each file of the preset whose condition holds: a text file when there is none yet; a
 * JSON file with merge has the preset's values set in it, the rest is the agent's.
 * Rewritten only when that changes something. What the home does not let us write, or
 * what is there and cannot be read, is a note; a wrong preset is an error.
 */
int config_write(const struct preset *preset, const struct preset_values *values,
	const struct agent_home *home, struct strvec *notes, struct err **err) MUST_CHECK;

/* Sets text between two marker lines of the preset's instructions file, after the user's own. */
int config_write_note(const struct preset *preset, const char *text, const struct agent_home *home,
	struct strvec *notes) MUST_CHECK;

/* Merges the JSON text `set` into `old` (NULL: nothing). *ret is NULL when nothing changes. */
int config_merge_json(const char *old, size_t n, const char *set, char **ret, struct err **err)
	MUST_CHECK;

#endif
