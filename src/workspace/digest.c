#include "digest.h"

#include "sys/fs.h"

#include <sha2.h>

#define CHUNK 65536
#define BINARY_PROBE 8000

static bool is_emoji(uint32_t c)
{
	return c >= 0x1f000 || (c >= 0x2190 && c <= 0x2bff) || c == 0xfe0f;
}

static void scan_char(struct text_scan *t, uint32_t c, const char *s, size_t len)
{
	bool first = !t->started;

	t->started = true;
	if (t->joined && !is_emoji(c))
		t->risks |= STR_RISK_INVISIBLE;
	t->joined = false;
	if (c == 0x200d && is_emoji(t->previous)) {
		t->joined = true;
	} else if (c >= 0x80 && !(first && c == 0xfeff)) {
		t->risks |= str_risks(s, len, true) & (STR_RISK_BIDI | STR_RISK_INVISIBLE);
	}
	t->previous = c;
}

/* How many bytes the character that starts with this byte wants to have. */
static size_t wanted(unsigned char c)
{
	return c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
}

void text_scan_add(struct text_scan *t, const char *p, size_t n)
{
	char head[8];
	size_t i = 0;

	/* The character that was cut at the end of the last piece. */
	while (t->n_carry && i < n) {
		uint32_t c;
		size_t len;

		t->carry[t->n_carry++] = p[i++];
		if (t->n_carry < wanted((unsigned char)t->carry[0]))
			continue;
		len = utf8_decode(t->carry, t->n_carry, &c);
		if (len) {
			scan_char(t, c, t->carry, len);
			t->n_carry = 0;
			break;
		}
		/* Not a character: its first byte is skipped, the rest is looked at again. */
		memcpy(head, t->carry + 1, t->n_carry - 1);
		len = t->n_carry - 1;
		t->n_carry = 0;
		t->previous = 0;
		text_scan_add(t, head, len);
	}
	while (i < n) {
		uint32_t c;
		size_t len;

		if ((unsigned char)p[i] < 0x80) {
			t->started = true;
			t->risks |= t->joined ? STR_RISK_INVISIBLE : 0;
			t->joined = false;
			t->previous = (unsigned char)p[i++];
			continue;
		}
		len = utf8_decode(p + i, n - i, &c);
		if (len) {
			scan_char(t, c, p + i, len);
			i += len;
		} else if (n - i < wanted((unsigned char)p[i])) {
			memcpy(t->carry, p + i, n - i);
			t->n_carry = n - i;
			return;
		} else {
			t->previous = 0;
			i++;
		}
	}
}

unsigned text_scan_end(struct text_scan *t)
{
	if (t->joined)
		t->risks |= STR_RISK_INVISIBLE;
	return t->risks;
}

static bool all_zero(const char *p, size_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* Writes a chunk; whole chunks of zeros are left as holes. */
static int copy_chunk(int out, const char *p, size_t n, bool *hole)
{
	*hole = n == CHUNK && all_zero(p, n);
	if (*hole)
		return lseek(out, (off_t)n, SEEK_CUR) < 0 ? -errno : 0;
	return fs_write_all(out, p, n);
}

int digest_fd(int in, int out, uint64_t max, struct digest *ret)
{
	AUTO_FREE char *chunk = xmalloc(CHUNK);
	struct digest d = {0};
	struct text_scan text = {0};
	bool hole = false;
	SHA2_CTX ctx;
	int r = 0;

	SHA256Init(&ctx);
	for (;;) {
		ssize_t n = read(in, chunk, CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		if ((uint64_t)n > max - d.size)
			return -EFBIG;
		SHA256Update(&ctx, (const uint8_t *)chunk, (size_t)n);
		if (d.size < BINARY_PROBE) {
			size_t probe = BINARY_PROBE - d.size;

			if (memchr(chunk, 0, (size_t)n < probe ? (size_t)n : probe))
				d.binary = true;
		}
		if (!d.binary)
			text_scan_add(&text, chunk, (size_t)n);
		d.size += (uint64_t)n;
		if (out >= 0)
			r = copy_chunk(out, chunk, (size_t)n, &hole);
		if (r < 0)
			return r;
	}
	if (out >= 0 && hole && ftruncate(out, (off_t)d.size) < 0)
		return -errno;
	SHA256Final(d.sha256, &ctx);
	d.risks = d.binary ? 0 : text_scan_end(&text);
	*ret = d;
	return 0;
}

void digest_hex(const unsigned char sha256[DIGEST_SIZE], char ret[DIGEST_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		ret[2 * i] = digits[sha256[i] >> 4];
		ret[2 * i + 1] = digits[sha256[i] & 15];
	}
	ret[2 * (size_t)DIGEST_SIZE] = '\0';
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int digest_unhex(const char *hex, unsigned char ret[DIGEST_SIZE])
{
	if (strlen(hex) != 2 * (size_t)DIGEST_SIZE)
		return -EINVAL;
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		ret[i] = (unsigned char)(high << 4 | low);
	}
	return 0;
}
