#include "lab.h"

#include "sys/fs.h"
#include "workspace/show.h"
#include "workspace/surface.h"
#include "workspace/textdiff.h"

#include <fcntl.h>
#include <jansson.h>

enum form { SUMMARY, DIFFS, STAT, NAMES, JSON };

static char *shown(struct lab *l, enum form form, bool color)
{
	AUTO_CHANGES struct change_list *list = NULL;
	AUTO_ERR struct err *err = NULL;
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	struct show w = {.out = out, .color = color, .sandbox = "box"};

	CHECK(out);
	CHECK_INT(staged_scan(&l->s, &(struct scan_opts){0}, &list, &err), 0);
	switch (form) {
	case SUMMARY:
		show_summary(&w, list);
		break;
	case DIFFS:
		show_diffs(&w, &l->s, list);
		break;
	case STAT:
		show_stat(&w, &l->s, list);
		break;
	case NAMES:
		show_names(&w, list);
		break;
	case JSON:
		show_json(&w, list);
		break;
	}
	fclose(out);
	return text;
}

static void check_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		tap_fail(__FILE__, __LINE__, "no '%s' in:\n%s", part, text);
}

static size_t at(const char *text, const char *part)
{
	const char *p = strstr(text, part);

	if (!p)
		tap_fail(__FILE__, __LINE__, "no '%s' in:\n%s", part, text);
	return (size_t)(p - text);
}

static void hostile(struct lab *l)
{
	lab_put(l->s.lower, "edit", "plain\n", 0644);
	lab_put(l->s.lower, "gone", "gone\n", 0644);
	lab_tick(l);
	lab_put(l->s.upper, "edit", "plain\n\x1b]0;title\x07 \xe2\x80\xae \r over\x9b\xff\ttab\n",
		0644);
	lab_put(l->s.upper, "esc\x1b[2J\n", "x\n", 0644);
	lab_put(l->s.upper, "\xe2\x80\xaegnp.exe", "x\n", 0755);
	lab_link(l->s.upper, "link", "\x1b[31m/etc");
	lab_whiteout(l->s.upper, "gone");
	lab_mknod(l->s.upper, "fifo\x1b[5m", S_IFIFO | 0644);
	lab_put(l->s.upper, ".git/hooks/pre-commit", "#!/bin/sh\n", 0755);
}

/* No form of output lets a byte through that a terminal would obey, or a reader misread. */
TEST(show_escapes)
{
	static const enum form forms[] = {SUMMARY, DIFFS, STAT, NAMES, JSON};
	struct lab l;

	lab_init(&l);
	hostile(&l);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		AUTO_FREE char *text = shown(&l, forms[i], false);

		CHECK_INT(str_risks(text, strlen(text), true), 0);
		CHECK(!strchr(text, '\r'));
	}
	{
		AUTO_FREE char *text = shown(&l, DIFFS, false);

		check_has(text, "+\\e]0;title\\x07 \\u{202e} \\r over\\x9b\\xff\ttab\n");
	}
	lab_done(&l);
}

/* With colours only our own sequences are in it. */
TEST(show_colours)
{
	AUTO_FREE char *text = NULL;
	struct lab l;

	lab_init(&l);
	hostile(&l);
	text = shown(&l, DIFFS, true);
	check_has(text, "\033[32m+");
	for (const char *p = text; (p = strchr(p, '\033')); p++)
		CHECK(p[1] == '[' && strspn(p + 2, "0123456789") <= 2 &&
			p[2 + strspn(p + 2, "0123456789")] == 'm');
	lab_done(&l);
}

TEST(show_order)
{
	AUTO_FREE char *text = NULL;
	struct lab l;

	lab_init(&l);
	hostile(&l);
	lab_put(l.s.lower, "mode", "x", 0644);
	lab_put(l.s.upper, "mode", "x", 0600);
	text = shown(&l, SUMMARY, false);
	CHECK(at(text, "--accept=git") < at(text, "Refused"));
	CHECK(at(text, "Refused, never applied (1)") < at(text, "Deleted (1)"));
	CHECK(at(text, "Deleted (1)") < at(text, "0644 -> 0600  mode"));
	check_has(text, "1 modified, 1 deleted, 1 mode-changed, 1 refused");
	lab_done(&l);
}

/* However many there are, the exact number is said. */
TEST(show_many_deletions)
{
	AUTO_FREE char *text = NULL;
	struct lab l;

	lab_init(&l);
	for (int i = 0; i < SHOW_LIST_MAX + 7; i++) {
		AUTO_FREE char *name = xasprintf("d/f%d", i);

		lab_put(l.s.lower, name, "", 0644);
	}
	lab_whiteout(l.s.upper, "d");
	text = shown(&l, SUMMARY, false);
	check_has(text, "Deleted (1008):");
	check_has(text, "... and 8 more, 1008 in all");
	lab_done(&l);
}

TEST(show_diff_forms)
{
	AUTO_FREE char *big = xcalloc((size_t)TEXTDIFF_FILE_MAX + 2, 1);
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *stat = NULL;
	struct lab l;

	lab_init(&l);
	memset(big, 'x', (size_t)TEXTDIFF_FILE_MAX + 1);
	lab_put(l.s.lower, "moved", "content\n", 0644);
	lab_put(l.s.lower, "becomes", "old\n", 0644);
	lab_put(l.s.lower, "link", "old\n", 0644);
	lab_put(l.s.lower, "large", "old\n", 0644);
	lab_tick(&l);
	lab_whiteout(l.s.upper, "moved");
	lab_put(l.s.upper, "there", "content\n", 0644);
	lab_put(l.s.upper, "becomes/inner", "new\n", 0644);
	lab_link(l.s.upper, "link", "there");
	lab_put(l.s.upper, "large", big, 0644);
	{
		AUTO_FD int fd = -1;

		lab_put(l.s.upper, "binary", "", 0644);
		fd = openat(l.s.upper, "binary", O_WRONLY | O_CLOEXEC);
		CHECK_INT(fs_write_all(fd, "\0\1\2", 3), 0);
	}
	text = shown(&l, DIFFS, false);
	check_has(text, "rename from moved\nrename to there\n");
	check_has(text, "the file becomes a directory\n--- a/becomes\n+++ b/becomes\n@@ -1,1 +0,0 "
			"@@\n-old\n");
	check_has(text, "+there\n\\ No newline at end of file\n");
	check_has(text, "Too large to show (4 bytes -> 8388609 bytes)");
	check_has(text, "Binary files differ (0 bytes -> 3 bytes)");
	stat = shown(&l, STAT, false);
	check_has(stat, "becomes/inner | +1 -0");
	check_has(stat, "binary | 0 -> 3 bytes");
	check_has(stat, " renamed      there\n");
	lab_done(&l);
}

/* Between scan and showing the file changes: what is shown is not it, and it does not count. */
TEST(show_changed_meanwhile)
{
	AUTO_CHANGES struct change_list *list = NULL;
	AUTO_FREE char *text = NULL;
	AUTO_ERR struct err *err = NULL;
	struct lab l;
	size_t n;
	struct show w = {.sandbox = "box"};

	lab_init(&l);
	lab_put(l.s.upper, "f", "good\n", 0644);
	lab_put(l.s.upper, "g", "good\n", 0644);
	CHECK_INT(staged_scan(&l.s, &(struct scan_opts){0}, &list, &err), 0);
	lab_put(l.s.upper, "f", "evil\n", 0644);
	CHECK_INT(unlinkat(l.s.upper, "g", 0), 0);
	lab_mknod(l.s.upper, "g", S_IFIFO | 0644);
	w.out = open_memstream(&text, &n);
	show_diffs(&w, &l.s, list);
	fclose(w.out);
	CHECK(!strstr(text, "evil"));
	CHECK(!strstr(text, "good"));
	CHECK_INT(list->v[0].refusal, REFUSED_RACE);
	CHECK_INT(list->v[1].refusal, REFUSED_RACE);
	lab_done(&l);
}

TEST(show_json_fields)
{
	AUTO_FREE char *text = NULL;
	json_t *all, *c;
	size_t i, seen = 0;
	struct lab l;

	lab_init(&l);
	hostile(&l);
	lab_put(l.s.upper, "bad\xff", "x", 0644);
	text = shown(&l, JSON, false);
	all = json_loads(text, 0, NULL);
	CHECK(all);
	CHECK_STR(json_string_value(json_object_get(all, "sandbox")), "box");
	json_array_foreach(json_object_get(all, "changes"), i, c)
	{
		const char *path = json_string_value(json_object_get(c, "path"));

		if (str_eq(path, "edit")) {
			CHECK_STR(json_string_value(json_object_get(c, "kind")), "modified");
			CHECK_INT(strlen(json_string_value(json_object_get(c, "sha256"))), 64);
			seen++;
		} else if (str_eq(path, "bad\\xff")) {
			CHECK_STR(json_string_value(json_object_get(c, "path_hex")), "626164ff");
			seen++;
		} else if (str_eq(path, ".git/hooks/pre-commit")) {
			CHECK_INT(json_array_size(json_object_get(c, "exec_surface")), 2);
			seen++;
		} else if (str_eq(path, "fifo\x1b[5m")) {
			CHECK(json_is_string(json_object_get(c, "refused")));
			seen++;
		}
	}
	CHECK_INT(seen, 4);
	json_decref(all);
	lab_done(&l);
}
