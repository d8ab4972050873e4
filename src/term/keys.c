#include "keys.h"

static int key_parse(const char *s, size_t n, char *ret)
{
	if (n == 1 && *s > ' ' && *s <= '~') {
		*ret = *s;
		return 0;
	}
	if (n != 6 || strncmp(s, "ctrl-", 5) != 0)
		return -EINVAL;
	if ((s[5] >= 'a' && s[5] <= 'z') || (s[5] >= '@' && s[5] <= '_')) {
		*ret = (char)(s[5] & 0x1f);
		return 0;
	}
	return -EINVAL;
}

int keys_init(struct keys *k, const char *spec)
{
	*k = (struct keys){0};
	if (!*spec)
		return 0;
	for (;;) {
		const char *end = strchrnul(spec, ',');
		int r;

		/* The comma itself as a key would need a spelling; nobody asked for one. */
		if (k->n == KEYS_MAX)
			return -EINVAL;
		r = key_parse(spec, (size_t)(end - spec), &k->want[k->n]);
		if (r < 0)
			return r;
		k->n++;
		if (!*end)
			return 0;
		spec = end + 1;
	}
}

/* What a token is to the matcher: a byte, -1 for any other key, -2 for no key (a release). */
enum { KEY_OTHER = -1, KEY_NONE = -2 };

static int control_of(unsigned code, unsigned modifiers)
{
	/* Caps lock (64) and num lock (128) do not matter. */
	unsigned m = modifiers ? (modifiers - 1) & ~192u : 0;

	if (m == 4 && ((code >= 'a' && code <= 'z') || (code >= '@' && code <= '_')))
		return (int)(code & 0x1f);
	if (m == 0 && code < 0x7f)
		return (int)code;
	/* A modifier key by itself, which kitty can report. */
	if (code >= 57441 && code <= 57454)
		return KEY_NONE;
	return KEY_OTHER;
}

/* CSI: digits with ; and :, then a final byte. */
static int csi_key(const char *s, size_t n)
{
	unsigned p[3][3] = {{0}};
	unsigned i = 0, sub = 0;

	for (size_t k = 2; k + 1 < n; k++) {
		if (s[k] == ';') {
			i++;
			sub = 0;
		} else if (s[k] == ':') {
			sub++;
		} else if (s[k] >= '0' && s[k] <= '9') {
			if (i < 3 && sub < 3 && p[i][sub] < 1000000)
				p[i][sub] = p[i][sub] * 10 + (unsigned)(s[k] - '0');
		} else {
			return KEY_OTHER;
		}
	}
	if (s[n - 1] == 'u')
		return p[1][1] == 3 ? KEY_NONE : control_of(p[0][0], p[1][0]);
	if (s[n - 1] == '~' && p[0][0] == 27)
		return control_of(p[2][0], p[1][0]);
	/* Focus reports are not keys. */
	if (n == 3 && (s[2] == 'I' || s[2] == 'O'))
		return KEY_NONE;
	return KEY_OTHER;
}

static void let_go(struct keys *k, struct buf *out)
{
	buf_put(out, k->held, k->n_held);
	k->n_held = k->matched = 0;
}

/* One key, as the bytes that came for it. */
static bool token(struct keys *k, int key, const char *p, size_t n, struct buf *out)
{
	if (key == KEY_NONE && k->matched && k->n_held + n <= sizeof(k->held)) {
		memcpy(k->held + k->n_held, p, n);
		k->n_held += n;
		return false;
	}
	if (key >= 0 && k->n && key == (unsigned char)k->want[k->matched] &&
		k->n_held + n <= sizeof(k->held)) {
		memcpy(k->held + k->n_held, p, n);
		k->n_held += n;
		return ++k->matched == k->n;
	}
	if (k->matched) {
		let_go(k, out);
		return token(k, key, p, n, out); /* it may begin the sequence anew */
	}
	buf_put(out, p, n);
	return false;
}

bool keys_feed(struct keys *k, const char *p, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		bool done = false;

		if (k->n_esc == 0) {
			if (p[i] == '\033' && k->n) {
				k->esc[k->n_esc++] = p[i];
				/* Escape by itself must not wait for anything. */
				if (i + 1 == n) {
					k->n_esc = 0;
					return token(k, '\033', "\033", 1, out);
				}
			} else {
				done = token(k, (unsigned char)p[i], p + i, 1, out);
			}
		} else {
			size_t len;
			bool more;
			int key = KEY_OTHER;

			k->esc[k->n_esc++] = p[i];
			len = k->n_esc;
			more = len == 2 ? p[i] == '[' : (unsigned char)p[i] >= ' ' && p[i] < '@';
			if (more && len < sizeof(k->esc))
				continue;
			if (!more && len > 2)
				key = csi_key(k->esc, len);
			k->n_esc = 0;
			/* Not a sequence: the byte after the escape is a key of its own. */
			if (len == 2) {
				done = token(k, '\033', k->esc, 1, out);
				i--;
			} else {
				done = token(k, key, k->esc, len, out);
			}
		}
		if (done) {
			k->n_held = k->matched = 0;
			return true;
		}
	}
	return false;
}

int keys_timeout(const struct keys *k)
{
	return k->n_esc ? 50 : k->matched ? 1000 : -1;
}

void keys_flush(struct keys *k, struct buf *out)
{
	let_go(k, out);
	buf_put(out, k->esc, k->n_esc);
	k->n_esc = 0;
}
