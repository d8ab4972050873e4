#include "manifest.h"

#define SHOWN "shown.json"
#define APPLIED "applied.json"

int manifest_load(const struct staged *s, struct change_list **ret, struct err **err)
{
	int r = record_load(s->state, SHOWN, "shown", ret, err);

	return r < 0 ? r : 0;
}

int manifest_show(const struct staged *s, const struct scan_opts *o, const struct change_list *l,
	struct err **err)
{
	AUTO_CHANGES struct change_list *before = NULL;
	AUTO_CHANGES struct change_list *now = xcalloc(1, sizeof(*now));

	/* A damaged file is simply replaced: this is what shows everything anew. */
	if (o->n_paths && manifest_load(s, &before, NULL) < 0)
		before = NULL;
	for (size_t i = 0; before && i < before->n; i++)
		if (!path_selected(before->v[i].path, o->paths, o->n_paths))
			record_copy(now, &before->v[i]);
	for (size_t i = 0; i < l->n; i++)
		if (!l->v[i].refusal)
			record_copy(now, &l->v[i]);
	return record_save(s->state, SHOWN, "shown", now, err);
}

int manifest_forget_applied(const struct staged *s, const struct change_list *l, struct err **err)
{
	AUTO_CHANGES struct change_list *shown = NULL;
	AUTO_CHANGES struct change_list *rest = xcalloc(1, sizeof(*rest));
	int r = manifest_load(s, &shown, err);

	if (r < 0 || !shown)
		return r;
	for (size_t i = 0; i < shown->n; i++) {
		const struct change *c = change_list_find(l, shown->v[i].path);

		if (!c || c->outcome != OUTCOME_APPLIED)
			record_copy(rest, &shown->v[i]);
	}
	return record_save(s->state, SHOWN, "shown", rest, err);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool younger(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

bool manifest_same(const struct change *shown, const struct change *now)
{
	const struct node *a = &shown->new, *b = &now->new;

	if (shown->kind != now->kind || a->type != b->type ||
		((a->mode ^ b->mode) & 0777 && a->type != NODE_SYMLINK))
		return false;
	if (a->type == NODE_FILE && (!a->hashed || !b->hashed || a->size != b->size ||
					    memcmp(a->sha256, b->sha256, DIGEST_SIZE) != 0))
		return false;
	if (!str_eq_null(a->target, b->target))
		return false;
	if (shown->old.type != now->old.type)
		return false;
	/* A directory's time moves with every entry in it. */
	return now->old.type == NODE_NONE || now->old.type == NODE_DIR ||
	       (shown->old.ino == now->old.ino && same_time(&shown->old.ctime, &now->old.ctime));
}

/* The moment from which on the inside may not have seen what the user did. */
static const struct timespec *base_of(const struct staged *s, const struct change *c)
{
	/* At the same moment is not after it. */
	bool recent = younger(&s->started, &s->since) && younger(&c->made, &s->started);

	return recent ? &s->started : &s->since;
}

int baseline_mark(const struct staged *s, struct change_list *l, struct err **err)
{
	AUTO_CHANGES struct change_list *ours = NULL;
	int r = record_load(s->state, APPLIED, "applied", &ours, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < l->n; i++) {
		struct change *c = &l->v[i];
		const struct change *mine = ours ? change_list_find(ours, c->path) : NULL;

		c->conflict = c->old.type != NODE_NONE && c->old.type != NODE_DIR &&
			      younger(&c->old.ctime, base_of(s, c)) &&
			      !(mine && mine->old.ino == c->old.ino &&
				      same_time(&mine->old.ctime, &c->old.ctime));
	}
	return 0;
}

int baseline_add(const struct staged *s, const struct change_list *l, struct err **err)
{
	AUTO_CHANGES struct change_list *ours = NULL;
	AUTO_CHANGES struct change_list *now = xcalloc(1, sizeof(*now));
	int r = record_load(s->state, APPLIED, "applied", &ours, err);

	if (r < 0)
		return r;
	for (size_t i = 0; ours && i < ours->n; i++)
		if (!change_list_find(l, ours->v[i].path))
			record_copy(now, &ours->v[i]);
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].old.type != NODE_NONE)
			record_copy(now, &l->v[i]);
	change_list_sort(now);
	return record_save(s->state, APPLIED, "applied", now, err);
}
