#include "show.h"

#include "beneath.h"
#include "record.h"
#include "surface.h"
#include "textdiff.h"

#include <fcntl.h>
#include <sys/mman.h>

#define BOLD "\033[1m"
#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define CYAN "\033[36m"

static const char *on(const struct show *w, const char *color)
{
	return w->color ? color : "";
}

static const char *off(const struct show *w)
{
	return w->color ? "\033[0m" : "";
}

char *show_escape_text(const char *p, size_t n)
{
	char *out = xmalloc(n * 4 + 16), *o = out;
	uint32_t c;

	for (size_t i = 0, len; i < n; i += len) {
		len = utf8_decode(p + i, n - i, &c);
		if (len == 0) {
			len = 1;
			o += snprintf(o, 5, "\\x%02x", (unsigned char)p[i]);
		} else if (c == '\t') {
			*o++ = '\t';
		} else if (c == 0x1b || c == '\r') {
			o += snprintf(o, 3, "\\%c", c == '\r' ? 'r' : 'e');
		} else if (c < 0x20 || c == 0x7f) {
			o += snprintf(o, 5, "\\x%02x", (unsigned char)p[i]);
		} else if (c >= 0x80 && str_risks(p + i, len, true)) {
			/* Two bytes in at the least; at most 10 out for 4 in. */
			o += snprintf(o, 11, "\\u{%x}", c);
		} else {
			o = mempcpy(o, p + i, len);
		}
	}
	*o = '\0';
	return out;
}

static void heading(const struct show *w, const char *color, const char *text)
{
	fprintf(w->out, "%s%s%s%s\n", on(w, BOLD), on(w, color), text, off(w));
}

/* A directory whose content is listed says nothing more. */
static bool is_spelled_out(const struct change_list *l, size_t i)
{
	const char *rest;

	if (l->v[i].new.type != NODE_DIR || i + 1 == l->n)
		return false;
	rest = str_after(l->v[i + 1].path, l->v[i].path);
	return rest && *rest == '/';
}

static const char *what(const struct change *c)
{
	if (c->rename && c->kind == CHANGE_ADDED)
		return "renamed";
	return change_kind_name(c->kind);
}

/*
 * One line per entry that `wants` picks; prints the heading before the first. Returns
 * how many there are.
 */
struct listing {
	const char *color, *title;
	bool (*wants)(const struct change_list *l, size_t i, const void *arg);
	void (*line)(const struct show *w, const struct change_list *l, size_t i);
	const void *arg;
};

static size_t list(const struct show *w, const struct change_list *l, const struct listing *g)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += g->wants(l, i, g->arg);
	if (n == 0)
		return 0;
	if (g->title) {
		AUTO_FREE char *title = xasprintf("%s (%zu):", g->title, n);

		heading(w, g->color, title);
	}
	for (size_t i = 0, shown = 0; i < l->n && shown < SHOW_LIST_MAX; i++) {
		if (!g->wants(l, i, g->arg))
			continue;
		g->line(w, l, i);
		shown++;
	}
	if (n > SHOW_LIST_MAX)
		fprintf(w->out, "    ... and %zu more, %zu in all ('--json' lists all)\n",
			n - SHOW_LIST_MAX, n);
	return n;
}

static bool wants_class(const struct change_list *l, size_t i, const void *arg)
{
	return (l->v[i].classes & 1U << *(const unsigned *)arg) && !l->v[i].refusal &&
	       !is_spelled_out(l, i);
}

static void line_change(const struct show *w, const struct change_list *l, size_t i)
{
	AUTO_FREE char *name = str_escape0(l->v[i].path);
	AUTO_FREE char *target = l->v[i].new.target ? str_escape0(l->v[i].new.target) : xstrdup("");

	fprintf(w->out, "    %-12s %s%s%s\n", what(&l->v[i]), name, *target ? " -> " : "", target);
}

static void show_surface(const struct show *w, const struct change_list *l)
{
	unsigned present = 0;

	for (size_t i = 0; i < l->n; i++)
		if (!l->v[i].refusal)
			present |= l->v[i].classes;
	if (!present)
		return;
	heading(w, YELLOW, "Can run code on this host, or mislead its reader:");
	for (unsigned c = 0; c < SURFACE_N; c++) {
		if (!(present & 1U << c))
			continue;
		fprintf(w->out, "  %s%s%s: %s\n", on(w, YELLOW), surface_classes[c].name, off(w),
			surface_classes[c].why);
		list(w, l, &(struct listing){NULL, NULL, wants_class, line_change, &c});
	}
	fputs("  Each needs its own yes: ", w->out);
	for (unsigned c = 0; c < SURFACE_N; c++)
		if (present & 1U << c)
			fprintf(w->out, " --accept=%s", surface_classes[c].name);
	fputs("\n\n", w->out);
}

static bool wants_refused(const struct change_list *l, size_t i, const void *arg)
{
	(void)arg;
	return l->v[i].refusal;
}

static void line_refused(const struct show *w, const struct change_list *l, size_t i)
{
	AUTO_FREE char *name = str_escape0(l->v[i].path);

	fprintf(w->out, "    %s %s\n", name, refusal_text(l->v[i].refusal));
}

static bool wants_conflict(const struct change_list *l, size_t i, const void *arg)
{
	(void)arg;
	return l->v[i].conflict && !l->v[i].refusal;
}

static bool wants_deleted(const struct change_list *l, size_t i, const void *arg)
{
	(void)arg;
	return l->v[i].kind == CHANGE_DELETED && !l->v[i].refusal;
}

static void line_deleted(const struct show *w, const struct change_list *l, size_t i)
{
	const struct change *c = &l->v[i];
	AUTO_FREE char *name = str_escape0(c->path);
	AUTO_FREE char *to = c->rename ? str_escape0(l->v[c->rename - 1].path) : NULL;

	fprintf(w->out, "    %s%s%s%s\n", name, c->old.type == NODE_DIR ? "/" : "",
		to ? " is now " : "", to ? to : "");
}

static bool wants_mode(const struct change_list *l, size_t i, const void *arg)
{
	const struct change *c = &l->v[i];

	(void)arg;
	return !c->refusal && c->old.type == c->new.type && c->new.type != NODE_SYMLINK &&
	       ((c->old.mode ^ c->new.mode) & 0777);
}

static void line_mode(const struct show *w, const struct change_list *l, size_t i)
{
	AUTO_FREE char *name = str_escape0(l->v[i].path);

	fprintf(w->out, "    %04o -> %04o  %s\n", (unsigned)l->v[i].old.mode & 0777,
		(unsigned)l->v[i].new.mode & 0777, name);
}

static void show_totals(const struct show *w, const struct change_list *l)
{
	size_t n[CHANGE_N_KINDS] = {0}, renamed = 0, refused = 0;
	const char *between = "";

	for (size_t i = 0; i < l->n; i++) {
		const struct change *c = &l->v[i];

		if (c->refusal)
			refused++;
		else if (c->rename)
			renamed += c->kind == CHANGE_ADDED;
		else
			n[c->kind]++;
	}
	for (size_t k = 0; k < CHANGE_N_KINDS; k++) {
		if (!n[k])
			continue;
		fprintf(w->out, "%s%zu %s", between, n[k], change_kind_name((enum change_kind)k));
		between = ", ";
	}
	if (renamed) {
		fprintf(w->out, "%s%zu renamed", between, renamed);
		between = ", ";
	}
	if (refused)
		fprintf(w->out, "%s%zu refused", between, refused);
	fputs(l->n ? "\n" : "no changes\n", w->out);
}

void show_summary(const struct show *w, const struct change_list *l)
{
	static const struct listing lists[] = {
		{RED, "Refused, never applied", wants_refused, line_refused, NULL},
		{RED, "Changed on the host meanwhile", wants_conflict, line_change, NULL},
		{RED, "Deleted", wants_deleted, line_deleted, NULL},
		{YELLOW, "Modes changed", wants_mode, line_mode, NULL},
	};

	show_surface(w, l);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (list(w, l, &lists[i]))
			fputs("\n", w->out);
	show_totals(w, l);
}

/* ---- file by file ---- */

/* Both sides of a change, ready to be compared. */
struct sides {
	int old_fd, new_fd;  /* -1: nothing to show on that side */
	const char *instead; /* why there is no text: "Binary files differ", ... */
};

static void sides_done(struct sides *s)
{
	s->old_fd = fd_close(s->old_fd);
	s->new_fd = fd_close(s->new_fd);
}

/* A symlink's text is its target, as git has it. */
static int link_text(const char *target, int *ret)
{
	AUTO_FD int fd = memfd_create("link", MFD_CLOEXEC);

	if (fd < 0 || write(fd, target, strlen(target)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

static const char *const text_binary = "Binary files differ";
static const char *const text_large = "Too large to show";
static const char *const text_changed = "Changes while it is being read: not shown";
static const char *const text_unreadable = "Cannot be read";

/* The layer's side, as the scan saw it or not at all. */
static void open_new(const struct staged *s, struct change *c, struct sides *ret)
{
	AUTO_FD int path_fd = -1;
	AUTO_FD int fd = -1;
	struct digest d;
	struct stat st;
	int r;

	if (c->new.type == NODE_SYMLINK && c->new.target &&link_text(c->new.target, &ret->new_fd))
		ret->instead = text_unreadable;
	if (c->new.type != NODE_FILE)
		return;
	if (c->binary || c->new.size > TEXTDIFF_FILE_MAX) {
		ret->instead = c->binary ? text_binary : text_large;
		return;
	}
	path_fd = beneath_open(s->upper, c->path, O_PATH, 0);
	if (path_fd >= 0 && fstat(path_fd, &st) == 0 && S_ISREG(st.st_mode))
		fd = beneath_reopen(path_fd, O_RDONLY);
	r = fd < 0 ? -ENOENT : textdiff_snapshot(fd, &d);
	if (r < 0 || memcmp(d.sha256, c->new.sha256, DIGEST_SIZE) != 0) {
		fd_close(r);
		ret->instead = text_changed;
		c->refusal = REFUSED_RACE;
		return;
	}
	ret->new_fd = r;
}

/* The project's side. */
static void open_old(const struct staged *s, const struct change *c, struct sides *ret)
{
	AUTO_FD int path_fd = -1;
	AUTO_FD int fd = -1;
	struct digest d;
	struct stat st;
	int r;

	if (c->old.type == NODE_SYMLINK && c->old.target && link_text(c->old.target, &ret->old_fd))
		ret->instead = text_unreadable;
	if (c->old.type != NODE_FILE)
		return;
	if (c->old.size > TEXTDIFF_FILE_MAX) {
		ret->instead = text_large;
		return;
	}
	path_fd = beneath_open(s->lower, c->path, O_PATH, 0);
	if (path_fd >= 0 && fstat(path_fd, &st) == 0 && S_ISREG(st.st_mode))
		fd = beneath_reopen(path_fd, O_RDONLY);
	r = fd < 0 ? -ENOENT : textdiff_snapshot(fd, &d);
	if (r < 0) {
		ret->instead = text_unreadable;
	} else if (d.binary) {
		fd_close(r);
		ret->instead = text_binary;
	} else {
		ret->old_fd = r;
	}
}

/* Adds the hunks to b, or says what to print instead of them. */
static const char *hunks(const struct staged *s, struct change *c, struct buf *b)
{
	struct sides sides = {-1, -1, NULL};
	int r = 0;

	if (c->kind == CHANGE_MODE || c->rename)
		return NULL;
	open_old(s, c, &sides);
	open_new(s, c, &sides);
	if (!sides.instead)
		r = textdiff_hunks(sides.old_fd, sides.new_fd, b);
	sides_done(&sides);
	if (r == -ENOENT)
		return "No diff program: install diffutils to see the lines";
	return r < 0 ? "The difference is too large to show" : sides.instead;
}

static unsigned git_mode(const struct node *n)
{
	if (n->type == NODE_SYMLINK)
		return 0120000;
	return 0100000 | (n->mode & 0777);
}

static void show_head(const struct show *w, const struct change_list *l, const struct change *c)
{
	AUTO_FREE char *name = str_escape0(c->path);

	if (c->rename) {
		AUTO_FREE char *from = str_escape0(l->v[c->rename - 1].path);

		fprintf(w->out, "%sdiff --git a/%s b/%s%s\n", on(w, BOLD), from, name, off(w));
		fprintf(w->out, "similarity index 100%%\nrename from %s\nrename to %s\n", from,
			name);
		return;
	}
	fprintf(w->out, "%sdiff --git a/%s b/%s%s\n", on(w, BOLD), name, name, off(w));
	if (c->old.type == NODE_NONE)
		fprintf(w->out, "new file mode %06o\n", git_mode(&c->new));
	else if (c->kind == CHANGE_DELETED)
		fprintf(w->out, "deleted file mode %06o\n", git_mode(&c->old));
	else if (c->kind == CHANGE_TYPE)
		fprintf(w->out, "the %s becomes a %s\n", node_type_name(c->old.type),
			node_type_name(c->new.type));
	else if (git_mode(&c->old) != git_mode(&c->new))
		fprintf(w->out, "old mode %06o\nnew mode %06o\n", git_mode(&c->old),
			git_mode(&c->new));
}

static void show_lines(const struct show *w, const struct buf *b)
{
	for (const char *p = b->data, *end = p + b->len; p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t n = newline ? (size_t)(newline - p) : (size_t)(end - p);
		AUTO_FREE char *line = show_escape_text(p, n);
		const char *color = *p == '+' ? GREEN : *p == '-' ? RED : *p == '@' ? CYAN : NULL;

		fprintf(w->out, "%s%s%s\n", color ? on(w, color) : "", line, color ? off(w) : "");
		p += n + 1;
	}
}

static bool has_body(const struct change *c)
{
	if (c->refusal || (c->kind == CHANGE_DELETED && c->rename))
		return false;
	/* Directories are in the summary. */
	return !(c->new.type == NODE_DIR && c->old.type != NODE_FILE &&
		       c->old.type != NODE_SYMLINK) &&
	       !(c->kind == CHANGE_DELETED && c->old.type == NODE_DIR);
}

void show_diffs(const struct show *w, const struct staged *s, struct change_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct change *c = &l->v[i];
		AUTO_BUF struct buf b = BUF_INIT(TEXTDIFF_OUTPUT_MAX);
		AUTO_FREE char *name = NULL;
		const char *instead;

		if (!has_body(c))
			continue;
		name = str_escape0(c->path);
		fputs("\n", w->out);
		show_head(w, l, c);
		instead = hunks(s, c, &b);
		if (instead) {
			fprintf(w->out, "%s (%llu bytes -> %llu bytes)\n", instead,
				(unsigned long long)c->old.size, (unsigned long long)c->new.size);
			continue;
		}
		if (!b.len)
			continue;
		fprintf(w->out, "%s--- %s%s%s\n", on(w, BOLD), c->old.type ? "a/" : "/dev/null",
			c->old.type ? name : "", off(w));
		fprintf(w->out, "%s+++ %s%s%s\n", on(w, BOLD), c->new.type ? "b/" : "/dev/null",
			c->new.type ? name : "", off(w));
		show_lines(w, &b);
	}
}

void show_stat(const struct show *w, const struct staged *s, struct change_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct change *c = &l->v[i];
		AUTO_BUF struct buf b = BUF_INIT(TEXTDIFF_OUTPUT_MAX);
		AUTO_FREE char *name = str_escape0(c->path);
		size_t plus = 0, minus = 0;
		const char *instead;

		if (!has_body(c))
			continue;
		instead = hunks(s, c, &b);
		for (size_t k = 0; k < b.len; k++) {
			if (k && b.data[k - 1] != '\n')
				continue;
			plus += b.data[k] == '+';
			minus += b.data[k] == '-';
		}
		fprintf(w->out, " %-12s %s", what(c), name);
		if (instead || c->binary)
			fprintf(w->out, " | %llu -> %llu bytes\n", (unsigned long long)c->old.size,
				(unsigned long long)c->new.size);
		else if (plus || minus)
			fprintf(w->out, " | %s+%zu%s %s-%zu%s\n", on(w, GREEN), plus, off(w),
				on(w, RED), minus, off(w));
		else
			fputs("\n", w->out);
	}
}

void show_names(const struct show *w, const struct change_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		AUTO_FREE char *name = str_escape0(l->v[i].path);

		fprintf(w->out, "%s%s\n", name,
			(l->v[i].new.type ? l->v[i].new.type : l->v[i].old.type) == NODE_DIR ? "/"
											     : "");
	}
}

/* ---- for programs ---- */

static void json_name(json_t *obj, const char *key, const char *name)
{
	if (!str_is_utf8(name, strlen(name))) {
		AUTO_FREE char *escaped = str_escape0(name);

		json_object_set_new(obj, key, json_string(escaped));
	}
	record_set_bytes(obj, key, name);
}

static void json_side(json_t *obj, const char *prefix, const struct node *n)
{
	AUTO_FREE char *type = xasprintf("%stype", prefix);
	AUTO_FREE char *mode = xasprintf("%smode", prefix);
	AUTO_FREE char *size = xasprintf("%ssize", prefix);
	AUTO_FREE char *sha256 = xasprintf("%ssha256", prefix);
	AUTO_FREE char *target = xasprintf("%starget", prefix);
	char octal[8];

	if (n->type == NODE_NONE)
		return;
	snprintf(octal, sizeof(octal), "%04o", (unsigned)n->mode);
	json_object_set_new(obj, type, json_string(node_type_name(n->type)));
	json_object_set_new(obj, mode, json_string(octal));
	if (n->type == NODE_FILE)
		json_object_set_new(obj, size, json_integer((json_int_t)n->size));
	if (n->hashed) {
		char hex[DIGEST_HEX_SIZE];

		digest_hex(n->sha256, hex);
		json_object_set_new(obj, sha256, json_string(hex));
	}
	if (n->target)
		json_name(obj, target, n->target);
}

static json_t *json_change(const struct change_list *l, const struct change *c)
{
	json_t *obj = json_object(), *classes = json_array();

	json_name(obj, "path", c->path);
	json_object_set_new(obj, "kind", json_string(change_kind_name(c->kind)));
	json_side(obj, "", &c->new);
	json_side(obj, "old_", &c->old);
	if (c->rename)
		json_name(obj, c->kind == CHANGE_ADDED ? "renamed_from" : "renamed_to",
			l->v[c->rename - 1].path);
	for (size_t k = 0; k < SURFACE_N; k++)
		if (c->classes & 1U << k)
			json_array_append_new(classes, json_string(surface_classes[k].name));
	json_object_set_new(obj, "exec_surface", classes);
	json_object_set_new(
		obj, "refused", c->refusal ? json_string(refusal_text(c->refusal)) : json_null());
	json_object_set_new(obj, "conflict", json_boolean(c->conflict));
	if (c->new.type == NODE_FILE)
		json_object_set_new(obj, "binary", json_boolean(c->binary));
	if (c->new.type == NODE_FILE && c->new.nlink > 1)
		json_object_set_new(obj, "links", json_integer((json_int_t)c->new.nlink));
	return obj;
}

void show_json(const struct show *w, const struct change_list *l)
{
	json_t *all = json_object(), *changes = json_array();

	json_object_set_new(all, "sandbox", json_string(w->sandbox));
	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(changes, json_change(l, &l->v[i]));
	json_object_set_new(all, "changes", changes);
	(void)json_dumpf(all, w->out, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	fputs("\n", w->out);
	json_decref(all);
}

/* ---- after an apply ---- */

static bool wants_outcome(const struct change_list *l, size_t i, const void *arg)
{
	return l->v[i].outcome == *(const enum outcome *)arg;
}

static void line_outcome(const struct show *w, const struct change_list *l, size_t i)
{
	const struct change *c = &l->v[i];
	AUTO_FREE char *name = str_escape0(c->path);

	fprintf(w->out, "    %s", name);
	if (c->outcome == OUTCOME_REFUSED)
		fprintf(w->out, " %s", refusal_text(c->refusal));
	else if (c->outcome == OUTCOME_FAILED)
		fprintf(w->out, ": %s", strerror(c->error));
	else if (c->outcome == OUTCOME_CLASS)
		for (size_t k = 0; k < SURFACE_N; k++)
			if (c->classes & 1U << k)
				fprintf(w->out, " [%s]", surface_classes[k].name);
	fputs("\n", w->out);
}

void show_outcomes(const struct show *w, const struct change_list *l)
{
	static const struct {
		enum outcome outcome;
		const char *title;
	} groups[] = {
		{OUTCOME_REFUSED, "Refused, never applied"},
		{OUTCOME_CLASS, "Left out, each class needs --accept=CLASS"},
		{OUTCOME_CONFLICT, "Left out, changed on the host meanwhile (see --overwrite)"},
		{OUTCOME_NOT_SHOWN, "Left out, changed since 'bailey diff' showed it"},
		{OUTCOME_CHANGED, "Left out, changed while it was being applied"},
		{OUTCOME_HELD, "Kept, because what belongs to it was not applied"},
		{OUTCOME_FAILED, "Failed"},
	};
	size_t applied = 0;

	for (size_t i = 0; i < l->n; i++)
		applied += l->v[i].outcome == OUTCOME_APPLIED;
	for (size_t g = 0; g < ARRAY_SIZE(groups); g++)
		list(w, l,
			&(struct listing){YELLOW, groups[g].title, wants_outcome, line_outcome,
				&groups[g].outcome});
	fprintf(w->out, "applied %zu of %zu changes\n", applied, l->n);
}
