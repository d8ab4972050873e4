#include "dirs.h"

#include "base/strvec.h"
#include "sys/fs.h"

static const char *absolute(char *const *environ, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; environ[i]; i++)
		if (strncmp(environ[i], name, n) == 0 && environ[i][n] == '=')
			return environ[i][n + 1] == '/' ? environ[i] + n + 1 : NULL;
	return NULL;
}

static char *dir(const char *home, char *const *environ, const char *variable, const char *below)
{
	const char *base = absolute(environ, variable);
	AUTO_FREE char *path =
		base ? xasprintf("%s/bailey", base) : xasprintf("%s/%s/bailey", home, below);

	return fs_path_clean(NULL, path);
}

char *dirs_config(const char *home, char *const *environ)
{
	return dir(home, environ, "XDG_CONFIG_HOME", ".config");
}

char *dirs_state(const char *home, char *const *environ)
{
	return dir(home, environ, "XDG_STATE_HOME", ".local/state");
}

char *dirs_data(const char *home, char *const *environ)
{
	return dir(home, environ, "XDG_DATA_HOME", ".local/share");
}

char *dirs_cache(const char *home, char *const *environ)
{
	return dir(home, environ, "XDG_CACHE_HOME", ".cache");
}

char *dirs_runtime(char *const *environ)
{
	const char *base = absolute(environ, "XDG_RUNTIME_DIR");
	AUTO_FREE char *path = base ? xasprintf("%s/bailey", base) : NULL;

	return path ? fs_path_clean(NULL, path) : NULL;
}
