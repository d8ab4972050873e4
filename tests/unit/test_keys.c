#include "tap.h"
#include "term/keys.h"

static const char keys[] = "ctrl-p,ctrl-q";

/* What passes on, and whether it detached. */
static bool feed(const char *in, size_t n, struct keys *k, struct buf *out)
{
	return keys_feed(k, in, n, out);
}

static void check(const char *in, const char *want, bool detached)
{
	size_t n = strlen(in);

	/* Cut 0 is the whole. Escape sequences come in one piece. */
	for (size_t cut = 0; cut < n; cut++) {
		struct keys k;
		AUTO_BUF struct buf out = BUF_INIT(0);
		bool done = false;

		if (cut && strchr(in, '\033'))
			break;
		CHECK_INT(keys_init(&k, keys), 0);
		if (cut)
			done = feed(in, cut, &k, &out);
		if (!done)
			done = feed(in + cut, n - cut, &k, &out);
		if (!done)
			keys_flush(&k, &out);
		CHECK_INT(done, detached);
		CHECK_STR(out.len ? out.data : "", want);
	}
}

TEST(keys_pass_everything_else)
{
	check("hello\r", "hello\r", false);
	check("\020", "\020", false);
	check("\020x\021", "\020x\021", false);
	check("\021\020", "\021\020", false);
	check("\020\020\020", "\020\020\020", false);
	check("\033[A\033OP\033", "\033[A\033OP\033", false);
	check("\020\033[A\021", "\020\033[A\021", false);
	check("\033[112;5u", "\033[112;5u", false);
	check("\033[112;6u\033[113;5u", "\033[112;6u\033[113;5u",
		false); /* shift too: another key */
	check("\033[200~pasted\033[201~", "\033[200~pasted\033[201~", false);
	check("\xc3\xa4\033\xc3\xa4", "\xc3\xa4\033\xc3\xa4", false);
}

TEST(keys_detach)
{
	check("\020\021", "", true);
	check("ab\020\021cd", "ab", true);
	check("\020\020\021", "\020", true);
	/* kitty's protocol: plain, with event types, with num lock, releases in between */
	check("\033[112;5u\033[113;5u", "", true);
	check("x\033[112;5:1u\033[112;5:3u\033[113;5:1u", "x", true);
	check("\033[112;133u\033[113;133u", "", true);
	check("\033[112:80;5u\033[113;5u", "", true);
	/* modifyOtherKeys, and a mix */
	check("\033[27;5;112~\033[27;5;113~", "", true);
	check("\020\033[113;5u", "", true);
}

TEST(keys_in_pieces)
{
	struct keys k;
	AUTO_BUF struct buf out = BUF_INIT(0);

	CHECK_INT(keys_init(&k, keys), 0);
	CHECK_INT(keys_timeout(&k), -1);
	/* Escape by itself does not wait. */
	CHECK(!feed("\033", 1, &k, &out));
	CHECK_STR(out.data, "\033");
	CHECK_INT(keys_timeout(&k), -1);
	/* A sequence that was cut does, shortly, and is not lost. */
	CHECK(!feed("\033[112", 5, &k, &out));
	CHECK(keys_timeout(&k) > 0);
	CHECK(!feed(";5u", 3, &k, &out));
	CHECK_STR(out.data, "\033");
	CHECK(keys_timeout(&k) > 0);
	CHECK(feed("\021", 1, &k, &out));
	CHECK_STR(out.data, "\033");
}

TEST(keys_none)
{
	struct keys k;
	AUTO_BUF struct buf out = BUF_INIT(0);

	CHECK_INT(keys_init(&k, ""), 0);
	CHECK(!feed("\020\021\033[1", 5, &k, &out));
	CHECK_INT(out.len, 5);
}
