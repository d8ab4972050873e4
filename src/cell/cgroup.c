#include "cgroup.h"

#include "sys/fs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>

/* Where cgroup2 is mounted: unified, or beside v1 (hybrid). */
static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

static char *read_text(int dir, const char *name)
{
	struct buf b = BUF_INIT(65536);

	if (fs_read_at(dir, name, &b) < 0) {
		buf_done(&b);
		return xstrdup("");
	}
	return buf_take(&b);
}

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; (p = strstr(p, word)); p += n)
		if ((p == text || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\n' || !p[n]))
			return true;
	return false;
}

/* Our own cgroup2 directory, or NULL. */
static char *own_cgroup(void)
{
	AUTO_FREE char *text = read_text(AT_FDCWD, "/proc/self/cgroup");
	const char *line = str_after(text, "0::") ? text : strstr(text, "\n0::");
	struct statfs fs;

	if (!line)
		return NULL;
	line += *line == '\n' ? 4 : 3;
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++)
		if (statfs(mounts[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			return xasprintf("%s%.*s", mounts[i], (int)strcspn(line, "\n"), line);
	return NULL;
}

/*
 * The nearest cgroup above us, or ours, in which we may make another and that hands
 * the controllers on. A cgroup with processes cannot hand them on ("no internal
 * processes", cgroup-v2.rst), so ours itself is rarely it.
 */
static char *find_parent(const char *const *controllers)
{
	char *path = own_cgroup();

	for (char *slash; path && (slash = strrchr(path, '/')) && strlen(path) >= strlen(mounts[0]);
		*slash = '\0') {
		AUTO_FD int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		AUTO_FREE char *given =
			dir < 0 ? xstrdup("") : read_text(dir, "cgroup.subtree_control");
		bool all = dir >= 0 && faccessat(dir, ".", W_OK, AT_EACCESS) == 0 &&
			   faccessat(dir, "cgroup.procs", W_OK, AT_EACCESS) == 0;

		for (const char *const *c = controllers; all && *c; c++) {
			AUTO_FREE char *enable = xasprintf("+%s", *c);

			if (!has_word(given, *c) && fs_write_at(dir, "cgroup.subtree_control",
							    enable, strlen(enable), 0) < 0)
				all = false;
		}
		if (all)
			return path;
	}
	free(path);
	return NULL;
}

bool cgroup_has(const char *controller)
{
	const char *const list[] = {controller, NULL};
	AUTO_FREE char *path = find_parent(list);

	return path != NULL;
}

static int set(int dir, const char *file, const char *value, const char *what, struct err **err)
{
	int r = fs_write_at(dir, file, value, strlen(value), 0);

	return r < 0 ? err_set(err, r, "limit %s with '%s'", what, file) : 0;
}

static int set_limits(int dir, const struct policy *p, struct err **err)
{
	AUTO_FREE char *memory = xasprintf("%llu", (unsigned long long)p->limits.memory);
	AUTO_FREE char *cpu =
		xasprintf("%llu 100000", (unsigned long long)p->limits.cpus_milli * 100);
	AUTO_FREE char *pids = xasprintf("%llu", (unsigned long long)p->limits.pids);
	int r = 0;

	if (p->limits.memory && !strvec_has(&p->allow_degraded, "limits.memory")) {
		r = set(dir, "memory.max", memory, "memory", err);
		/* Without swap, or the limit is only a slow one. Missing where swap accounting is
		 * off. */
		(void)!fs_write_at(dir, "memory.swap.max", "0", 1, 0);
		(void)!fs_write_at(dir, "memory.oom.group", "1", 1, 0);
	}
	if (r == 0 && p->limits.cpus_milli && !strvec_has(&p->allow_degraded, "limits.cpus"))
		r = set(dir, "cpu.max", cpu, "cpus", err);
	if (p->limits.pids)
		(void)!fs_write_at(dir, "pids.max", pids, strlen(pids), 0); /* a second layer */
	return r;
}

int cgroup_create(struct cgroup *ret, const struct policy *p, struct err **err)
{
	const char *controllers[4] = {NULL};
	AUTO_FREE char *parent = NULL;
	AUTO_FREE char *path = NULL;
	AUTO_FD int dir = -1;
	size_t n = 0;
	int r;

	*ret = (struct cgroup){.fd = -1};
	if (p->limits.memory && !strvec_has(&p->allow_degraded, "limits.memory"))
		controllers[n++] = "memory";
	if (p->limits.cpus_milli && !strvec_has(&p->allow_degraded, "limits.cpus"))
		controllers[n++] = "cpu";
	if (n == 0)
		return 0;
	parent = find_parent(controllers);
	if (!parent) {
		err_set(err, ENOTSUP,
			"limit %s: no cgroup v2 with that controller is delegated to you here",
			n == 2				? "memory and cpus"
			: str_eq(controllers[0], "cpu") ? "cpus"
							: "memory");
		return err_hint(err,
			"start Bailey under 'systemd-run --user --scope -p Delegate=yes', or go "
			"without: --allow-degraded limits.%s",
			str_eq(controllers[0], "cpu") ? "cpus" : "memory");
	}
	path = xasprintf("%s/bailey-%s-%d", parent, p->id, (int)getpid());
	if (mkdir(path, 0755) < 0)
		return err_set(err, errno, "make the cgroup '%s'", path);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir < 0 ? err_set(err, errno, "open the cgroup '%s'", path) : set_limits(dir, p, err);
	if (r < 0) {
		(void)rmdir(path);
		return r;
	}
	ret->fd = TAKE_FD(dir);
	ret->path = TAKE_PTR(path);
	return 0;
}

void cgroup_remove(struct cgroup *c)
{
	if (c->fd < 0)
		return;
	/* Everything in it is dead and reaped; the kernel may take a moment to say so. */
	for (int tries = 0; tries < 100 && rmdir(c->path) < 0 && errno == EBUSY; tries++)
		usleep(1000);
	c->fd = fd_close(c->fd);
	free(TAKE_PTR(c->path));
}
