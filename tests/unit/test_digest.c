#include "tap.h"

#include "sys/fs.h"
#include "workspace/digest.h"

#include <fcntl.h>
#include <sys/mman.h>

static int file_with(const char *p, size_t n)
{
	int fd = memfd_create("t", MFD_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_INT(fs_write_all(fd, p, n), 0);
	CHECK_INT(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

TEST(digest_known)
{
	AUTO_FD int fd = file_with("abc", 3);
	char hex[DIGEST_HEX_SIZE];
	unsigned char back[DIGEST_SIZE];
	struct digest d;

	CHECK_INT(digest_fd(fd, -1, 100, &d), 0);
	digest_hex(d.sha256, hex);
	CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	CHECK_INT(d.size, 3);
	CHECK(!d.binary && !d.risks);
	CHECK_INT(digest_unhex(hex, back), 0);
	CHECK(memcmp(back, d.sha256, DIGEST_SIZE) == 0);
	hex[5] = 'G';
	CHECK_INT(digest_unhex(hex, back), -EINVAL);
	CHECK_INT(digest_unhex("ba", back), -EINVAL);
}

TEST(digest_limit)
{
	AUTO_FD int fd = file_with("abcd", 4);
	struct digest d;

	CHECK_INT(digest_fd(fd, -1, 3, &d), -EFBIG);
	CHECK_INT(lseek(fd, 0, SEEK_SET), 0);
	CHECK_INT(digest_fd(fd, -1, 4, &d), 0);
}

/* What is copied has the same content, and zeros at the end do not get lost in a hole. */
TEST(digest_copy)
{
	size_t n = 65536 * 3 + 100;
	AUTO_FREE char *data = xcalloc(n, 1);
	AUTO_FD int in = -1;
	AUTO_FD int out = file_with("", 0);
	struct digest a, b;

	data[65536 + 5] = 'x';
	for (size_t end = 0; end < 2; end++) {
		size_t len = end ? 65536 * 3 : n;

		in = fd_close(in);
		in = file_with(data, len);
		CHECK_INT(ftruncate(out, 0), 0);
		CHECK_INT(lseek(out, 0, SEEK_SET), 0);
		CHECK_INT(digest_fd(in, out, n, &a), 0);
		CHECK_INT(lseek(out, 0, SEEK_SET), 0);
		CHECK_INT(digest_fd(out, -1, n, &b), 0);
		CHECK_INT(a.size, len);
		CHECK_INT(b.size, len);
		CHECK(memcmp(a.sha256, b.sha256, DIGEST_SIZE) == 0);
		CHECK(a.binary);
	}
}

static unsigned risks(const char *s, size_t step)
{
	struct text_scan t = {0};
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i += step)
		text_scan_add(&t, s + i, n - i < step ? n - i : step);
	return text_scan_end(&t);
}

TEST(digest_text_risks)
{
	static const struct {
		const char *text;
		unsigned risks;
	} rows[] = {
		{"plain \xc3\xa9\n", 0},
		{"\xef\xbb\xbfstarts with a byte order mark", 0},
		{"a\xef\xbb\xbf one inside", STR_RISK_INVISIBLE},
		{"rtl \xe2\x80\xae override", STR_RISK_BIDI},
		{"isolate \xe2\x81\xa6 x", STR_RISK_BIDI},
		{"zero \xe2\x80\x8b width", STR_RISK_INVISIBLE},
		{"joined a\xe2\x80\x8d"
		 "b",
			STR_RISK_INVISIBLE},
		{"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", 0}, /* an emoji with a joiner */
		{"\xf0\x9f\x91\xa9\xe2\x80\x8dx", STR_RISK_INVISIBLE},
		{"\xf0\x9f\x91\xa9\xe2\x80\x8d", STR_RISK_INVISIBLE},
		{"\xf3\xa0\x81\xa1 a tag", STR_RISK_INVISIBLE},
		{"cut \xe2\x80", 0},
		{"cut \xf0\x9f\xe2\x80\xae", STR_RISK_BIDI},
		{"\xe2\xe2\x80\xae", STR_RISK_BIDI},
		{"\xf0\xe2\x80\xae", STR_RISK_BIDI},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t step = 1; step < 12; step++)
			if (risks(rows[i].text, step) != rows[i].risks)
				tap_fail(__FILE__, __LINE__, "row %zu, step %zu", i, step);
}
