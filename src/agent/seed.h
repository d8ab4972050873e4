/*
 * What an agent is given of the user's own: instructions, commands, skills,
 * sub-agents, as the preset lists them. Never settings (they hold hooks, servers and
 * key helpers), never histories, logs, caches or anything that looks like a secret,
 * at whatever depth it lies.
 *
 * Copied once, from the user's home into the sandbox's; what is there is not
 * overwritten. A symlink is followed only when it ends below the seed path it was
 * found under. Both sides are walked by descriptor.
 */
#ifndef BAILEY_AGENT_SEED_H
#define BAILEY_AGENT_SEED_H

#include "base/err.h"
#include "base/strvec.h"
#include "home.h"

#define SEED_FILE_MAX (1024 * 1024)
#define SEED_BYTES_MAX (64 * 1024 * 1024)
#define SEED_FILES_MAX 4096
#define SEED_DEPTH_MAX 16

struct seed_report {
	size_t files, skipped;
	uint64_t bytes;
	struct strvec lines; /* "seeded PATH", "skipped PATH: why"; escaped */
};

/*
 * paths: relative to user_home. A path that is not there is passed over in silence.
 * Fails only when nothing at all could be done; what is left out is in the report.
 */
int seed_copy(const char *user_home, const struct strvec *paths, const struct agent_home *home,
	struct seed_report *report, struct err **err) MUST_CHECK;
void seed_report_done(struct seed_report *r);
#define AUTO_SEED_REPORT CLEANUP(seed_report_done)

/* Why a file or directory of this name is not given to an agent, or NULL. */
const char *seed_denied_name(const char *name);
/* What the bytes seem to hold that must not be given away, or NULL. */
const char *seed_denied_content(const char *data, size_t n);

#endif
