#include "plan.h"

#include "sys/fs.h"

#include <inttypes.h>

static struct cell_op *add(struct cell_plan *plan, enum cell_op_kind kind, const char *src,
	const char *dst, unsigned flags)
{
	struct cell_op *op;

	GROW(plan->ops, plan->n_ops, plan->cap_ops);
	op = &plan->ops[plan->n_ops++];
	*op = (struct cell_op){
		.kind = kind, .flags = flags, .src = xstrdup_null(src), .dst = xstrdup(dst)};
	return op;
}

static void add_file(struct cell_plan *plan, const char *dst, char *data, unsigned mode)
{
	struct cell_op *op = add(plan, CELL_FILE, NULL, dst, 0);

	op->data = data;
	op->mode = mode;
}

static void add_tmpfs(struct cell_plan *plan, const char *dst, unsigned mode, unsigned flags)
{
	add(plan, CELL_TMPFS, NULL, dst, flags | CELL_WRITABLE)->mode = mode;
}

/*
 * The part of /etc that programs need and that holds no secret, found by tracing
 * compilers, interpreters, TLS clients and the agents. Everything else of the
 * host's /etc, names too, is absent. Small files are copied, directories bound.
 */
static const char *const etc_names[] = {
	"alternatives",
	"bash.bashrc",
	"crypto-policies",
	"debian_version",
	"fedora-release",
	"fish",
	"fonts",
	"inputrc",
	"java-11-openjdk",
	"java-17-openjdk",
	"java-21-openjdk",
	"ld.so.cache",
	"ld.so.conf",
	"ld.so.conf.d",
	"locale.alias",
	"locale.conf",
	"localtime",
	"lsb-release",
	"maven",
	"mime.types",
	"os-release",
	"perl",
	"pki/ca-trust",
	"pki/tls/certs",
	"profile",
	"profile.d",
	"protocols",
	"redhat-release",
	"services",
	"shells",
	"ssl/certs",
	"ssl/openssl.cnf",
	"timezone",
	"vim",
	"zsh",
};

static void plan_etc(struct cell_plan *plan, const struct policy *p)
{
	AUTO_FREE char *shell = xstrdup(p->shell ? p->shell : "/bin/sh");
	char *passwd, *group;

	add(plan, CELL_DIR, NULL, "/etc", 0);
	add(plan, CELL_DIR, NULL, "/etc/ssl", 0);
	for (size_t i = 0; i < ARRAY_SIZE(etc_names); i++) {
		AUTO_FREE char *path = xasprintf("/etc/%s", etc_names[i]);

		add(plan, CELL_SAME, path, path, CELL_RO | CELL_OPTIONAL);
	}
	passwd = p->uid == 0 ? xasprintf("root:x:0:0:root:%s:%s\n", p->home, shell)
			     : xasprintf("root:x:0:0:root:/root:/bin/sh\n%s:x:%u:%u::%s:%s\n",
				       p->user, p->uid, p->gid, p->home, shell);
	group = p->gid == 0 ? xstrdup("root:x:0:\n")
			    : xasprintf("root:x:0:\n%s:x:%u:\n", p->user, p->gid);
	add_file(plan, "/etc/passwd",
		xasprintf("%snobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n", passwd),
		0644);
	add_file(plan, "/etc/group", xasprintf("%stty:x:5:\nnogroup:x:65534:\n", group), 0644);
	free(passwd);
	free(group);
	add_file(plan, "/etc/hostname", xasprintf("%s\n", p->hostname), 0644);
	add_file(plan, "/etc/hosts",
		xasprintf("127.0.0.1 localhost %s\n::1 localhost ip6-localhost %s\n", p->hostname,
			p->hostname),
		0644);
	add_file(plan, "/etc/nsswitch.conf",
		xstrdup("passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: "
			"files\nprotocols: files\nservices: files\n"),
		0644);
	add_file(plan, "/etc/resolv.conf",
		xstrdup("# This sandbox has no name server: only localhost is reachable.\n"), 0644);
	/* The same for every sandbox, so that it tells nothing. */
	add_file(plan, "/etc/machine-id", xstrdup("ba11e7ba11e7ba11e7ba11e7ba11e7ba\n"), 0444);
	add(plan, CELL_SYMLINK, "/proc/self/mounts", "/etc/mtab", 0);
}

static void plan_system(struct cell_plan *plan)
{
	static const char *const trees[] = {"/usr", "/opt", "/nix"};
	static const char *const merged[] = {
		"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};

	for (size_t i = 0; i < ARRAY_SIZE(trees); i++)
		add(plan, CELL_BIND, trees[i], trees[i], CELL_RO | CELL_OPTIONAL);
	for (size_t i = 0; i < ARRAY_SIZE(merged); i++)
		add(plan, CELL_SAME, merged[i], merged[i], CELL_RO | CELL_OPTIONAL);
	/* A socket behind a read-only mount can be connected to, and builds run outside. */
	add(plan, CELL_MASK, NULL, "/nix/var/nix/daemon-socket", 0);
}

static void plan_dev(struct cell_plan *plan)
{
	static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};
	static const char *const links[][2] = {
		{"/proc/self/fd", "/dev/fd"},
		{"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"},
		{"/proc/self/fd/2", "/dev/stderr"},
		{"pts/ptmx", "/dev/ptmx"},
		{"/proc/kcore", "/dev/core"},
	};

	add(plan, CELL_DIR, NULL, "/dev", 0);
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		AUTO_FREE char *path = xasprintf("/dev/%s", nodes[i]);

		add(plan, CELL_BIND, path, path, CELL_DEVICE | CELL_NOEXEC | CELL_WRITABLE);
	}
	for (size_t i = 0; i + 1 < ARRAY_SIZE(links); i++)
		add(plan, CELL_SYMLINK, links[i][0], links[i][1], 0);
	add(plan, CELL_DEVPTS, NULL, "/dev/pts", CELL_WRITABLE);
}

/*
 * /proc of the cell's own processes. What tells of the host or is a knob of it is
 * masked or read-only: the ids of the cell have no right to write there anyway,
 * nor does Landlock let them: three layers.
 */
static void plan_proc(struct cell_plan *plan)
{
	static const char *const masks[] = {
		"/proc/keys",
		"/proc/key-users",
		"/proc/kcore",
		"/proc/kallsyms",
		"/proc/sysrq-trigger",
		"/proc/timer_list",
		"/proc/cmdline",
		"/proc/modules",
		"/proc/acpi",
		"/proc/scsi",
		"/proc/bus",
		"/proc/irq",
	};

	add(plan, CELL_PROC, NULL, "/proc", 0);
	add(plan, CELL_READONLY, NULL, "/proc/sys", 0);
	add(plan, CELL_READONLY, NULL, "/proc/fs", CELL_OPTIONAL);
	for (size_t i = 0; i < ARRAY_SIZE(masks); i++)
		add(plan, CELL_MASK, NULL, masks[i], 0);
}

static void plan_scratch(struct cell_plan *plan, const struct policy *p)
{
	static const char *const var_dirs[] = {
		"/var/cache", "/var/lib", "/var/log", "/var/mail", "/var/opt", "/var/spool"};

	add_tmpfs(plan, "/tmp", 01777, 0);
	add_tmpfs(plan, "/dev/shm", 01777, CELL_NOEXEC);
	add_tmpfs(plan, "/run", 0755, 0);
	add_tmpfs(plan, "/var", 0755, 0);
	for (size_t i = 0; i < ARRAY_SIZE(var_dirs); i++)
		add(plan, CELL_DIR, NULL, var_dirs[i], 0);
	add(plan, CELL_DIR, NULL, "/var/tmp", 0)->mode = 01777;
	add(plan, CELL_SYMLINK, "/run", "/var/run", 0);
	add(plan, CELL_DIR, NULL, "/run/lock", 0)->mode = 01777;
	add(plan, CELL_SYMLINK, "/run/lock", "/var/lock", 0);
	/* Of /sys only what run-times ask to count processors. */
	add(plan, CELL_DIR, NULL, "/sys", 0);
	add(plan, CELL_BIND, "/sys/devices/system/cpu", "/sys/devices/system/cpu",
		CELL_RO | CELL_NOEXEC | CELL_OPTIONAL);
	if (!fs_path_within(p->home, "/root"))
		add(plan, CELL_DIR, NULL, "/root", 0);
}

static void plan_home(struct cell_plan *plan, const struct policy *p, const struct cell_dirs *dirs)
{
	if (dirs->home)
		add(plan, CELL_BIND, dirs->home, p->home, CELL_WRITABLE | CELL_STATE);
	else
		add_tmpfs(plan, p->home, 0700, 0);
}

static int plan_workspace(struct cell_plan *plan, const struct policy *p,
	const struct cell_dirs *dirs, struct err **err)
{
	struct cell_op *op;

	switch (p->workspace) {
	case CONF_WORKSPACE_STAGED:
		op = add(plan, CELL_OVERLAY, p->project, p->project,
			CELL_WRITABLE | CELL_USER_DATA | (p->ephemeral ? CELL_VOLATILE : 0));
		op->layer = xstrdup_null(dirs->layer);
		op->size = dirs->layer ? 0 : p->limits.tmp;
		return 0;
	case CONF_WORKSPACE_AUTO:
	case CONF_WORKSPACE_WORKTREE:
	case CONF_WORKSPACE_CLONE:
	case CONF_WORKSPACE_DIRECT:
		break;
	}
	return err_set(err, ENOTSUP, "build a cell with a workspace other than staged");
}

/*
 * A mask lies on a directory entry. In the staged project that entry is the cell's
 * own; in a mount it is the host's, and when the host renames another file over it,
 * as editors do when they save, the kernel takes the mask away.
 */
static int plan_masks(struct cell_plan *plan, const struct policy *p, struct err **err)
{
	for (size_t i = 0; i < p->masks.n; i++) {
		const char *mask = p->masks.v[i];
		const struct cell_op *below = NULL;

		for (size_t k = 0; k < plan->n_ops; k++)
			if ((plan->ops[k].kind == CELL_BIND || plan->ops[k].kind == CELL_OVERLAY) &&
				fs_path_within(mask, plan->ops[k].dst))
				below = &plan->ops[k];
		if (below && below->kind == CELL_BIND && (below->flags & CELL_USER_DATA)) {
			err_set(err, ENOTSUP,
				"mask '%s': it is in the mount '%s', where a mask comes off when "
				"the host replaces the file",
				mask, below->dst);
			return err_hint(err, "mount only what may be seen");
		}
		add(plan, CELL_MASK, NULL, mask, 0);
	}
	return 0;
}

int cell_plan_make(const struct policy *p, const struct cell_dirs *dirs, struct cell_plan **ret,
	struct err **err)
{
	AUTO_CELL_PLAN struct cell_plan *plan = xcalloc(1, sizeof(*plan));
	int r;

	plan->hostname = xstrdup(p->hostname);
	plan->ids = p->ids;
	plan->uid = p->uid;
	plan->gid = p->gid;
	plan->scratch = p->limits.tmp;
	plan->pids = p->limits.pids;
	plan->files = p->limits.files;
	plan->no_landlock = strvec_has(&p->allow_degraded, "landlock");
	if (p->n_host_ports)
		plan->ports = xmemdup(p->host_ports, p->n_host_ports * sizeof(*p->host_ports));
	plan->n_ports = p->n_host_ports;

	plan_system(plan);
	plan_etc(plan, p);
	plan_proc(plan);
	plan_dev(plan);
	plan_scratch(plan, p);
	plan_home(plan, p, dirs);
	for (size_t i = 0; i < p->n_mounts; i++) {
		const struct policy_mount *m = &p->mounts[i];

		/* A mount that holds the project goes below it, whatever the order. */
		if (!fs_path_within(m->dst, p->project) || str_eq(m->dst, p->project))
			add(plan, CELL_BIND, m->src, m->dst,
				CELL_USER_DATA | (m->writable ? CELL_WRITABLE : CELL_RO) |
					(m->optional ? CELL_OPTIONAL : 0));
	}
	r = plan_workspace(plan, p, dirs, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < p->n_mounts; i++) {
		const struct policy_mount *m = &p->mounts[i];

		if (fs_path_within(m->dst, p->project) && !str_eq(m->dst, p->project))
			add(plan, CELL_BIND, m->src, m->dst,
				CELL_USER_DATA | (m->writable ? CELL_WRITABLE : CELL_RO) |
					(m->optional ? CELL_OPTIONAL : 0));
	}
	r = plan_masks(plan, p, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(plan);
	return 0;
}

void cell_plan_free(struct cell_plan *plan)
{
	for (size_t i = 0; i < plan->n_ops; i++) {
		free(plan->ops[i].src);
		free(plan->ops[i].dst);
		free(plan->ops[i].layer);
		free(plan->ops[i].data);
	}
	free(plan->ops);
	free(plan->hostname);
	free(plan->ports);
	free(plan);
}

void cell_plan_print(const struct cell_plan *plan, FILE *out)
{
	static const char *const names[] = {
		[CELL_DIR] = "dir",
		[CELL_SYMLINK] = "symlink",
		[CELL_FILE] = "file",
		[CELL_COPY] = "copy",
		[CELL_SAME] = "same",
		[CELL_BIND] = "bind",
		[CELL_TMPFS] = "tmpfs",
		[CELL_PROC] = "proc",
		[CELL_DEVPTS] = "devpts",
		[CELL_OVERLAY] = "overlay",
		[CELL_MASK] = "mask",
		[CELL_READONLY] = "readonly",
	};

	static_assert(ARRAY_SIZE(names) == CELL_OP_MAX_, "a name for every operation");
	for (size_t i = 0; i < plan->n_ops; i++) {
		const struct cell_op *op = &plan->ops[i];
		AUTO_FREE char *dst = str_escape0(op->dst);
		AUTO_FREE char *src = op->src ? str_escape0(op->src) : NULL;

		fprintf(out, "%-8s %s", names[op->kind], dst);
		if (src && !str_eq(op->src, op->dst))
			fprintf(out, " from %s", src);
		if (op->size)
			fprintf(out, " size=%" PRIu64, op->size);
		fprintf(out, "%s%s%s%s\n", op->flags & CELL_RO ? " ro" : "",
			op->flags & CELL_WRITABLE ? " rw" : "",
			op->flags & CELL_NOEXEC ? " noexec" : "",
			op->flags & CELL_OPTIONAL ? " optional" : "");
	}
}
