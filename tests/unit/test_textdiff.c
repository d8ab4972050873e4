#include "tap.h"

#include "sys/fs.h"
#include "workspace/textdiff.h"

#include <fcntl.h>
#include <sys/mman.h>

static int snapshot(const char *p, size_t n)
{
	AUTO_FD int fd = memfd_create("t", MFD_CLOEXEC);
	struct digest d;
	int copy;

	CHECK(fd >= 0);
	CHECK_INT(fs_write_all(fd, p, n), 0);
	CHECK_INT(lseek(fd, 0, SEEK_SET), 0);
	copy = textdiff_snapshot(fd, &d);
	CHECK(copy >= 0);
	CHECK_INT(d.size, n);
	return copy;
}

static void check_hunks(const char *old, const char *new, const char *want)
{
	AUTO_BUF struct buf b = BUF_INIT(TEXTDIFF_OUTPUT_MAX);
	AUTO_FD int a = old ? snapshot(old, strlen(old)) : -1;
	AUTO_FD int c = new ? snapshot(new, strlen(new)) : -1;

	CHECK_INT(textdiff_hunks(a, c, &b), 0);
	CHECK_STR(b.data ? b.data : "", want);
}

TEST(textdiff_hunks)
{
	check_hunks("a\nb\n", "a\nc\n", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
	check_hunks("same\n", "same\n", "");
	check_hunks("", "x", "@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n");
	check_hunks(NULL, "x\ny", "@@ -0,0 +1,2 @@\n+x\n+y\n\\ No newline at end of file\n");
	check_hunks("x\n", NULL, "@@ -1,1 +0,0 @@\n-x\n");
	check_hunks(NULL, "", "");
	check_hunks(NULL, NULL, "");
	/* what looks like diff's own lines is only content */
	check_hunks("--- a\n", "+++ b\n", "@@ -1 +1 @@\n---- a\n++++ b\n");
	check_hunks("\x1b[2J\n", "\xff\n", "@@ -1 +1 @@\n-\x1b[2J\n+\xff\n");
}

TEST(textdiff_nul_is_text)
{
	AUTO_BUF struct buf b = BUF_INIT(TEXTDIFF_OUTPUT_MAX);
	AUTO_FD int a = snapshot("a\0b\n", 4);
	AUTO_FD int c = snapshot("a\0c\n", 4);

	CHECK_INT(textdiff_hunks(a, c, &b), 0);
	CHECK_INT(b.len, strlen("@@ -1 +1 @@\n-a0b\n+a0c\n"));
}

TEST(textdiff_caps)
{
	AUTO_BUF struct buf b = BUF_INIT(10);
	AUTO_FD int a = snapshot("q\nr\ns\nt\n", 8);
	AUTO_FD int c = snapshot("1\n2\n3\n4\n", 8);
	AUTO_FD int big = memfd_create("t", MFD_CLOEXEC);
	struct digest d;

	CHECK_INT(textdiff_hunks(a, c, &b), -EMSGSIZE);
	CHECK_INT(ftruncate(big, (off_t)TEXTDIFF_FILE_MAX + 1), 0);
	CHECK_INT(textdiff_snapshot(big, &d), -EFBIG);
	CHECK_INT(ftruncate(big, (off_t)TEXTDIFF_FILE_MAX), 0);
	CHECK_INT(lseek(big, 0, SEEK_SET), 0);
	fd_close(textdiff_snapshot(big, &d));
	CHECK_INT(d.size, TEXTDIFF_FILE_MAX);
}

/* What was hashed cannot change any more, whoever has the descriptor. */
TEST(textdiff_snapshot_is_sealed)
{
	AUTO_FD int fd = snapshot("x", 1);
	AUTO_FD int again = -1;
	char path[64];

	CHECK_INT(write(fd, "y", 1), -1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR | O_CLOEXEC);
	if (again >= 0) {
		CHECK_INT(write(again, "y", 1), -1);
		CHECK_INT(ftruncate(again, 0), -1);
	}
}

/* Descriptors at the very numbers that the child uses for itself. */
TEST(textdiff_descriptor_numbers)
{
	AUTO_BUF struct buf b = BUF_INIT(TEXTDIFF_OUTPUT_MAX);
	AUTO_FD int a = snapshot("a\n", 2);
	AUTO_FD int c = snapshot("b\n", 2);
	int low;

	fflush(stdout);
	low = dup2(c, 3) == 3 && dup2(a, 4) == 4;
	CHECK(low);
	CHECK_INT(textdiff_hunks(4, 3, &b), 0);
	CHECK_STR(b.data, "@@ -1 +1 @@\n-a\n+b\n");
	if (a != 3 && c != 3)
		close(3);
	if (a != 4 && c != 4)
		close(4);
}
