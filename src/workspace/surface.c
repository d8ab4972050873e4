#include "surface.h"

#include "beneath.h"
#include "upper.h"

#include <fcntl.h>

/*
 * A name as the most forgiving file systems see it: letters folded (also the two
 * non-ASCII letters that fold to ASCII ones: the long s and the Kelvin sign), what
 * is invisible dropped, trailing dots and blanks of a component dropped.
 */
static char *fold(const char *path)
{
	size_t n = strlen(path), start = 0;
	char *out = xmalloc(n + 1), *o = out;

	for (size_t i = 0; i <= n;) {
		uint32_t c;
		size_t len = utf8_decode(path + i, n - i, &c);

		if (i == n || path[i] == '/') {
			while (o > out + start && (o[-1] == '.' || o[-1] == ' '))
				o--;
			*o++ = i == n ? '\0' : '/';
			start = (size_t)(o - out);
			i++;
			continue;
		}
		if (len == 0) {
			*o++ = path[i++];
			continue;
		}
		if (c >= 'A' && c <= 'Z')
			*o++ = (char)(c | 0x20);
		else if (c == 0x17f)
			*o++ = 's';
		else if (c == 0x212a)
			*o++ = 'k';
		else if (!str_risks(path + i, len, false) && !(c >= 0xfe00 && c <= 0xfe0f))
			o = mempcpy(o, path + i, len);
		i += len;
	}
	return out;
}

static char lower_ascii(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* One component against one component; linear: back to the last star only. */
static bool match_component(const char *p, size_t np, const char *s, size_t ns)
{
	size_t i = 0, j = 0, star = SIZE_MAX, from = 0;

	while (j < ns) {
		if (i < np && p[i] == '*') {
			star = i++;
			from = j;
		} else if (i < np && lower_ascii(p[i]) == s[j]) {
			i++;
			j++;
		} else if (star != SIZE_MAX) {
			i = star + 1;
			j = ++from;
		} else {
			return false;
		}
	}
	while (i < np && p[i] == '*')
		i++;
	return i == np;
}

static size_t component(const char *s)
{
	return strcspn(s, "/");
}

/* The pattern against the folded path from this component on. */
static bool match_here(const char *pattern, const char *path)
{
	for (;;) {
		size_t np = component(pattern), ns = component(path);

		if (!match_component(pattern, np, path, ns))
			return false;
		pattern += np;
		path += ns;
		if (!*pattern)
			return !*path;
		pattern++;
		if (!*pattern)
			return true; /* "dir/": itself and all below */
		if (!*path)
			return false;
		path++;
	}
}

/*
 * A first look that spares most comparisons: patterns that do not begin with a star
 * can only match components that begin with the same letter.
 */
static unsigned match_from(const char *path)
{
	unsigned classes = 0;

	for (size_t i = 0; i < n_surface_patterns; i++) {
		const struct surface_pattern *p = &surface_patterns[i];

		if (p->pattern[0] != '*' && lower_ascii(p->pattern[0]) != path[0])
			continue;
		if (!(classes & 1U << p->class) && match_here(p->pattern, path))
			classes |= 1U << p->class;
	}
	return classes;
}

unsigned surface_of_path(const char *path)
{
	AUTO_FREE char *folded = fold(path);
	unsigned classes = 0;

	for (const char *p = folded; *p;) {
		classes |= match_from(p);
		p += component(p);
		while (*p == '/')
			p++;
	}
	if (str_risks(path, strlen(path), false))
		classes |= 1U << SURFACE_NAME;
	return classes;
}

bool surface_link_leaves(const char *path, const char *target)
{
	size_t depth = 0;
	bool named = false;

	if (target[0] == '/' || (surface_of_path(target) & 1U << SURFACE_GIT))
		return true;
	for (const char *p = path; (p = strchr(p, '/')); p++)
		depth++;
	while (*target) {
		size_t n = component(target);

		if (n == 2 && memcmp(target, "..", 2) == 0) {
			/*
			 * "name/..": name may itself be a link to a shallower place, so that
			 * counting components says nothing.
			 */
			if (named || depth == 0)
				return true;
			depth--;
		} else if (n && !(n == 1 && *target == '.')) {
			named = true;
		}
		target += n;
		while (*target == '/')
			target++;
	}
	return false;
}

unsigned surface_of_change(const struct change *c)
{
	unsigned classes = surface_of_path(c->path);

	/* What disappears runs nothing; but a file that ceases to guard something might. */
	if (c->kind == CHANGE_DELETED)
		return classes & ~(1U << SURFACE_NAME);
	if (c->new.type == NODE_SYMLINK &&
		c->new.target &&surface_link_leaves(c->path, c->new.target))
		classes |= 1U << SURFACE_SYMLINK;
	if (c->new.type == NODE_SYMLINK &&
		c->new.target &&str_risks(c->new.target, strlen(c->new.target), false))
		classes |= 1U << SURFACE_NAME;
	if (c->new.type == NODE_FILE && (c->new.mode & 0111) &&
		(c->old.type != NODE_FILE || (c->new.mode & 0111 & ~c->old.mode)))
		classes |= 1U << SURFACE_EXEC_MODE;
	if (c->new.type == NODE_FILE && c->kind != CHANGE_MODE && c->risks)
		classes |= 1U << SURFACE_TEXT;
	return classes;
}

/* Whether dir/name will exist once everything is applied. */
static bool exists_merged(const struct staged *s, const char *dir, const char *name)
{
	AUTO_FREE char *path = *dir ? xasprintf("%s/%s", dir, name) : xstrdup(name);
	struct stat st;

	if (beneath_stat(s->upper, path, &st) == 0)
		return !(S_ISCHR(st.st_mode) && st.st_rdev == 0);
	return beneath_stat(s->lower, path, &st) == 0;
}

/*
 * Git takes any directory with these three for a bare repository, and obeys its
 * config and hooks as soon as someone runs git in it.
 */
static bool is_repository(const struct staged *s, const char *dir)
{
	return exists_merged(s, dir, "HEAD") && exists_merged(s, dir, "objects") &&
	       exists_merged(s, dir, "refs");
}

/* The parts of a repository that git executes or follows. */
static bool is_repository_part(const char *name, size_t n)
{
	static const char *const parts[] = {"head", "config", "config.worktree", "hooks", "info",
		"objects", "refs", "packed-refs", "commondir", "gitdir", "modules", "worktrees",
		"shallow", "logs", "index"};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (strlen(parts[i]) == n && strncasecmp(parts[i], name, n) == 0)
			return true;
	return false;
}

/*
 * The directories above the entry at hand. The list is sorted, so that each directory
 * is looked at once however many entries it has, and however deep it is.
 */
struct ancestor {
	size_t len; /* of its path */
	enum { REPOSITORY_UNKNOWN, REPOSITORY_NO, REPOSITORY_YES } is;
};

struct ancestors {
	struct ancestor *v;
	size_t n, cap;
	const char *previous;
};

static void leave_ancestors(struct ancestors *a, const char *path)
{
	size_t common = 0;

	while (a->previous && a->previous[common] && a->previous[common] == path[common])
		common++;
	while (a->n) {
		size_t len = a->v[a->n - 1].len;

		if (len == 0 || (len <= common && path[len] == '/'))
			return;
		a->n--;
	}
}

static bool in_repository(const struct staged *s, const char *path, struct ancestors *a)
{
	const char *p;
	bool is = false;

	leave_ancestors(a, path);
	if (!a->n) {
		GROW(a->v, a->n, a->cap);
		a->v[a->n++] = (struct ancestor){0};
	}
	for (p = path + a->v[a->n - 1].len; (p = strchr(p + (*p == '/'), '/'));) {
		GROW(a->v, a->n, a->cap);
		a->v[a->n++] = (struct ancestor){.len = (size_t)(p - path)};
	}
	for (size_t i = 0; i < a->n; i++) {
		struct ancestor *at = &a->v[i];
		const char *name = path + at->len + (at->len > 0);

		if (at->is == REPOSITORY_UNKNOWN && is_repository_part(name, component(name))) {
			AUTO_FREE char *dir = xstrndup(path, at->len);

			at->is = is_repository(s, dir) ? REPOSITORY_YES : REPOSITORY_NO;
		}
		is = is || (at->is == REPOSITORY_YES && is_repository_part(name, component(name)));
	}
	a->previous = path;
	return is;
}

void surface_classify(struct change_list *l, const struct staged *s)
{
	struct ancestors above = {0};

	for (size_t i = 0; i < l->n; i++) {
		l->v[i].classes = surface_of_change(&l->v[i]);
		if (s && in_repository(s, l->v[i].path, &above))
			l->v[i].classes |= 1U << SURFACE_GIT;
	}
	free(above.v);
}

unsigned surface_parse(const char *name)
{
	if (str_eq(name, "all"))
		return SURFACE_ALL;
	for (size_t i = 0; i < SURFACE_N; i++)
		if (str_eq(name, surface_classes[i].name))
			return 1U << i;
	return 0;
}
