#include "lab.h"

#include "sys/fs.h"
#include "workspace/manifest.h"

#include <fcntl.h>

static struct change_list *sample(void)
{
	struct change_list *l = xcalloc(1, sizeof(*l));
	struct change *c;

	c = change_list_add(l, xstrdup("a \"quoted\"\n\x1b\xe2\x80\xae"), CHANGE_ADDED);
	c->new =
		(struct node){.type = NODE_FILE, .mode = 0755, .size = 5, .hashed = true, .ino = 7};
	memset(c->new.sha256, 0xab, DIGEST_SIZE);
	c = change_list_add(l, xstrdup("not utf-8 \xff\xfe"), CHANGE_MODIFIED);
	c->old = (struct node){.type = NODE_SYMLINK, .target = xstrdup("was")};
	c->new = (struct node){.type = NODE_SYMLINK, .target = xstrdup("\xff")};
	c = change_list_add(l, xstrdup("z/gone"), CHANGE_DELETED);
	c->old = (struct node){.type = NODE_FILE, .mode = 0644, .ctime = {5, 6}};
	c = change_list_add(l, xstrdup("z/link"), CHANGE_DELETED);
	c->old = (struct node){.type = NODE_SYMLINK}; /* its target could not be read */
	return l;
}

TEST(record_round_trip)
{
	AUTO_CHANGES struct change_list *l = sample();
	AUTO_CHANGES struct change_list *back = NULL;
	AUTO_BUF struct buf b = BUF_INIT(0);

	record_write(&b, "shown", l);
	for (size_t i = 0; i < b.len; i++)
		CHECK(b.data[i] == '\n' || (b.data[i] >= ' ' && b.data[i] < 0x7f));
	CHECK_INT(record_parse("applied", b.data, b.len, &back), -EINVAL);
	CHECK_INT(record_parse("shown", b.data, b.len, &back), 0);
	CHECK_INT(back->n, l->n);
	for (size_t i = 0; i < l->n; i++) {
		CHECK_STR(back->v[i].path, l->v[i].path);
		CHECK(manifest_same(&back->v[i], &l->v[i]));
	}
	CHECK_STR(back->v[1].new.target, "\xff");
}

/* A file that was cut off, at whatever byte, is not taken for a shorter one. */
TEST(record_truncated)
{
	AUTO_CHANGES struct change_list *l = sample();
	AUTO_BUF struct buf b = BUF_INIT(0);

	record_write(&b, "shown", l);
	for (size_t n = 0; n < b.len; n++) {
		struct change_list *back = NULL;

		CHECK_INT(record_parse("shown", b.data, n, &back), -EINVAL);
	}
}

TEST(record_refuses)
{
	static const char *const lines[] = {
		"{}",
		"[]",
		"{\"path\":\"a\"}",
		"{\"path\":\"a\",\"kind\":\"x\"}",
		"{\"path\":\"../a\",\"kind\":\"added\"}",
		"{\"path\":\"/a\",\"kind\":\"added\"}",
		"{\"path\":\"a/\",\"kind\":\"added\"}",
		"{\"path\":\"a/./b\",\"kind\":\"added\"}",
		"{\"path\":\"\",\"kind\":\"added\"}",
		"{\"path\":\"a\\u0000b\",\"kind\":\"added\"}",
		"{\"path_hex\":\"6100\",\"kind\":\"added\"}",
		"{\"path_hex\":\"6\",\"kind\":\"added\"}",
		"{\"path_hex\":\"zz\",\"kind\":\"added\"}",
		"{\"path\":\"a\",\"kind\":\"added\",\"new\":{}}",
		"{\"path\":\"a\",\"kind\":\"added\",\"new\":{\"type\":\"nothing\"}}",
		"{\"path\":\"a\",\"kind\":\"added\",\"new\":{\"type\":\"symlink\"}}",
		"{\"path\":\"a\",\"kind\":\"added\",\"new\":{\"type\":\"file\",\"sha256\":\"00\"}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct change_list *l = NULL;
		AUTO_FREE char *text =
			xasprintf("{\"bailey\":\"shown\",\"entries\":1}\n%s\n", lines[i]);

		if (record_parse("shown", text, strlen(text), &l) != -EINVAL)
			tap_fail(__FILE__, __LINE__, "accepted %s", lines[i]);
	}
}

TEST(manifest_partial)
{
	static const char *const paths[] = {"b"};
	AUTO_CHANGES struct change_list *first = NULL;
	AUTO_CHANGES struct change_list *shown = NULL;
	AUTO_CHANGES struct change_list *part = NULL;
	AUTO_ERR struct err *err = NULL;
	struct scan_opts all = {0}, b = {.paths = paths, .n_paths = 1};
	struct lab l;

	lab_init(&l);
	CHECK_INT(manifest_load(&l.s, &shown, &err), 0);
	CHECK(!shown);
	lab_put(l.s.upper, "a", "1", 0644);
	lab_put(l.s.upper, "b/x", "1", 0644);
	lab_mknod(l.s.upper, "fifo", S_IFIFO | 0644);
	first = lab_changes(&l);
	CHECK_INT(manifest_show(&l.s, &all, first, &err), 0);
	lab_put(l.s.upper, "a", "2", 0644);
	lab_put(l.s.upper, "b/y", "2", 0644);
	CHECK_INT(upper_scan(&l.s, &b, &part, &err), 0);
	CHECK_INT(manifest_show(&l.s, &b, part, &err), 0);
	CHECK_INT(manifest_load(&l.s, &shown, &err), 0);
	CHECK_INT(shown->n, 4); /* a as it was, b, b/x, b/y */
	CHECK(manifest_same(&shown->v[0], &first->v[0]));
	CHECK_STR(shown->v[3].path, "b/y");
	lab_done(&l);
}
