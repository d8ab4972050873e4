#include "change.h"

#include <assert.h>

static const char *const kind_names[] = {
	[CHANGE_ADDED] = "added",
	[CHANGE_MODIFIED] = "modified",
	[CHANGE_DELETED] = "deleted",
	[CHANGE_TYPE] = "type-changed",
	[CHANGE_MODE] = "mode-changed",
};
static_assert(ARRAY_SIZE(kind_names) == CHANGE_N_KINDS, "a name per kind");

static const char *const type_names[] = {
	[NODE_NONE] = "nothing",
	[NODE_FILE] = "file",
	[NODE_DIR] = "directory",
	[NODE_SYMLINK] = "symlink",
	[NODE_FIFO] = "fifo",
	[NODE_SOCKET] = "socket",
	[NODE_DEVICE] = "device",
};
static_assert(ARRAY_SIZE(type_names) == NODE_N_TYPES, "a name per type");

static const char *const refusal_texts[] = {
	[REFUSED_NOT] = "",
	[REFUSED_SETID] = "has a setuid or setgid bit",
	[REFUSED_FIFO] = "is a FIFO: what opens it would hang",
	[REFUSED_SOCKET] = "is a socket",
	[REFUSED_DEVICE] = "is a device node",
	[REFUSED_XATTR] = "carries overlay attributes that no ordinary change makes",
	[REFUSED_UNREADABLE] = "cannot be read by this user",
	[REFUSED_LARGE] = "is larger than 8 GiB (see 'bailey cp')",
	[REFUSED_SPARSE] = "is a huge sparse file",
	[REFUSED_DEEP] = "is nested too deep",
	[REFUSED_RACE] = "changes while it is being read",
	[REFUSED_BELOW] = "is below a directory that is refused",
};
static_assert(ARRAY_SIZE(refusal_texts) == REFUSED_N, "a text per refusal");

static const char *const outcome_texts[] = {
	[OUTCOME_NONE] = "not touched",
	[OUTCOME_APPLIED] = "applied",
	[OUTCOME_REFUSED] = "refused",
	[OUTCOME_CLASS] = "would run on this host",
	[OUTCOME_CONFLICT] = "changed on the host meanwhile",
	[OUTCOME_NOT_SHOWN] = "changed since 'bailey diff' showed it",
	[OUTCOME_CHANGED] = "changed while it was being applied",
	[OUTCOME_HELD] = "kept, because what belongs to it was not applied",
	[OUTCOME_FAILED] = "failed",
};
static_assert(ARRAY_SIZE(outcome_texts) == OUTCOME_N, "a text per outcome");

struct change *change_list_add(struct change_list *l, char *path, enum change_kind kind)
{
	GROW(l->v, l->n, l->cap);
	l->v[l->n] = (struct change){.path = path, .kind = kind};
	l->path_bytes += strlen(path);
	return &l->v[l->n++];
}

int path_compare(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (*a == *b)
		return 0;
	if (!*a || !*b)
		return *a ? 1 : -1;
	if (*a == '/' || *b == '/')
		return *a == '/' ? -1 : 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

static int compare(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	return path_compare(x->path, y->path);
}

void change_list_sort(struct change_list *l)
{
	if (l->n)
		qsort(l->v, l->n, sizeof(l->v[0]), compare);
}

struct change *change_list_find(const struct change_list *l, const char *path)
{
	struct change key = {.path = (char *)(uintptr_t)path};

	return l->n ? bsearch(&key, l->v, l->n, sizeof(l->v[0]), compare) : NULL;
}

void node_done(struct node *n)
{
	free(n->target);
	*n = (struct node){0};
}

void change_list_free(struct change_list *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].path);
		node_done(&l->v[i].old);
		node_done(&l->v[i].new);
	}
	free(l->v);
	free(l);
}

enum node_type node_type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return NODE_FILE;
	case S_IFDIR:
		return NODE_DIR;
	case S_IFLNK:
		return NODE_SYMLINK;
	case S_IFIFO:
		return NODE_FIFO;
	case S_IFSOCK:
		return NODE_SOCKET;
	default:
		return NODE_DEVICE;
	}
}

void node_from_stat(struct node *n, const struct stat *st)
{
	*n = (struct node){
		.type = node_type_of(st->st_mode),
		.mode = st->st_mode & 07777,
		.size = (uint64_t)st->st_size,
		.dev = st->st_dev,
		.ino = st->st_ino,
		.nlink = st->st_nlink,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.ctime = st->st_ctim,
	};
}

const char *change_kind_name(enum change_kind k)
{
	return kind_names[k];
}

const char *node_type_name(enum node_type t)
{
	return type_names[t];
}

enum node_type node_type_parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(type_names); i++)
		if (str_eq(name, type_names[i]))
			return (enum node_type)i;
	return NODE_NONE;
}

enum change_kind change_kind_parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kind_names); i++)
		if (str_eq(name, kind_names[i]))
			return (enum change_kind)i;
	return CHANGE_N_KINDS;
}

const char *refusal_text(enum refusal r)
{
	return refusal_texts[r];
}

const char *outcome_text(enum outcome o)
{
	return outcome_texts[o];
}

bool path_selected(const char *path, const char *const *filters, size_t n)
{
	if (n == 0)
		return true;
	for (size_t i = 0; i < n; i++) {
		const char *rest = str_after(path, filters[i]);

		if (!*filters[i] || (rest && (*rest == '\0' || *rest == '/')))
			return true;
	}
	return false;
}
