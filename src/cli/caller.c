/*
 * Who calls: the account, by /etc/passwd where it is there. getpwuid would load and
 * ask every name service, which costs more than all the rest of starting.
 */
#include "plan.h"

#include <fcntl.h>
#include <pwd.h>

static void take(struct caller *c, const struct passwd *pw)
{
	c->user = xstrdup(pw->pw_name);
	c->shell = xstrdup(pw->pw_shell && *pw->pw_shell ? pw->pw_shell : "/bin/sh");
	c->home = xstrdup(pw->pw_dir && pw->pw_dir[0] == '/' ? pw->pw_dir : "/");
}

static void find_account(struct caller *c)
{
	AUTO_FILE FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *pw;

	while (f && (pw = fgetpwent(f))) {
		if (pw->pw_uid == c->uid) {
			take(c, pw);
			return;
		}
	}
	pw = getpwuid(c->uid);
	if (pw) {
		take(c, pw);
		return;
	}
	/* No account, as in many containers: the number has to do. */
	c->user = xasprintf("uid%u", c->uid);
	c->shell = xstrdup("/bin/sh");
	c->home = xstrdup("/");
}

int caller_find(struct caller *c, struct err **err)
{
	const char *home = getenv("HOME");

	c->uid = geteuid();
	c->gid = getegid();
	find_account(c);
	if (home && home[0] == '/' && home[1]) {
		free(c->home);
		c->home = xstrdup(home);
	}
	/* The settings are found below it and it is compared with resolved paths. */
	home = realpath(c->home, NULL);
	if (home) {
		free(c->home);
		c->home = (char *)home;
	}
	c->cwd = getcwd(NULL, 0);
	if (!c->cwd)
		return err_set(err, errno, "find the current directory");
	if (c->cwd[0] != '/')
		return err_set(err, 0, "the current directory cannot be reached from /");
	return 0;
}

void caller_done(struct caller *c)
{
	free(c->user);
	free(c->home);
	free(c->shell);
	free(c->cwd);
	*c = (struct caller){0};
}
