#include "config.h"

#include <jansson.h>

#define NOTE_BEGIN "<!-- bailey: begin -->\n"
#define NOTE_END "<!-- bailey: end -->\n"

static void note(struct strvec *notes, const char *path, const char *why)
{
	if (notes)
		strvec_pushf(notes, "'~/%s' in the sandbox was left as it is: %s", path, why);
}

static bool array_has(const json_t *array, const json_t *value)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (json_equal(json_array_get(array, i), value))
			return true;
	}
	return false;
}

/* Objects by key, arrays as sets, everything else replaced. Whether anything changed. */
static bool merge(json_t *into, const json_t *set)
{
	bool changed = false;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)set, key, value)
	{
		json_t *old = json_object_get(into, key);

		if (json_is_object(old) && json_is_object(value)) {
			changed |= merge(old, value);
		} else if (json_is_array(old) && json_is_array(value)) {
			for (size_t i = 0; i < json_array_size(value); i++) {
				json_t *item = json_array_get(value, i);

				if (!array_has(old, item)) {
					json_array_append(old, item);
					changed = true;
				}
			}
		} else if (!old || !json_equal(old, value)) {
			json_object_set(into, key, value);
			changed = true;
		}
	}
	return changed;
}

int config_merge_json(const char *old, size_t n, const char *set, char **ret, struct err **err)
{
	json_error_t where;
	json_t *wanted = json_loads(set, JSON_REJECT_DUPLICATES, &where);
	json_t *have = NULL;
	int r = 0;

	*ret = NULL;
	if (!json_is_object(wanted)) {
		json_decref(wanted);
		return err_set(err, 0, "the content is not a JSON object: %s", where.text);
	}
	have = old ? json_loadb(old, n, 0, NULL) : json_object();
	if (!json_is_object(have)) {
		r = -EBADMSG; /* the inside's file, not the preset, is wrong */
	} else if (merge(have, wanted) || !old) {
		char *text = json_dumps(have, JSON_INDENT(2));

		if (text)
			*ret = xasprintf("%s\n", text);
		else
			r = -EBADMSG;
		free(text);
	}
	json_decref(have);
	json_decref(wanted);
	return r;
}

static const char *why_not(int r)
{
	return r == -ELOOP	? "a symlink is in the way"
	       : r == -EINVAL	? "not a file"
	       : r == -EMSGSIZE ? "too large"
	       : r == -EBADMSG	? "it is not JSON any more"
				: strerrordesc_np(-r);
}

static int write_file(const struct preset_file *f, const char *content,
	const struct agent_home *home, struct strvec *notes, struct err **err)
{
	struct buf old AUTO_BUF = BUF_INIT(CONFIG_MAX);
	AUTO_FREE char *merged = NULL;
	int r;

	if (!f->merge) {
		if (home_has(home, f->path))
			return 0;
		r = home_write(home, f->path, content, strlen(content), f->mode, NULL);
		if (r < 0)
			note(notes, f->path, why_not(r));
		return 0;
	}
	r = home_read(home, f->path, &old, NULL);
	if (r == 0 || r == -ENOENT) {
		bool there = r == 0;

		r = config_merge_json(
			there ? (old.data ? old.data : "") : NULL, old.len, content, &merged, err);
		if (r == -EINVAL)
			return err_wrap(err, "the preset's file '%s'", f->path);
	}
	if (r == 0 && merged)
		r = home_write(home, f->path, merged, strlen(merged), f->mode, NULL);
	if (r < 0)
		note(notes, f->path, why_not(r));
	return 0;
}

int config_write(const struct preset *preset, const struct preset_values *values,
	const struct agent_home *home, struct strvec *notes, struct err **err)
{
	for (size_t i = 0; i < preset->n_files; i++) {
		const struct preset_file *f = &preset->files[i];
		AUTO_FREE char *content = NULL;
		int r;

		if (f->when_env && !strvec_env_get(values->env, f->when_env))
			continue;
		r = preset_expand(f->content, f->format, values, &content, err);
		if (r < 0)
			return err_wrap(err, "the preset's file '%s'", f->path);
		r = write_file(f, content, home, notes, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int config_write_note(const struct preset *preset, const char *text, const struct agent_home *home,
	struct strvec *notes)
{
	struct buf old AUTO_BUF = BUF_INIT(NOTE_MAX);
	struct buf new AUTO_BUF = {};
	const char *begin = NULL, *end = NULL;
	int r;

	if (!preset->note)
		return 0;
	r = home_read(home, preset->note, &old, NULL);
	if (r == 0 && old.len > 0) {
		begin = memmem(old.data, old.len, NOTE_BEGIN, strlen(NOTE_BEGIN));
		if (begin)
			end = memmem(begin, old.len - (size_t)(begin - old.data), NOTE_END,
				strlen(NOTE_END));
	}
	if (r < 0 && r != -ENOENT) {
		note(notes, preset->note, why_not(r));
		return 0;
	}
	if (begin && end) {
		buf_put(&new, old.data, (size_t)(begin - old.data));
	} else if (old.len > 0) {
		buf_put(&new, old.data, old.len);
		buf_puts(&new, old.data[old.len - 1] == '\n' ? "\n" : "\n\n");
	}
	buf_printf(&new, NOTE_BEGIN "%s" NOTE_END, text);
	if (begin && end) {
		end += strlen(NOTE_END);
		buf_put(&new, end, old.len - (size_t)(end - old.data));
	}
	if (new.len == old.len && memcmp(new.data, old.data, new.len) == 0)
		return 0;
	r = home_write(home, preset->note, new.data, new.len, 0600, NULL);
	if (r < 0)
		note(notes, preset->note, why_not(r));
	return 0;
}
