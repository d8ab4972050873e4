#include "tap.h"

#include "agent/program.h"
#include "lab.h"
#include "sys/fs.h"

#include <fcntl.h>

static char root[32];

static int begin(void)
{
	int dir;

	memcpy(root, "/tmp/bailey-unit-XXXXXX", 24);
	CHECK(mkdtemp(root));
	dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	lab_mkdir(dir, "home", 0755);
	return dir;
}

static void end(int dir)
{
	CHECK_INT(fs_remove_tree(AT_FDCWD, root), 0);
	fd_close(dir);
}

/*
 * What is found of NAME with PATH=bin:home/bin below root: the file, and after it the
 * mounts and the additions to PATH ("+"), below root; or "!" and the complaint.
 */
static char *found(const char *name)
{
	AUTO_FREE char *path = xasprintf("relative::%s/bin:%s/home/bin:/usr/bin", root, root);
	AUTO_FREE char *home = xasprintf("%s/home", root);
	struct program p AUTO_PROGRAM = {};
	struct strvec private AUTO_STRVEC = {};
	AUTO_ERR struct err *err = NULL;
	struct buf b AUTO_BUF = {};
	int r;

	strvec_push(&private, ".agent/auth.json");
	r = program_find(name, path, home, &private, &p, &err);
	if (r < 0) {
		const char *in = strstr(err->text, root);

		CHECK_INT(r, -err->code);
		if (!in)
			return xasprintf("!%s", err->text);
		return xasprintf("!%.*s%s", (int)(in - err->text), err->text, in + strlen(root));
	}
	buf_puts(&b, str_after(p.path, root) ? str_after(p.path, root) : p.path);
	for (size_t i = 0; i < p.mounts.n; i++)
		buf_printf(&b, " %s", str_after(p.mounts.v[i], root));
	for (size_t i = 0; i < p.path_dirs.n; i++)
		buf_printf(&b, " +%s", str_after(p.path_dirs.v[i], root));
	return buf_take(&b);
}

#define CHECK_FOUND(name, want)                                                                    \
	do {                                                                                       \
		AUTO_FREE char *got_ = found(name);                                                \
		CHECK_STR(got_, want);                                                             \
	} while (0)

TEST(program_of_the_system)
{
	AUTO_FD int dir = begin();

	CHECK_FOUND("env", "/usr/bin/env");
	CHECK_FOUND("/usr/bin/env", "/usr/bin/env");
	CHECK_FOUND("no-such-agent", "!'no-such-agent' is not installed");
	end(TAKE_FD(dir));
}

TEST(program_native)
{
	AUTO_FD int dir = begin();

	lab_put(dir, "home/.local/share/claude/versions/2.1", "\177ELF", 0755);
	lab_put(dir, "home/.local/share/claude/versions/2.0", "\177ELF", 0755);
	lab_link(dir, "home/bin/claude", "../.local/share/claude/versions/2.1");
	/* Neither a directory nor what is not executable is a program. */
	lab_mkdir(dir, "bin/claude", 0755);
	CHECK_FOUND("claude",
		"/home/.local/share/claude/versions/2.1 /home/.local/share/claude/versions/2.1");
	end(TAKE_FD(dir));
}

TEST(program_npm_global)
{
	AUTO_FD int dir = begin();

	lab_put(dir, "home/npm/lib/node_modules/@x/agent/package.json",
		"{\"dependencies\":{\"left\":\"1\"},\"optionalDependencies\":{\"@x/"
		"agent-linux\":\"1\","
		"\"@x/agent-win\":\"1\"}}",
		0644);
	lab_put(dir, "home/npm/lib/node_modules/@x/agent/bin/a.js", "#!/usr/bin/env sh\n", 0755);
	lab_put(dir, "home/npm/lib/node_modules/@x/agent/node_modules/left/package.json", "{}",
		0644);
	lab_put(dir, "home/npm/lib/node_modules/@x/agent-linux/package.json", "{}", 0644);
	lab_put(dir, "home/npm/lib/node_modules/unrelated/package.json", "{}", 0644);
	lab_link(dir, "home/bin/agent", "../npm/lib/node_modules/@x/agent/bin/a.js");
	CHECK_FOUND("agent",
		"/home/npm/lib/node_modules/@x/agent/bin/a.js"
		" /home/npm/lib/node_modules/@x/agent /home/npm/lib/node_modules/@x/agent-linux");
	end(TAKE_FD(dir));
}

/* Names in a package.json are somebody else's: they lead nowhere but to packages. */
TEST(program_npm_hostile_names)
{
	AUTO_FD int dir = begin();

	lab_put(dir, "home/.ssh/package.json", "{}", 0644);
	lab_put(dir, "home/n/node_modules/agent/package.json",
		"{\"dependencies\":{\"../../.ssh\":\"1\",\"..\":\"1\",\"/etc\":\"1\",\"@a\":\"1\","
		"\"@a/../../../.ssh\":\"1\",\"\":\"1\"},\"optionalDependencies\":[1]}",
		0644);
	lab_put(dir, "home/n/node_modules/agent/a", "#!/bin/sh\n", 0755);
	lab_link(dir, "home/bin/agent", "../n/node_modules/agent/a");
	CHECK_FOUND("agent", "/home/n/node_modules/agent/a /home/n/node_modules/agent");
	end(TAKE_FD(dir));
}

TEST(program_npm_many)
{
	AUTO_FD int dir = begin();
	struct buf b AUTO_BUF = {};

	buf_puts(&b, "{\"dependencies\":{\"d0\":\"1\"");
	for (int i = 0; i < 40; i++) {
		AUTO_FREE char *path = xasprintf("home/n/node_modules/d%d/package.json", i);

		lab_put(dir, path, "{}", 0644);
		buf_printf(&b, ",\"d%d\":\"1\"", i);
	}
	buf_puts(&b, "}}");
	lab_put(dir, "home/n/node_modules/@s/agent/package.json", b.data, 0644);
	lab_put(dir, "home/n/node_modules/@s/agent/a", "#!/bin/sh\n", 0755);
	lab_link(dir, "home/bin/agent", "../n/node_modules/@s/agent/a");
	CHECK_FOUND("agent", "/home/n/node_modules/@s/agent/a /home/n/node_modules");
	end(TAKE_FD(dir));
}

TEST(program_pnpm)
{
	AUTO_FD int dir = begin();

	lab_put(dir, "home/g/node_modules/.pnpm/a@1/node_modules/a/package.json", "{}", 0644);
	lab_put(dir, "home/g/node_modules/.pnpm/a@1/node_modules/a/a", "#!/bin/sh\n", 0755);
	lab_link(dir, "home/bin/a", "../g/node_modules/.pnpm/a@1/node_modules/a/a");
	CHECK_FOUND("a", "/home/g/node_modules/.pnpm/a@1/node_modules/a/a /home/g/node_modules");
	end(TAKE_FD(dir));
}

/* node of a version manager: its tree is shown, but not its etc, where npm keeps tokens. */
TEST(program_nvm)
{
	AUTO_FD int dir = begin();

	lab_put(dir, "home/.nvm/v20/bin/mynode", "\177ELF", 0755);
	lab_mkdir(dir, "home/.nvm/v20/include", 0755);
	lab_put(dir, "home/.nvm/v20/etc/npmrc", "token", 0600);
	lab_put(dir, "home/.nvm/v20/lib/node_modules/a/package.json", "{}", 0644);
	lab_put(dir, "home/.nvm/v20/lib/node_modules/a/a", "#!/usr/bin/env mynode\n", 0755);
	lab_link(dir, "home/bin/mynode", "../.nvm/v20/bin/mynode");
	lab_link(dir, "home/bin/a", "../.nvm/v20/lib/node_modules/a/a");
	CHECK_FOUND("a", "/home/.nvm/v20/lib/node_modules/a/a /home/.nvm/v20/bin /home/.nvm/v20/lib"
			 " +/home/.nvm/v20/bin");
	end(TAKE_FD(dir));
}

/* A node in a bin directory with other things: only the file. */
TEST(program_lone_interpreter)
{
	AUTO_FD int dir = begin();

	lab_put(dir, "home/bin/mynode", "\177ELF", 0755);
	lab_put(dir, "home/bin/a", "#!/usr/bin/env -S mynode --flag\n", 0755);
	CHECK_FOUND("a", "/home/bin/a /home/bin/a /home/bin/mynode +/home/bin");
	lab_put(dir, "home/bin/b", "#!/usr/bin/env nothing-like-it\n", 0755);
	CHECK_FOUND(
		"b", "!run 'b': find 'nothing-like-it', which runs it: No such file or directory");
	end(TAKE_FD(dir));
}

TEST(program_venv)
{
	AUTO_FD int dir = begin();

	lab_put(dir, "home/py/bin/python3.12", "\177ELF", 0755);
	lab_mkdir(dir, "home/py/include", 0755);
	lab_mkdir(dir, "home/py/lib", 0755);
	lab_put(dir, "home/venvs/aider/pyvenv.cfg", "", 0644);
	lab_link(dir, "home/venvs/aider/bin/python", "../../../py/bin/python3.12");
	lab_put(dir, "home/venvs/aider/bin/aider", "#!/home/venvs/aider/bin/python\n", 0755);
	lab_link(dir, "home/bin/aider", "../venvs/aider/bin/aider");
	CHECK_FOUND("aider",
		"/home/venvs/aider/bin/aider /home/venvs/aider /home/py/bin /home/py/lib"
		" +/home/py/bin");
	end(TAKE_FD(dir));
}

/* What would show keys is refused: the home as a virtual environment, a login beside it. */
TEST(program_private)
{
	AUTO_FD int dir = begin();

	lab_put(dir, "home/pyvenv.cfg", "", 0644);
	lab_put(dir, "home/bin/a", "#!/bin/sh\n", 0755);
	CHECK_FOUND("a", "!run 'a': '/home' is needed to run it, but may hold more than programs");
	CHECK_INT(unlinkat(dir, "home/pyvenv.cfg", 0), 0);
	lab_put(dir, "home/.agent/pyvenv.cfg", "", 0644);
	lab_put(dir, "home/.agent/bin/b", "#!/bin/sh\n", 0755);
	lab_link(dir, "home/bin/b", "../.agent/bin/b");
	CHECK_FOUND("b",
		"!run 'b': '/home/.agent' is needed to run it, but may hold more than programs");
	end(TAKE_FD(dir));
}
