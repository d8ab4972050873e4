/*
 * The rule for a project's file: what it asks for beyond what the layers below
 * already give. Settings are compared by the kind of their row, so a new row cannot
 * be forgotten here: its WIDEN_ kind is part of it.
 */
#include "layer.h"

#include "opt.h"

#define OLD(type) (*(const type *)(const void *)((const char *)old + s->offset))
#define NOW(type) (*(const type *)(const void *)((const char *)now + s->offset))

static bool more(uint64_t a, uint64_t b)
{
	return b != a && (b == 0 || (a != 0 && b > a));
}

static bool scalar_widens(const struct setting *s, const struct conf *old, const struct conf *now)
{
	switch (s->widen) {
	case WIDEN_RANK:
		return s->ranks[NOW(unsigned)] > s->ranks[OLD(unsigned)];
	case WIDEN_TRUE:
		return NOW(bool) && !OLD(bool);
	case WIDEN_FALSE:
		return !NOW(bool) && OLD(bool);
	case WIDEN_MORE:
		return more(OLD(uint64_t), NOW(uint64_t));
	case WIDEN_CHANGE:
		return !str_eq_null(OLD(char *), NOW(char *));
	case WIDEN_NEVER:
	case WIDEN_ITEMS:
		break;
	}
	return false;
}

static bool has_port(const struct conf *c, const struct conf_port *p)
{
	for (size_t i = 0; i < c->network.n_host_ports; i++)
		if (c->network.host_ports[i].guest == p->guest &&
			c->network.host_ports[i].host == p->host)
			return true;
	return false;
}

static void new_ports(struct layer *l, const struct conf *old, const struct conf *now)
{
	for (size_t i = 0; i < now->network.n_host_ports; i++) {
		const struct conf_port *p = &now->network.host_ports[i];

		if (!has_port(old, p))
			strvec_pushf(&l->clauses,
				"network.host_ports: port %u inside reaches port %u of this "
				"machine",
				p->guest, p->host);
	}
}

static void new_items(
	struct layer *l, const struct setting *s, const struct conf *old, const struct conf *now)
{
	const struct strvec *had = &OLD(struct strvec), *has = &NOW(struct strvec);

	for (size_t i = 0; i < has->n; i++) {
		AUTO_FREE char *item = NULL;

		if (strvec_has(had, has->v[i]))
			continue;
		item = opt_quote(has->v[i]);
		strvec_pushf(&l->clauses, "%s: %s", s->key, item);
	}
}

void layer_widens(struct layer *l, const struct conf *old, const struct conf *now)
{
	for (size_t i = 0; i < settings_n; i++) {
		const struct setting *s = &settings[i];
		AUTO_FREE char *was = NULL, *is = NULL;

		if (s->type == SETTING_MOUNT || s->type == SETTING_AGENT || s->type == SETTING_ENV)
			continue; /* said while they were read */
		if (s->type == SETTING_PORTS) {
			new_ports(l, old, now);
		} else if (s->widen == WIDEN_ITEMS) {
			new_items(l, s, old, now);
		} else if (scalar_widens(s, old, now)) {
			was = setting_show(s, old);
			is = setting_show(s, now);
			strvec_pushf(&l->clauses, "%s: from %s to %s", s->key,
				was ? was : "nothing", is ? is : "nothing");
		}
	}
}
