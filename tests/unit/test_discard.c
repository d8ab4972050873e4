#include "lab.h"

#include "sys/fs.h"
#include "workspace/discard.h"
#include "workspace/manifest.h"

static void check_scan(struct lab *l, const char *want)
{
	AUTO_FREE char *got = lab_scan(l);

	CHECK_STR(got, want);
}

TEST(discard_everything)
{
	AUTO_ERR struct err *err = NULL;
	struct lab l;

	lab_init(&l);
	lab_put(l.s.lower, "gone", "x", 0644);
	lab_whiteout(l.s.upper, "gone");
	lab_put(l.s.upper, "a/b/c", "x", 0400);
	lab_mkdir(l.s.upper, "shut", 0);
	lab_mknod(l.s.upper, "fifo", S_IFIFO | 0644);
	lab_link(l.s.upper, "out", "../project");
	lab_put(l.s.state, "shown.json", "x", 0600);
	CHECK_INT(discard_all(&l.s, &err), 0);
	check_scan(&l, "");
	CHECK(!lab_get(l.s.state, "shown.json"));
	{
		AUTO_FREE char *kept = lab_get(l.s.lower, "gone");

		CHECK_STR(kept, "x");
	}
	lab_done(&l);
}

TEST(discard_paths)
{
	AUTO_ERR struct err *err = NULL;
	struct lab l;

	lab_init(&l);
	lab_put(l.s.lower, "gone", "x", 0644);
	lab_put(l.s.lower, "d/edit", "x", 0644);
	lab_whiteout(l.s.upper, "gone");
	lab_put(l.s.upper, "d/edit", "y", 0644);
	lab_put(l.s.upper, "d/new", "y", 0644);
	lab_put(l.s.upper, "e/new", "y", 0644);
	CHECK_INT(discard_path(&l.s, "gone", &err), 0);
	check_scan(&l,
		"modified file d/edit\nadded file d/new\nadded directory e\nadded file e/new\n");
	CHECK_INT(discard_path(&l.s, "d/edit", &err), 0);
	CHECK_INT(discard_path(&l.s, "e", &err), 0);
	check_scan(&l, "added file d/new\n");
	CHECK_INT(discard_path(&l.s, "never", &err), -ENOENT);
	err_freep(&err);
	CHECK_INT(discard_path(&l.s, "never/there", &err), -ENOENT);
	check_scan(&l, "added file d/new\n");
	lab_done(&l);
}

/* What was shown of the rest stays shown. */
TEST(discard_keeps_what_was_shown)
{
	AUTO_CHANGES struct change_list *list = NULL;
	AUTO_CHANGES struct change_list *shown = NULL;
	AUTO_ERR struct err *err = NULL;
	struct lab l;

	lab_init(&l);
	lab_put(l.s.upper, "a", "x", 0644);
	lab_put(l.s.upper, "b", "x", 0644);
	list = lab_changes(&l);
	CHECK_INT(manifest_show(&l.s, &(struct scan_opts){0}, list, &err), 0);
	CHECK_INT(discard_path(&l.s, "a", &err), 0);
	CHECK_INT(manifest_load(&l.s, &shown, &err), 0);
	CHECK_INT(shown->n, 1);
	CHECK_STR(shown->v[0].path, "b");
	lab_done(&l);
}

/* One file below a directory that went as a whole cannot come back alone. */
TEST(discard_below_replaced_directory)
{
	AUTO_ERR struct err *err = NULL;
	struct lab l;

	lab_init(&l);
	lab_put(l.s.lower, "gone/a", "x", 0644);
	lab_whiteout(l.s.upper, "gone");
	lab_put(l.s.lower, "fresh/sub/old", "x", 0644);
	lab_put(l.s.upper, "fresh/sub/new", "x", 0644);
	lab_opaque(l.s.upper, "fresh");
	CHECK_INT(discard_path(&l.s, "gone/a", &err), -EBUSY);
	CHECK_STR(err->hint, "discard 'gone'");
	err_freep(&err);
	CHECK_INT(discard_path(&l.s, "fresh/sub/old", &err), -EBUSY);
	CHECK_STR(err->hint, "discard 'fresh'");
	err_freep(&err);
	/* What the project has not can go by itself. */
	CHECK_INT(discard_path(&l.s, "fresh/sub/new", &err), 0);
	check_scan(&l, "deleted file fresh/sub/old\ndeleted directory gone\ndeleted file gone/a\n");
	CHECK_INT(discard_path(&l.s, "fresh", &err), 0);
	CHECK_INT(discard_path(&l.s, "gone", &err), 0);
	check_scan(&l, "");
	lab_done(&l);
}
