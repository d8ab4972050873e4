#include "mem.h"

static NORETURN void out_of_memory(void)
{
	static const char msg[] = "bailey: out of memory\n";

	(void)!write(STDERR_FILENO, msg, sizeof(msg) - 1);
	_exit(EXIT_BAILEY);
}

void *xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xrealloc(void *p, size_t n, size_t size)
{
	void *q = reallocarray(p, n ? n : 1, size ? size : 1);

	if (!q)
		out_of_memory();
	return q;
}

char *xstrdup(const char *s)
{
	return xmemdup(s, strlen(s) + 1);
}

char *xstrdup_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

char *xstrndup(const char *s, size_t n)
{
	char *p = xmalloc(n + 1);

	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

void *xmemdup(const void *p, size_t n)
{
	void *q = xmalloc(n);

	if (n)
		memcpy(q, p, n);
	return q;
}

char *xvasprintf(const char *fmt, va_list ap)
{
	char *s = NULL;

	if (vasprintf(&s, fmt, ap) < 0)
		out_of_memory();
	return s;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = xvasprintf(fmt, ap);
	va_end(ap);
	return s;
}

const char *str_after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

size_t utf8_decode(const char *str, size_t n, uint32_t *ret)
{
	const unsigned char *s = (const unsigned char *)str;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len;
	uint32_t c;

	if (n == 0)
		return 0;
	if (s[0] < 0x80) {
		*ret = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		len = 2;
		c = s[0] & 0x1fU;
	} else if ((s[0] & 0xf0) == 0xe0) {
		len = 3;
		c = s[0] & 0x0fU;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		len = 4;
		c = s[0] & 0x07U;
	} else {
		return 0;
	}
	if (n < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fU);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return len;
}

bool str_is_utf8(const char *s, size_t n)
{
	uint32_t c;

	for (size_t i = 0, len; i < n; i += len) {
		len = utf8_decode(s + i, n - i, &c);
		if (len == 0)
			return false;
	}
	return true;
}

/* Unicode 15, Bidi_Control property. */
static bool is_bidi(uint32_t c)
{
	return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/* Default_Ignorable_Code_Point, the part that shows as nothing, and U+2028/9. */
static bool is_invisible(uint32_t c)
{
	return c == 0xad || c == 0x34f || c == 0x115f || c == 0x1160 || c == 0x17b4 ||
	       c == 0x17b5 || (c >= 0x180b && c <= 0x180f) || (c >= 0x200b && c <= 0x200d) ||
	       (c >= 0x2028 && c <= 0x2029) || (c >= 0x2060 && c <= 0x2065) ||
	       (c >= 0x206a && c <= 0x206f) || c == 0x3164 || c == 0xfeff || c == 0xffa0 ||
	       (c >= 0xfff0 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

static unsigned risk_of(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return STR_RISK_CONTROL;
	if (is_bidi(c))
		return STR_RISK_BIDI;
	return is_invisible(c) ? STR_RISK_INVISIBLE : 0;
}

unsigned str_risks(const char *s, size_t n, bool text)
{
	unsigned risks = 0;
	uint32_t c;

	for (size_t i = 0, len; i < n; i += len) {
		len = utf8_decode(s + i, n - i, &c);
		if (len == 0) {
			risks |= STR_RISK_INVALID;
			len = 1;
			continue;
		}
		if (text && (c == '\n' || c == '\t' || c == '\r' || c == '\f'))
			continue;
		risks |= risk_of(c);
	}
	return risks;
}

char *str_escape(const char *s, size_t n)
{
	/* The longest form of one input byte is \xHH; of a 3-byte character \u{HHHH}. */
	char *out = xmalloc(n * 4 + 16), *o = out;
	uint32_t c;

	for (size_t i = 0, len; i < n; i += len) {
		len = utf8_decode(s + i, n - i, &c);
		if (len == 0 || (c < 0x20 && c != '\n' && c != '\t' && c != 0x1b) || c == 0x7f) {
			len = 1;
			o += snprintf(o, 5, "\\x%02x", (unsigned char)s[i]);
		} else if (c == '\\') {
			o += snprintf(o, 3, "\\\\");
		} else if (c == '\n' || c == '\t' || c == 0x1b) {
			o += snprintf(o, 3, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'e');
		} else if (risk_of(c)) {
			/* At least two bytes in; at most 10 out for 4 in, 8 for 3, 6 for 2. */
			o += snprintf(o, 11, "\\u{%x}", c);
		} else {
			memcpy(o, s + i, len);
			o += len;
		}
	}
	*o = '\0';
	return out;
}

char *str_escape0(const char *s)
{
	return str_escape(s, strlen(s));
}

/* Levenshtein distance, two rows; names longer than this are never near. */
#define NEAR_MAX 64

static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), row[NEAR_MAX + 1];

	if (n > NEAR_MAX || m > NEAR_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[m];
}

const char *str_nearest(const char *s, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(s, names[i]);

		if (d < least) {
			least = d;
			best = names[i];
		}
	}
	/* A third of the letters may be wrong, and always two. */
	return best && least <= 2 + strlen(s) / 4 && least < strlen(best) ? best : NULL;
}

int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(v, 10, &v) ||
			__builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return -ERANGE;
	}
	if (v < min || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

/* "12.345": whole part and thousandths; *end is the first byte after. */
static int parse_decimal(const char *s, uint64_t *whole, uint64_t *milli, const char **end)
{
	uint64_t scale = 100;

	*whole = 0;
	*milli = 0;
	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (__builtin_mul_overflow(*whole, 10, whole) ||
			__builtin_add_overflow(*whole, (uint64_t)(*s - '0'), whole))
			return -ERANGE;
	}
	if (*s == '.') {
		s++;
		if (*s < '0' || *s > '9')
			return -EINVAL;
		for (; *s >= '0' && *s <= '9'; s++) {
			*milli += (uint64_t)(*s - '0') * scale;
			scale /= 10;
		}
	}
	*end = s;
	return 0;
}

int parse_size(const char *s, uint64_t *ret)
{
	static const char units[] = "kmgt";
	uint64_t whole, milli, unit = 1;
	const char *end, *u;
	int r = parse_decimal(s, &whole, &milli, &end);

	if (r < 0)
		return r;
	if (*end) {
		char c = (char)(*end | 0x20);

		u = strchr(units, c);
		if (u) {
			unit = 1ULL << (10 * (u - units + 1));
			end++;
			if (*end == 'i' && (end[1] | 0x20) == 'b')
				end++;
		}
		if ((*end | 0x20) == 'b')
			end++;
		if (*end)
			return -EINVAL;
	}
	if (unit == 1 && milli)
		return -EINVAL;
	if (__builtin_mul_overflow(whole, unit, &whole) ||
		__builtin_add_overflow(whole, unit / 1000 * milli, ret))
		return -ERANGE;
	return 0;
}

int parse_duration(const char *s, uint64_t *ret)
{
	uint64_t whole, milli, unit = 1;
	const char *end;
	int r = parse_decimal(s, &whole, &milli, &end);

	if (r < 0)
		return r;
	switch (*end) {
	case '\0':
		break;
	case 's':
		end++;
		break;
	case 'm':
		unit = 60;
		end++;
		break;
	case 'h':
		unit = 3600;
		end++;
		break;
	case 'd':
		unit = 86400;
		end++;
		break;
	default:
		return -EINVAL;
	}
	if (*end || (unit == 1 && milli))
		return -EINVAL;
	if (__builtin_mul_overflow(whole, unit, &whole) ||
		__builtin_add_overflow(whole, unit * milli / 1000, ret))
		return -ERANGE;
	return 0;
}

int parse_milli(const char *s, uint64_t *ret)
{
	uint64_t whole, milli;
	const char *end;
	int r = parse_decimal(s, &whole, &milli, &end);

	if (r < 0)
		return r;
	if (*end)
		return -EINVAL;
	if (__builtin_mul_overflow(whole, 1000, &whole) ||
		__builtin_add_overflow(whole, milli, ret))
		return -ERANGE;
	return 0;
}
