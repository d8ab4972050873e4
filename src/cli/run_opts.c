#include "run_opts.h"

#include "base/log.h"

struct run_opts run_opts;

#define SETTINGS (&run_opts.settings)

const struct opt run_opts_table[] = {
	OPT_GROUP("What runs, and how strong the walls are"),
	OPT_SETTING(0, "isolation", SETTINGS, "isolation", "KIND",
		"Walls: auto, container, vm or jail", "auto|container|vm|jail"),
	OPT_SETTING(0, "image", SETTINGS, "image", "REF",
		"Root file system inside: host is this machine's own, read-only", "host"),
	OPT_SETTING(0, "workspace", SETTINGS, "workspace", "MODE",
		"How the project gets in: auto, staged, worktree, clone or direct",
		"auto|staged|worktree|clone|direct"),
	OPT_SETTING(0, "ids", SETTINGS, "ids", "HOW",
		"User numbers inside: single (yours) or range (many, by newuidmap)",
		"single|range"),
	OPT_SETTING(0, "user", SETTINGS, "user", "USER", "User inside: yourself, or root", "root"),
	OPT_SETTING(0, "workdir", SETTINGS, "workdir", "DIR", "Directory to start in", "dir"),
	OPT_FLAG('d', "detach", &run_opts.detach, "Start it and return"),
	{.type = OPT_CONF,
		.name = "seed",
		.dest = SETTINGS,
		.key = "seed",
		.help = "Give the agent your instructions, commands and skills",
		.negatable = true},
	OPT_SETTING(0, "credentials", SETTINGS, "credentials", "WHOSE",
		"Logins of agents: bailey (kept apart), host (yours) or none", "bailey|host|none"),

	OPT_GROUP("Files and environment"),
	OPT_SETTING(0, "mount", SETTINGS, "mounts", "SRC[:DST][:ro|:rw]",
		"Show a host file or directory inside, read-only unless :rw", "file"),
	OPT_SETTING(0, "mask", SETTINGS, "mask", "PATH", "Make a path appear empty", "file"),
	OPT_SETTING('e', "env", SETTINGS, "env", "NAME[=VALUE]",
		"Set a variable inside; without a value, the caller's", NULL),

	OPT_GROUP("Network"),
	OPT_SETTING(0, "net", SETTINGS, "network.policy", "POLICY",
		"none is no network but loopback and granted host ports",
		"none|deny|balanced|allow|ask|record"),
	OPT_SETTING(0, "host-port", SETTINGS, "network.host_ports", "N[:M]",
		"Let 127.0.0.1:N inside reach port N (or M) of the host", NULL),
	OPT_SETTING(0, "allow", SETTINGS, "network.allow", "HOST[:PORT]",
		"Let the inside reach a host", NULL),
	OPT_SETTING(0, "deny", SETTINGS, "network.deny", "HOST[:PORT]",
		"Never let the inside reach a host", NULL),
	OPT_LIST('p', "publish", &run_opts.publish, "[ADDR:]HOST:GUEST",
		"Publish a port of the inside on the host", NULL),
	OPT_LIST(0, "secret", &run_opts.secrets, "NAME",
		"Give a secret to the gateway, not to the inside", NULL),

	OPT_GROUP("Limits"),
	OPT_SETTING(0, "memory", SETTINGS, "limits.memory", "SIZE", "Memory: 512M, 2G", NULL),
	OPT_SETTING(0, "cpus", SETTINGS, "limits.cpus", "N", "Processors: 2, 0.5", NULL),
	OPT_SETTING(0, "pids", SETTINGS, "limits.pids", "N", "Processes and threads", NULL),
	OPT_SETTING(0, "timeout", SETTINGS, "limits.timeout", "TIME",
		"Wall time until everything is ended: 90, 15m, 2h", NULL),
	OPT_SETTING(0, "allow-degraded", SETTINGS, "allow_degraded", "FEATURE",
		"Go on although this machine cannot enforce a feature", NULL),

	OPT_GROUP("Settings and plans"),
	OPT_LIST(0, "set", SETTINGS, "KEY=VALUE", "Any setting of bailey.toml(5)", NULL),
	OPT_FLAG(0, "assure", &run_opts.assure, "Attack the walls from the inside first"),
	OPT_FLAG(0, "dry-run", &run_opts.dry_run, "Print what would be done, and do nothing"),
	OPT_FLAG(0, "json", &run_opts.json, "Print the plan as JSON"),
	OPT_DONE,
};

const char *run_opts_setting(const struct run_opts *opts, const char *key)
{
	const char *last = NULL;

	for (size_t i = 0; i < opts->settings.n; i++) {
		const char *rest = str_after(opts->settings.v[i], key);

		if (rest && *rest == '=')
			last = rest + 1;
	}
	return last;
}

/* What cannot be meant together on one command line. */
static const char *contradiction(const struct run_opts *o)
{
	const char *net = run_opts_setting(o, "network.policy");
	bool none = net && str_eq(net, "none");

	if (none && run_opts_setting(o, "network.allow"))
		return "--net none and --allow";
	if (none && run_opts_setting(o, "network.deny"))
		return "--net none and --deny";
	if (none && o->publish.n)
		return "--net none and --publish";
	if (none && o->secrets.n)
		return "--net none and --secret";
	if (o->dry_run && o->detach)
		return "--dry-run and --detach";
	return NULL;
}

int run_opts_check(const struct run_opts *o, const char *command)
{
	const char *both = contradiction(o);

	if (both)
		return cli_usage(command, "options %s contradict each other", both);
	if (o->json && !o->dry_run && !str_eq(command, "explain"))
		return cli_usage(command, "option --json needs --dry-run here");
	for (size_t i = 0; i < o->settings.n; i++) {
		AUTO_FREE char *quoted = NULL;

		if (strchr(o->settings.v[i], '='))
			continue;
		quoted = opt_quote(o->settings.v[i]);
		return cli_usage(command, "option --set: %s is not KEY=VALUE", quoted);
	}
	if (o->publish.n || o->secrets.n) {
		log_error("option --%s needs the gateway, which this version does not have (a "
			  "service of the host can be granted with --host-port)",
			o->publish.n ? "publish" : "secret");
		return EXIT_FAILED;
	}
	if (o->assure) {
		log_error("option --assure needs 'bailey selftest', which this version does not "
			  "have (leave it out)");
		return EXIT_FAILED;
	}
	return 0;
}
