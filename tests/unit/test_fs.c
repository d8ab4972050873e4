#include "tap.h"

#include "sys/fs.h"

#include <fcntl.h>

static int temp_dir(char *path)
{
	memcpy(path, "/tmp/bailey-unit-XXXXXX", 24);
	CHECK(mkdtemp(path));
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

TEST(fs_path_clean)
{
	static const char *const rows[][3] = {
		{"/", "a//b/./c/../d/", "/a/b/d"},
		{"/x", "y", "/x/y"},
		{"/x", "/y", "/y"},
		{"/x", "../../..", "/"},
		{"/", "", "/"},
		{"/a", "..b/...", "/a/..b/..."},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE char *got = fs_path_clean(rows[i][0], rows[i][1]);

		CHECK_STR(got, rows[i][2]);
	}
	CHECK(fs_path_within("/a/b", "/a"));
	CHECK(fs_path_within("/a", "/a"));
	CHECK(fs_path_within("/a", "/"));
	CHECK(!fs_path_within("/ab", "/a"));
}

TEST(fs_beneath)
{
	char path[32];
	AUTO_FD int dir = temp_dir(path);
	AUTO_FD int fd = -1;

	CHECK_INT(mkdirat(dir, "sub", 0755), 0);
	CHECK_INT(symlinkat("/etc", dir, "link"), 0);
	CHECK_INT(mknodat(dir, "fifo", S_IFIFO | 0600, 0), 0);
	CHECK_INT(fs_open_beneath(dir, "../x", O_RDONLY, 0), -EXDEV);
	CHECK_INT(fs_open_beneath(dir, "/etc/passwd", O_RDONLY, 0), -EXDEV);
	CHECK_INT(fs_open_beneath(dir, "link/passwd", O_RDONLY, 0), -ELOOP);
	CHECK_INT(fs_open_beneath(dir, "link", O_RDONLY, 0), -ELOOP);
	fd = fs_open_beneath(dir, "fifo", O_RDONLY, 0); /* does not hang */
	CHECK(fd >= 0);
	CHECK_INT(fs_remove_tree(dir, "link"), 0);
	CHECK_INT(access("/etc/passwd", F_OK), 0);
	CHECK_INT(fs_remove_tree(AT_FDCWD, path), 0);
}

TEST(fs_remove_deep)
{
	char path[32];
	AUTO_FD int dir = temp_dir(path);
	AUTO_FD int at = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < 3000; i++) {
		int next;

		CHECK_INT(mkdirat(at, "d", 0755), 0);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		CHECK(next >= 0);
		CHECK_INT(fs_write_at(at, "f", "x", 1, 0444), 0);
		if (i % 2)
			CHECK_INT(fchmod(at, 0500), 0);
		fd_close(at);
		at = next;
	}
	CHECK_INT(fs_remove_tree(AT_FDCWD, path), 0);
	CHECK(access(path, F_OK) < 0);
}

TEST(fs_replace)
{
	char path[32];
	AUTO_FD int dir = temp_dir(path);
	AUTO_BUF struct buf b = BUF_INIT(100);
	AUTO_BUF struct buf small = BUF_INIT(3);

	CHECK_INT(fs_replace_at(dir, "f", "one", 3, 0600, false), 0);
	CHECK_INT(fs_replace_at(dir, "f", "four", 4, 0600, true), 0);
	CHECK_INT(fs_read_at(dir, "f", &b), 0);
	CHECK_STR(b.data, "four");
	CHECK_INT(fs_read_at(dir, "f", &small), -EMSGSIZE);
	CHECK_INT(fs_remove_tree(AT_FDCWD, path), 0);
}
