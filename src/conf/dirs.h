/*
 * Bailey's own directories on the host. None of them is ever visible inside.
 * XDG variables count only when they are absolute paths, as their specification says.
 */
#ifndef BAILEY_CONF_DIRS_H
#define BAILEY_CONF_DIRS_H

#include "base/mem.h"

/* The administrator's: compiled in, so that no environment can lead elsewhere. */
#ifndef BAILEY_ETC
#define BAILEY_ETC "/etc/bailey"
#endif

/* New strings. home: absolute; environ: NULL-terminated. */
char *dirs_config(const char *home, char *const *environ) MUST_CHECK; /* ~/.config/bailey */
char *dirs_state(const char *home, char *const *environ) MUST_CHECK;  /* ~/.local/state/bailey */
char *dirs_data(const char *home, char *const *environ) MUST_CHECK;   /* ~/.local/share/bailey */
char *dirs_cache(const char *home, char *const *environ) MUST_CHECK;  /* ~/.cache/bailey */
/* $XDG_RUNTIME_DIR/bailey, or NULL when there is none. */
char *dirs_runtime(char *const *environ) MUST_CHECK;

#endif
