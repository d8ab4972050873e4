/*
 * The policy as clauses. Text and JSON are two ways of printing one list, which is
 * made in one place, so they cannot tell different stories.
 */
#include "base/buf.h"
#include "policy.h"

#include <jansson.h>

struct clause {
	const char *group; /* heading */
	char *what;	   /* escaped */
	const char *state; /* "open", "closed", "limit" */
	char *by;	   /* what enforces it; NULL: nothing does here */
};

struct clauses {
	struct clause *v;
	size_t n, cap;
	const struct strvec *enforce;
	const char *group;
};

static bool has(const struct clauses *c, const char *mechanism)
{
	return !c->enforce || strvec_has(c->enforce, mechanism);
}

static void add(struct clauses *c, const char *state, char *what, const char *by)
{
	GROW(c->v, c->n, c->cap);
	c->v[c->n++] = (struct clause){c->group, what, state, xstrdup_null(by)};
}

/* What namespaces hold, all of which need the user namespace (or root). */
static void add_ns(struct clauses *c, const char *state, char *what, const char *by)
{
	AUTO_FREE char *both = NULL;

	if (!has(c, "userns")) {
		add(c, state, what, NULL);
		return;
	}
	both = has(c, "landlock") && strstr(by, "mount namespace") ? xasprintf("%s, Landlock", by)
								   : xstrdup(by);
	add(c, state, what, both);
}

static void files(struct clauses *c, const struct policy *p)
{
	AUTO_FREE char *project = str_escape0(p->project);
	AUTO_FREE char *home = str_escape0(p->home);
	AUTO_FREE char *tmp = p->limits.tmp ? xasprintf(", together at most %llu MiB",
						      (unsigned long long)(p->limits.tmp >> 20))
					    : xstrdup("");

	c->group = "Files";
	add_ns(c, "closed", xstrdup("everything of this machine that is not named below"),
		"mount namespace");
	add_ns(c, "read", xstrdup("/usr /bin /sbin /lib* /opt /nix and parts of /etc, read-only"),
		"mount namespace");
	add_ns(c, "open",
		xasprintf("%s: a copy-on-write view; changes wait for 'bailey apply'", project),
		"mount namespace, overlay");
	add_ns(c, "open", xasprintf("%s: private%s", home, p->ephemeral ? ", not kept" : ", kept"),
		"mount namespace");
	add_ns(c, "open",
		xasprintf("/tmp /run /var /dev/shm: private, with nothing of this machine%s", tmp),
		"mount namespace");
	add_ns(c, "read",
		xstrdup("/proc of its own processes, its switches read-only; of /sys the "
			"processors"),
		"mount namespace");
	for (size_t i = 0; i < p->n_mounts; i++) {
		const struct policy_mount *m = &p->mounts[i];
		AUTO_FREE char *src = str_escape0(m->src);
		AUTO_FREE char *dst = str_escape0(m->dst);
		AUTO_FREE char *why = str_escape0(m->why);

		add_ns(c, m->writable ? "open" : "read",
			xasprintf("%s%s%s: of this machine, %s%s (%s)", dst,
				str_eq(src, dst) ? "" : " from ", str_eq(src, dst) ? "" : src,
				m->writable ? "WRITABLE" : "read-only",
				m->optional ? ", where it exists" : "", why),
			"mount namespace");
	}
	for (size_t i = 0; i < p->masks.n; i++) {
		AUTO_FREE char *path = str_escape0(p->masks.v[i]);

		add_ns(c, "closed", xasprintf("%s: appears empty", path), "mount namespace");
	}
}

static void network(struct clauses *c, const struct policy *p)
{
	c->group = "Network";
	add_ns(c, "closed", xstrdup("every network but a loopback of its own"),
		"network namespace");
	add_ns(c, "closed", xstrdup("abstract sockets of this machine"), "network namespace");
	add(c, "closed", xstrdup("raw packets, vsock and all rare families of sockets"), "seccomp");
	for (size_t i = 0; i < p->n_host_ports; i++)
		add_ns(c, "open",
			xasprintf("127.0.0.1:%u reaches port %u of this machine's loopback",
				p->host_ports[i].guest, p->host_ports[i].host),
			"network namespace, port relay");
}

static void processes(struct clauses *c, const struct policy *p)
{
	c->group = "Processes and privileges";
	add_ns(c, "closed", xstrdup("processes and signals of this machine"), "pid namespace");
	add_ns(c, "closed", xstrdup("shared memory, semaphores and queues of this machine"),
		"ipc namespace");
	add_ns(c, "open",
		xasprintf("user %s (%u:%u inside), %s", p->user, p->uid, p->gid,
			p->ids == CONF_IDS_RANGE ? "many user numbers" : "one user number"),
		"user namespace");
	add(c, "closed", xstrdup("gaining privileges by setuid files"), "no_new_privs");
	add(c, "closed",
		xstrdup("mounting, new namespaces, modules, tracing of the kernel, bpf, io_uring, "
			"foreign system call tables"),
		"seccomp");
	add_ns(c, "closed", xstrdup("devices but null, zero, full, random, urandom, tty and ptys"),
		"mount namespace");
	add(c, "closed", xstrdup("keyrings of yours"), "own session keyring, seccomp");
	add(c, "closed", xstrdup("files that the caller had open"), "close_range");
	add(c, "closed", xstrdup("your terminal: a pty relay stands between"), "pty relay");
	if (p->filter)
		add(c, "closed", xstrdup("escape sequences that reach beyond the screen"),
			"terminal filter");
	else
		add(c, "open", xstrdup("every escape sequence reaches your terminal"), "settings");
}

static void limit(struct clauses *c, const char *name, char *what, bool there, const char *by)
{
	add(c, "limit", xasprintf("%s %s", name, what), there ? by : NULL);
	free(what);
}

static void limits(struct clauses *c, const struct policy *p)
{
	c->group = "Limits";
	if (p->limits.memory)
		limit(c, "memory", xasprintf("%llu bytes", (unsigned long long)p->limits.memory),
			has(c, "cgroup.memory"), "cgroup");
	if (p->limits.cpus_milli)
		limit(c, "cpus",
			xasprintf("%llu.%03llu", (unsigned long long)p->limits.cpus_milli / 1000,
				(unsigned long long)p->limits.cpus_milli % 1000),
			has(c, "cgroup.cpu"), "cgroup");
	if (p->limits.pids)
		limit(c, "processes", xasprintf("%llu", (unsigned long long)p->limits.pids), true,
			has(c, "cgroup.pids") && c->enforce ? "rlimit, cgroup" : "rlimit");
	if (p->limits.files)
		limit(c, "open files of a process",
			xasprintf("%llu", (unsigned long long)p->limits.files), true, "rlimit");
	if (p->limits.timeout)
		limit(c, "wall time", xasprintf("%llu s", (unsigned long long)p->limits.timeout),
			true, "supervisor");
}

static void make_clauses(struct clauses *c, const struct policy *p)
{
	files(c, p);
	network(c, p);
	processes(c, p);
	limits(c, p);
}

static void clauses_done(struct clauses *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].what);
		free(c->v[i].by);
	}
	free(c->v);
}

/* Whether a variable's name says that its value is not for showing. */
static bool is_secret(const char *entry)
{
	static const char *const words[] = {
		"TOKEN", "SECRET", "PASSW", "KEY", "CREDENTIAL", "AUTH", "COOKIE"};
	AUTO_FREE char *name = xstrndup(entry, strcspn(entry, "="));

	for (char *c = name; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(name, words[i]))
			return true;
	return false;
}

static char *shown_env(const char *entry)
{
	if (is_secret(entry))
		return xasprintf("%.*s=(not shown)", (int)strcspn(entry, "="), entry);
	return str_escape0(entry);
}

static const char *isolation_name(const struct policy *p)
{
	static const char *const names[] = {"auto", "container", "vm", "jail"};

	return names[p->isolation];
}

static const char *workspace_name(const struct policy *p)
{
	static const char *const names[] = {"auto", "staged", "worktree", "clone", "direct"};

	return names[p->workspace];
}

void policy_print(const struct policy *p, const struct strvec *enforce, FILE *out)
{
	struct clauses c = {.enforce = enforce};
	AUTO_FREE char *project = str_escape0(p->project);
	AUTO_FREE char *workdir = str_escape0(p->workdir);
	const char *group = NULL;

	fprintf(out, "Sandbox %s (%s) of %s\n", p->name,
		p->ephemeral ? "removed afterwards" : "kept until 'bailey rm'", project);
	fprintf(out, "  isolation %s, workspace %s, starts in %s\n", isolation_name(p),
		workspace_name(p), workdir);
	if (p->agent)
		fprintf(out, "  agent %s\n", p->agent);
	make_clauses(&c, p);
	for (size_t i = 0; i < c.n; i++) {
		if (c.v[i].group != group)
			fprintf(out, "\n%s\n", c.v[i].group);
		group = c.v[i].group;
		fprintf(out, "  %-6s  %s\n", c.v[i].state, c.v[i].what);
		fprintf(out, "          %s%s\n", c.v[i].by ? "by " : "",
			c.v[i].by ? c.v[i].by : "NOT ENFORCED on this machine");
	}
	fputs("\nEnvironment (all of it)\n", out);
	for (size_t i = 0; i < p->env.n; i++) {
		AUTO_FREE char *shown = shown_env(p->env.v[i]);

		fprintf(out, "  %s\n", shown);
	}
	if (p->allow_degraded.n)
		fputs("\nMay be missing on this machine\n", out);
	for (size_t i = 0; i < p->allow_degraded.n; i++)
		fprintf(out, "  %s\n", p->allow_degraded.v[i]);
	clauses_done(&c);
}

/* JSON is UTF-8; a path need not be. Then it is given escaped, under the same name. */
static json_t *text(const char *s)
{
	AUTO_FREE char *escaped = NULL;

	if (str_is_utf8(s, strlen(s)))
		return json_string(s);
	escaped = str_escape0(s);
	return json_string(escaped);
}

static json_t *texts(const struct strvec *v)
{
	json_t *a = json_array();

	for (size_t i = 0; i < v->n; i++)
		json_array_append_new(a, text(v->v[i]));
	return a;
}

static json_t *json_mounts(const struct policy *p)
{
	json_t *a = json_array();

	for (size_t i = 0; i < p->n_mounts; i++) {
		const struct policy_mount *m = &p->mounts[i];
		json_t *o = json_object();

		json_object_set_new(o, "source", text(m->src));
		json_object_set_new(o, "target", text(m->dst));
		json_object_set_new(o, "writable", json_boolean(m->writable));
		json_object_set_new(o, "optional", json_boolean(m->optional));
		json_object_set_new(o, "why", text(m->why));
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *json_network(const struct policy *p)
{
	json_t *o = json_object(), *ports = json_array();

	json_object_set_new(o, "policy", json_string("none"));
	for (size_t i = 0; i < p->n_host_ports; i++) {
		json_t *port = json_object();

		json_object_set_new(port, "guest", json_integer(p->host_ports[i].guest));
		json_object_set_new(port, "host", json_integer(p->host_ports[i].host));
		json_array_append_new(ports, port);
	}
	json_object_set_new(o, "host_ports", ports);
	return o;
}

static json_t *json_limits(const struct policy *p)
{
	json_t *o = json_object();

	json_object_set_new(o, "memory", json_integer((json_int_t)p->limits.memory));
	json_object_set_new(o, "cpus", json_real((double)p->limits.cpus_milli / 1000));
	json_object_set_new(o, "pids", json_integer((json_int_t)p->limits.pids));
	json_object_set_new(o, "files", json_integer((json_int_t)p->limits.files));
	json_object_set_new(o, "tmp", json_integer((json_int_t)p->limits.tmp));
	json_object_set_new(o, "timeout", json_integer((json_int_t)p->limits.timeout));
	return o;
}

static json_t *json_clauses(const struct policy *p, const struct strvec *enforce)
{
	struct clauses c = {.enforce = enforce};
	json_t *a = json_array();

	make_clauses(&c, p);
	for (size_t i = 0; i < c.n; i++) {
		json_t *o = json_object();

		json_object_set_new(o, "about", json_string(c.v[i].group));
		json_object_set_new(o, "state", json_string(c.v[i].state));
		json_object_set_new(o, "clause", json_string(c.v[i].what));
		json_object_set_new(
			o, "enforced_by", c.v[i].by ? json_string(c.v[i].by) : json_null());
		json_array_append_new(a, o);
	}
	clauses_done(&c);
	return a;
}

char *policy_to_json(const struct policy *p, const struct strvec *enforce)
{
	json_t *o = json_object(), *env = json_array();
	AUTO_FREE char *dumped = NULL;

	for (size_t i = 0; i < p->env.n; i++) {
		AUTO_FREE char *shown = shown_env(p->env.v[i]);

		json_array_append_new(env, json_string(shown));
	}
	json_object_set_new(o, "name", json_string(p->name));
	json_object_set_new(o, "id", json_string(p->id));
	json_object_set_new(o, "ephemeral", json_boolean(p->ephemeral));
	json_object_set_new(o, "project", text(p->project));
	json_object_set_new(o, "agent", p->agent ? json_string(p->agent) : json_null());
	json_object_set_new(o, "isolation", json_string(isolation_name(p)));
	json_object_set_new(o, "workspace", json_string(workspace_name(p)));
	json_object_set_new(o, "hostname", json_string(p->hostname));
	json_object_set_new(o, "user", text(p->user));
	json_object_set_new(o, "uid", json_integer(p->uid));
	json_object_set_new(o, "gid", json_integer(p->gid));
	json_object_set_new(o, "ids", json_string(p->ids == CONF_IDS_RANGE ? "range" : "single"));
	json_object_set_new(o, "home", text(p->home));
	json_object_set_new(o, "shell", text(p->shell));
	json_object_set_new(o, "workdir", text(p->workdir));
	json_object_set_new(o, "env", env);
	json_object_set_new(o, "mounts", json_mounts(p));
	json_object_set_new(o, "masks", texts(&p->masks));
	json_object_set_new(o, "network", json_network(p));
	json_object_set_new(o, "limits", json_limits(p));
	json_object_set_new(o, "allow_degraded", texts(&p->allow_degraded));
	json_object_set_new(o, "terminal_filter", json_boolean(p->filter));
	json_object_set_new(o, "detach_keys", text(p->detach_keys));
	json_object_set_new(o, "clauses", json_clauses(p, enforce));
	dumped = json_dumps(o, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	json_decref(o);
	return dumped ? TAKE_PTR(dumped) : xstrdup("{}");
}
