#include "settings.h"

#include "base/buf.h"
#include "opt.h"

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define RANKS(...) ((const unsigned char[]){__VA_ARGS__})
#define AT(field) .offset = offsetof(struct conf, field)

#define KIB 1024ULL
#define GIB (KIB * KIB * KIB)

static const char *check_not_empty(const char *text)
{
	return *text ? NULL : "something";
}

static const char *check_user(const char *text)
{
	static const char *const want = "'root', a user's name or a number";
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-.");

	return n == 0 || text[n] || n > 32 || *text == '-' || *text == '.' ? want : NULL;
}

static const char *check_path(const char *text)
{
	return *text && strlen(text) < 4096 ? NULL : "a path";
}

const char *setting_check_agent(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return n == 0 || name[n] || n > 40 || *name == '-' ? "a name of small letters, digits and "
							     "'-'"
							   : NULL;
}

const char *setting_check_env_name(const char *name)
{
	static const char *const want = "a name of letters, digits and '_'";

	if (!*name || (*name >= '0' && *name <= '9') || strlen(name) > 255)
		return want;
	for (; *name; name++)
		if (!(*name >= 'a' && *name <= 'z') && !(*name >= 'A' && *name <= 'Z') &&
			!(*name >= '0' && *name <= '9') && *name != '_')
			return want;
	return NULL;
}

/* "ctrl-p,ctrl-q", "ctrl-],x", "" for none. */
static const char *check_keys(const char *text)
{
	static const char *const want = "up to 8 keys like 'ctrl-p,ctrl-q', or '' for none";

	for (unsigned n = 0; *text; n++) {
		const char *key = str_after(text, "ctrl-");

		if (n == 8)
			return want;
		if (key) {
			if (!((*key >= 'a' && *key <= 'z') || (*key && strchr("@[\\]^_", *key))))
				return want;
			text = key + 1;
		} else {
			if (*text <= ' ' || *text > '~' || *text == ',')
				return want;
			text++;
		}
		if (*text == ',' && text[1])
			text++;
		else if (*text)
			return want;
	}
	return NULL;
}

static const char *check_feature(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.");

	return n == 0 || text[n] || n > 40 ? "the name of a feature" : NULL;
}

/* Only the letters are judged here; what a rule means is the gateway's business. */
static const char *check_host(const char *text)
{
	size_t n =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/"
			     "*[]");

	return n == 0 || text[n] || n > 300 ? "HOST, HOST:PORT, *.DOMAIN or a network" : NULL;
}

/* In the order of `config show` and the manual. */
const struct setting settings[] = {
	{"isolation", SETTING_ENUM, AT(isolation), NAMES("auto", "container", "vm", "jail"), "auto",
		.option = "--isolation", .widen = WIDEN_RANK,
		/* auto is container until vm exists. */
		.ranks = RANKS(1, 1, 0, 2),
		.help = "How strong the walls are. auto takes the strongest that works here."},
	{"workspace", SETTING_ENUM, AT(workspace),
		NAMES("auto", "staged", "worktree", "clone", "direct"), "auto",
		.option = "--workspace", .widen = WIDEN_RANK, .ranks = RANKS(0, 0, 0, 0, 1),
		.help = "How the project gets in and the work comes out. staged is a copy-on-write "
			"view: nothing reaches the project until 'bailey apply'."},
	{"ids", SETTING_ENUM, AT(ids), NAMES("single", "range"), "single", .option = "--ids",
		.widen = WIDEN_RANK, .ranks = RANKS(0, 1),
		.help = "User numbers inside: single is yours only, range is many, by newuidmap."},
	{"image", SETTING_STRING, AT(image), .dflt = "host", .option = "--image",
		.widen = WIDEN_CHANGE, .check = check_not_empty,
		.help = "The root file system inside. host is this machine's own, read-only."},
	{"user", SETTING_STRING, AT(user), .option = "--user", .widen = WIDEN_CHANGE,
		.check = check_user,
		.help = "The user inside. Unset: yourself. 'root' needs ids = \"range\" unless you "
			"are root."},
	{"workdir", SETTING_STRING, AT(workdir), .option = "--workdir", .widen = WIDEN_NEVER,
		.check = check_path,
		.help = "The directory to start in. Unset: the current one where it is in the "
			"project, else the project."},
	{"agent", SETTING_STRING, AT(agent), .option = "--agent", .widen = WIDEN_NEVER,
		.check = setting_check_agent,
		.help = "The agent that 'bailey up' starts when none is named."},
	{"seed", SETTING_BOOL, AT(seed), .dflt = "true", .option = "--seed", .widen = WIDEN_TRUE,
		.help = "Whether an agent gets copies of your instructions, commands and skills."},
	{"credentials", SETTING_ENUM, AT(credentials), NAMES("bailey", "host", "none"), "bailey",
		.option = "--credentials", .widen = WIDEN_RANK, .ranks = RANKS(1, 2, 0),
		.help = "Whose logins an agent gets: bailey's own (kept apart from yours), the "
			"host's, or none."},
	{"detach_keys", SETTING_STRING, AT(detach_keys), .dflt = "ctrl-p,ctrl-q",
		.widen = WIDEN_NEVER, .check = check_keys,
		.help = "The keys that leave a session without ending it."},
	{"mask", SETTING_STRINGS, AT(mask), .option = "--mask", .widen = WIDEN_NEVER,
		.check = check_path,
		.help = "Paths that appear empty inside; relative ones are in the project."},
	{"allow_degraded", SETTING_STRINGS, AT(allow_degraded), .option = "--allow-degraded",
		.widen = WIDEN_ITEMS, .check = check_feature,
		.help = "Features that this machine may fail to enforce without that being an "
			"error."},
	{"terminal.filter", SETTING_BOOL, AT(filter), .dflt = "true", .widen = WIDEN_FALSE,
		.help = "Whether dangerous escape sequences are kept from your terminal."},
	{"network.policy", SETTING_ENUM, AT(network.policy),
		NAMES("none", "deny", "balanced", "ask", "allow", "record"), "none",
		.option = "--net", .widen = WIDEN_RANK, .ranks = RANKS(0, 1, 2, 3, 4, 5),
		.help = "What the inside may reach. none is loopback and host_ports only."},
	{"network.host_ports", SETTING_PORTS, AT(network.host_ports), .option = "--host-port",
		.min = 1, .max = 65535, .widen = WIDEN_ITEMS,
		.help = "Ports of this machine's loopback that 127.0.0.1 inside reaches: N, or "
			"\"N:M\" for port N inside and M on the host."},
	{"network.allow", SETTING_STRINGS, AT(network.allow), .option = "--allow",
		.widen = WIDEN_ITEMS, .check = check_host, .help = "Hosts that may be reached."},
	{"network.deny", SETTING_STRINGS, AT(network.deny), .option = "--deny",
		.widen = WIDEN_NEVER, .check = check_host,
		.help = "Hosts that may not be reached, whatever else allows them."},
	{"limits.memory", SETTING_SIZE, AT(limits.memory), .dflt = "0", .min = 16 * KIB * KIB,
		.max = 1024 * KIB * GIB, .zero_is = "no limit", .option = "--memory",
		.widen = WIDEN_MORE, .help = "Memory of everything inside together."},
	{"limits.cpus", SETTING_MILLI, AT(limits.cpus_milli), .dflt = "0", .min = 10,
		.max = 4096 * 1000, .zero_is = "no limit", .option = "--cpus", .widen = WIDEN_MORE,
		.help = "Processor time per second: 1.5 is one and a half."},
	{"limits.pids", SETTING_COUNT, AT(limits.pids), .dflt = "4096", .min = 8,
		.max = 4 * KIB * KIB, .zero_is = "no limit", .option = "--pids",
		.widen = WIDEN_MORE, .help = "Processes and threads."},
	{"limits.files", SETTING_COUNT, AT(limits.files), .dflt = "65536", .min = 64,
		.max = KIB * KIB * KIB, .zero_is = "no limit of its own", .widen = WIDEN_MORE,
		.help = "Open files of one process."},
	{"limits.tmp", SETTING_SIZE, AT(limits.tmp), .dflt = "2G", .min = KIB * KIB,
		.max = 1024 * KIB * GIB, .zero_is = "half of the memory, as the kernel has it",
		.widen = WIDEN_MORE, .help = "Size of each private file system: /tmp, /run, /var."},
	{"limits.timeout", SETTING_DURATION, AT(limits.timeout), .dflt = "0", .min = 1,
		.max = 3660ULL * 86400, .zero_is = "no limit", .option = "--timeout",
		.widen = WIDEN_MORE, .help = "Wall time; then everything inside is ended."},
	{"mounts.NAME.source", SETTING_MOUNT, .option = "--mount", .check = check_path,
		.help = "The file or directory of the host. ~ and ${VAR} are expanded; relative "
			"ones are in the project."},
	{"mounts.NAME.target", SETTING_MOUNT, .check = check_path,
		.help = "Where it appears inside. Unset: at the same path."},
	{"mounts.NAME.mode", SETTING_MOUNT, .names = NAMES("ro", "rw"), .dflt = "ro",
		.help = "Read-only, or writable."},
	{"mounts.NAME.missing", SETTING_MOUNT, .names = NAMES("error", "skip"), .dflt = "error",
		.help = "What to do when the source does not exist."},
	{"env.NAME", SETTING_ENV, .option = "--env",
		.help = "A variable inside. ${VAR} and ${VAR:-default} take from your environment; "
			"$$ is a dollar sign."},
	{"agents.NAME.args", SETTING_AGENT,
		.help = "Arguments that an agent gets before those of the command line."},
};
const size_t settings_n = ARRAY_SIZE(settings);

const struct setting *setting_find(const char *key)
{
	for (size_t i = 0; i < settings_n; i++)
		if (str_eq(settings[i].key, key))
			return &settings[i];
	return NULL;
}

bool setting_is_block(const char *block)
{
	for (size_t i = 0; i < settings_n; i++) {
		const char *rest = str_after(settings[i].key, block);

		if (rest && *rest == '.')
			return true;
	}
	return false;
}

char *setting_names(const struct setting *s, const char *separator)
{
	AUTO_BUF struct buf b = BUF_INIT(0);

	for (size_t i = 0; s->names[i]; i++)
		buf_printf(&b, "%s%s", i ? separator : "", s->names[i]);
	return buf_take(&b);
}

const char *setting_type_words(const struct setting *s)
{
	switch (s->type) {
	case SETTING_BOOL:
		return "true or false";
	case SETTING_ENUM:
		return "a word";
	case SETTING_SIZE:
		return "a size like \"512M\" or \"2G\"";
	case SETTING_MILLI:
		return "a number like 2 or 0.5";
	case SETTING_COUNT:
		return "a whole number";
	case SETTING_DURATION:
		return "a time like \"90s\", \"15m\" or \"2h\"";
	case SETTING_STRINGS:
		return "an array of strings";
	case SETTING_PORTS:
		return "an array of ports (N) and pairs (\"N:M\")";
	case SETTING_AGENT:
		return "an array of strings";
	case SETTING_STRING:
	case SETTING_MOUNT:
	case SETTING_ENV:
		break;
	}
	return "a string";
}

#define FIELD(type) ((type *)(void *)((char *)conf + s->offset))
#define FIELD_CONST(type) ((const type *)(const void *)((const char *)conf + s->offset))

static int wrong(char **why, const char *text, const char *what)
{
	AUTO_FREE char *quoted = opt_quote(text);

	*why = xasprintf("%s is not %s", quoted, what);
	return -EINVAL;
}

static int set_enum(const struct setting *s, struct conf *conf, const char *text, char **why)
{
	AUTO_FREE char *all = NULL, *what = NULL;
	const char *near;
	size_t n;

	for (n = 0; s->names[n]; n++) {
		if (!str_eq(s->names[n], text))
			continue;
		*FIELD(unsigned) = (unsigned)n;
		return 0;
	}
	all = setting_names(s, ", ");
	near = str_nearest(text, s->names, n);
	what = near ? xasprintf("one of %s; did you mean '%s'?", all, near)
		    : xasprintf("one of %s", all);
	return wrong(why, text, what);
}

static char *show_number(const struct setting *s, uint64_t v);

static int out_of_range(
	const struct setting *s, const char *text, const char *how, uint64_t bound, char **why)
{
	AUTO_FREE char *quoted = opt_quote(text);
	AUTO_FREE char *shown = show_number(s, bound);

	*why = xasprintf("%s is too %s %s", quoted, how, shown);
	return -EINVAL;
}

static int set_number(const struct setting *s, struct conf *conf, const char *text, char **why)
{
	uint64_t v = 0;
	int r = -EINVAL;

	if (s->type == SETTING_SIZE)
		r = parse_size(text, &v);
	else if (s->type == SETTING_MILLI)
		r = parse_milli(text, &v);
	else if (s->type == SETTING_DURATION)
		r = parse_duration(text, &v);
	else
		r = parse_u64(text, 0, UINT64_MAX, &v);
	if (r == -EINVAL)
		return wrong(why, text, setting_type_words(s));
	if (r < 0 || v > s->max)
		return out_of_range(s, text, "large; the most is", s->max, why);
	if (v < s->min && !(v == 0 && s->zero_is))
		return out_of_range(s, text, "small; the least is", s->min, why);
	*FIELD(uint64_t) = v;
	return 0;
}

static int parse_port(const char *text, size_t n, uint16_t *ret)
{
	AUTO_FREE char *copy = xstrndup(text, n);
	uint64_t v;
	int r = parse_u64(copy, 1, 65535, &v);

	if (r == 0)
		*ret = (uint16_t)v;
	return r;
}

static int set_port(const struct setting *s, struct conf *conf, const char *text, char **why)
{
	const char *colon = strchr(text, ':');
	struct conf_port p = {0};
	size_t n = conf->network.n_host_ports;

	if (parse_port(text, colon ? (size_t)(colon - text) : strlen(text), &p.guest) < 0 ||
		(colon && parse_port(colon + 1, strlen(colon + 1), &p.host) < 0))
		return wrong(why, text, "a port (1 to 65535) or a pair of them (N:M)");
	if (!colon)
		p.host = p.guest;
	for (size_t i = 0; i < n; i++) {
		if (conf->network.host_ports[i].guest != p.guest)
			continue;
		if (conf->network.host_ports[i].host == p.host)
			return 0;
		*why = xasprintf("port %u inside is already granted to port %u of the host",
			p.guest, conf->network.host_ports[i].host);
		return -EINVAL;
	}
	if (n >= CONF_LIST_MAX)
		return wrong(why, text, "acceptable: there are too many");
	(void)s;
	conf->network.host_ports =
		xrealloc(conf->network.host_ports, n + 1, sizeof(*conf->network.host_ports));
	conf->network.host_ports[conf->network.n_host_ports++] = p;
	return 0;
}

int setting_set(const struct setting *s, struct conf *conf, const char *text, char **why)
{
	const char *want;

	if (strlen(text) > CONF_STRING_MAX)
		return wrong(why, text, "acceptable: it is too long");
	want = s->check ? s->check(text) : NULL;
	if (want)
		return wrong(why, text, want);
	switch (s->type) {
	case SETTING_BOOL:
		if (!str_eq(text, "true") && !str_eq(text, "false"))
			return wrong(why, text, "true or false");
		*FIELD(bool) = str_eq(text, "true");
		return 0;
	case SETTING_ENUM:
		return set_enum(s, conf, text, why);
	case SETTING_STRING:
		free(*FIELD(char *));
		*FIELD(char *) = xstrdup(text);
		return 0;
	case SETTING_SIZE:
	case SETTING_MILLI:
	case SETTING_COUNT:
	case SETTING_DURATION:
		return set_number(s, conf, text, why);
	case SETTING_STRINGS:
		if (FIELD(struct strvec)->n >= CONF_LIST_MAX)
			return wrong(why, text, "acceptable: there are too many");
		if (!strvec_has(FIELD(struct strvec), text))
			strvec_push(FIELD(struct strvec), text);
		return 0;
	case SETTING_PORTS:
		return set_port(s, conf, text, why);
	case SETTING_MOUNT:
	case SETTING_AGENT:
	case SETTING_ENV:
		break;
	}
	return wrong(why, text, "a value by itself");
}

char *setting_quote(const char *text)
{
	AUTO_BUF struct buf b = BUF_INIT(0);
	size_t n = strlen(text);
	uint32_t c;

	buf_puts(&b, "\"");
	for (size_t i = 0, len; i < n; i += len) {
		len = utf8_decode(text + i, n - i, &c);
		if (len == 0) {
			/* No TOML can say this byte; show it as an error would. */
			buf_printf(&b, "\\\\x%02x", (unsigned char)text[i]);
			len = 1;
		} else if (c == '"' || c == '\\') {
			buf_printf(&b, "\\%c", (int)c);
		} else if (str_risks(text + i, len, false)) {
			buf_printf(&b, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
		} else {
			buf_put(&b, text + i, len);
		}
	}
	buf_puts(&b, "\"");
	return buf_take(&b);
}

static char *show_size(uint64_t v)
{
	static const char units[] = "KMGT";
	size_t unit = 0;

	if (v == 0 || v % KIB)
		return xasprintf("%llu", (unsigned long long)v);
	for (v /= KIB; v % KIB == 0 && unit + 2 < sizeof(units); v /= KIB)
		unit++;
	return xasprintf("\"%llu%c\"", (unsigned long long)v, units[unit]);
}

static char *show_duration(uint64_t v)
{
	if (v == 0)
		return xstrdup("0");
	if (v % 3600 == 0)
		return xasprintf("\"%lluh\"", (unsigned long long)(v / 3600));
	if (v % 60 == 0)
		return xasprintf("\"%llum\"", (unsigned long long)(v / 60));
	return xasprintf("\"%llus\"", (unsigned long long)v);
}

static char *show_milli(uint64_t v)
{
	AUTO_FREE char *text = NULL;
	size_t n;

	if (v % 1000 == 0)
		return xasprintf("%llu", (unsigned long long)(v / 1000));
	text = xasprintf(
		"%llu.%03llu", (unsigned long long)(v / 1000), (unsigned long long)(v % 1000));
	for (n = strlen(text); text[n - 1] == '0'; n--)
		text[n - 1] = '\0';
	return TAKE_PTR(text);
}

static char *show_number(const struct setting *s, uint64_t v)
{
	if (s->type == SETTING_SIZE)
		return show_size(v);
	if (s->type == SETTING_MILLI)
		return show_milli(v);
	if (s->type == SETTING_DURATION)
		return show_duration(v);
	return xasprintf("%llu", (unsigned long long)v);
}

static char *show_strings(const struct strvec *v)
{
	AUTO_BUF struct buf b = BUF_INIT(0);

	for (size_t i = 0; i < v->n; i++) {
		AUTO_FREE char *quoted = setting_quote(v->v[i]);

		buf_printf(&b, "%s%s", i ? ", " : "[", quoted);
	}
	buf_puts(&b, v->n ? "]" : "[]");
	return buf_take(&b);
}

static char *show_ports(const struct conf *conf)
{
	AUTO_BUF struct buf b = BUF_INIT(0);

	for (size_t i = 0; i < conf->network.n_host_ports; i++) {
		const struct conf_port *p = &conf->network.host_ports[i];

		buf_puts(&b, i ? ", " : "[");
		if (p->guest == p->host)
			buf_printf(&b, "%u", p->guest);
		else
			buf_printf(&b, "\"%u:%u\"", p->guest, p->host);
	}
	buf_puts(&b, conf->network.n_host_ports ? "]" : "[]");
	return buf_take(&b);
}

char *setting_show(const struct setting *s, const struct conf *conf)
{
	const char *text;

	switch (s->type) {
	case SETTING_BOOL:
		return xstrdup(*FIELD_CONST(bool) ? "true" : "false");
	case SETTING_ENUM:
		return setting_quote(s->names[*FIELD_CONST(unsigned)]);
	case SETTING_STRING:
		text = *FIELD_CONST(char *);
		return text ? setting_quote(text) : NULL;
	case SETTING_SIZE:
	case SETTING_MILLI:
	case SETTING_COUNT:
	case SETTING_DURATION:
		return show_number(s, *FIELD_CONST(uint64_t));
	case SETTING_STRINGS:
		return show_strings(FIELD_CONST(struct strvec));
	case SETTING_PORTS:
		return show_ports(conf);
	case SETTING_MOUNT:
	case SETTING_AGENT:
	case SETTING_ENV:
		break;
	}
	return NULL;
}
