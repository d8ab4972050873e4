#include "tap.h"
#include "term/filter.h"

/* The output for one input, given as it is. */
static char *run(const char *in, size_t n, struct filter *f)
{
	struct buf out = BUF_INIT(0);

	filter_run(f, in, n, &out);
	return buf_take(&out);
}

static void check(const char *in, const char *want)
{
	size_t n = strlen(in);
	struct filter whole = FILTER_INIT;
	AUTO_FREE char *got = run(in, n, &whole);

	if (!str_eq(got, want)) {
		AUTO_FREE char *a = str_escape0(in), *b = str_escape0(got), *c = str_escape0(want);

		tap_fail(__FILE__, __LINE__, "%s gives %s, not %s", a, b, c);
	}
	/* Any split gives the same. */
	for (size_t cut = 1; cut < n; cut++) {
		struct filter f = FILTER_INIT;
		AUTO_FREE char *a = run(in, cut, &f);
		AUTO_FREE char *b = run(in + cut, n - cut, &f);
		AUTO_FREE char *both = xasprintf("%s%s", a, b);

		CHECK_STR(both, want);
		CHECK(memcmp(&f.modes, &whole.modes, sizeof(f.modes)) == 0);
	}
}

static void passes(const char *in)
{
	check(in, in);
}

/* Dropped, and the text around it is not. */
static void dropped(const char *in)
{
	AUTO_FREE char *s = xasprintf("a%sb", in);

	check(s, "ab");
}

TEST(filter_passes_text)
{
	passes("plain\r\n\ttext\b\a");
	passes("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 na\xc3\xafve");
	passes("\xe2\x9c\x9c\xc3\x9b"); /* 0x9c and 0x9b within characters are no controls */
}

TEST(filter_replaces_what_is_not_utf8)
{
	check("a\xff"
	      "b",
		"a\xef\xbf\xbd"
		"b");
	check("\xc3(", "\xef\xbf\xbd(");
	check("\xe2\x82\x1b[m", "\xef\xbf\xbd\x1b[m");
	check("\xc0\xaf", "\xef\xbf\xbd"); /* over-long */
	check("\xed\xa0\x80", "\xef\xbf\xbd");
	check("\x9b"
	      "31m",
		"\xef\xbf\xbd"
		"31m"); /* C1: CSI in 8 bits */
	check("\x9d"
	      "52;c;eA==\x9c",
		"\xef\xbf\xbd"
		"52;c;eA==\xef\xbf\xbd");
}

TEST(filter_drops_controls)
{
	static const char *const list[] = {"\x05", "\x7f", "\x01", "\x11", "\x13", "\x18", "\x1a",
		"\xc2\x9b", "\xc2\x90", "\xc2\x9d", "\xc2\x85"};

	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		dropped(list[i]);
}

/* What the agents' own terminals were seen to need. */
TEST(filter_passes_what_agents_use)
{
	static const char *const list[] = {
		"\0337\033[r\0338",
		"\033[?25l",
		"\033[?25h",
		"\033[?2004h",
		"\033[?1004h",
		"\033[?2031h",
		"\033[>0q",
		"\033[c",
		"\033[?2026$p",
		"\033[?2026h",
		"\033[?2026l",
		"\033]0;\xe2\x9c\xb3 Claude Code\a",
		"\033]2;title\033\\",
		"\033[>1u",
		"\033[>4;2m",
		"\033[?1006l",
		"\033[?1003l",
		"\033[?1002l",
		"\033[?1000l",
		"\033(B",
		"\033[>4m",
		"\033[>4;0m",
		"\033[>7u",
		"\033[?u",
		"\033[6n",
		"\033]10;?\033\\",
		"\033]11;?\a",
		"\033]12;?\a",
		"\033]4;0;?\a",
		"\033[?1049h",
		"\033[?1049l",
		"\033[?1007l",
		"\033[0 q",
		"\033[?1016$p",
		"\033[14t",
		"\033[18t",
		"\033P+q4d73\033\\",
		"\033[s",
		"\033[u",
		"\033[?2027h",
		"\033[>4;1m",
		"\033[>4;0m",
		"\033]8;;https://example.org/a?b=c\033\\text\033]8;;\033\\",
		"\033]8;id=1;http://example.org\atext\033]8;;\a",
		"\033]133;A\033\\",
		"\033]133;D;0\a",
		"\033[38;2;1;2;3;48;5;7m",
		"\033[4:3m",
		"\033[38:2::1:2:3m",
		"\033[2J\033[H\033[10;20H\033[K\033[3@\033[2P\033[5X\033[2L\033[2M\033[2S\033[2T",
		"\033[?2048h",
		"\033[?996n",
		"\033]111\a",
		"\033]11;#112233\a",
		"\033]4;1;rgb:11/22/33\a",
		"\033[!p",
		"\033c",
		"\033[5n",
		"\033[?4m",
	};

	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		passes(list[i]);
}

TEST(filter_drops_what_reads_or_acts)
{
	static const char *const list[] = {
		"\033]52;c;ZXZpbA==\a",
		"\033]52;c;?\033\\", /* clipboard */
		"\033]9;hello\a",
		"\033]99;i=1;x\033\\",
		"\033]777;notify;a;b\a",
		"\033]1337;File=name=eA==:AAAA\a",
		"\033]1337;Capabilities\a",
		"\033]7501;state=idle\a",
		"\033]50;font\a",
		"\033]7;file://host/dir\a",
		"\033]22;pointer\a",
		"\033]66;w=2;x\a",
		"\033]5522;type=read\a",
		"\033]3;x=y\a",
		"\033]104;evil$\a",
		"\033]l;title\a",
		"\033_Gi=31337,s=1,v=1,a=q,t=d,f=24;AAAA\033\\", /* kitty graphics */
		"\033^private\033\\",
		"\033Xstring\033\\",
		"\033ktitle\033\\",
		"\033Pq#0;2;0;0;0#0~~\033\\", /* sixel */
		"\033P$qm\033\\",
		"\033P$q\"p\033\\", /* DECRQSS */
		"\033P+qzz\033\\",
		"\033P+p4d73\033\\",
		"\033P=1s\033\\",
		"\033P0;1|17/6869\033\\", /* DECUDK */
		"\033[20t",
		"\033[21t",
		"\033[1t",
		"\033[2t",
		"\033[3;0;0t",
		"\033[8;24;80t",
		"\033[22t",
		"\033[23;0t",
		"\033[9;1t",
		"\033[5i",
		"\033[?5i",
		"\033[0i",
		"\033[1;1;1;1;1;1*y", /* DECRQCRA reads the screen */
		"\033[62;1\"p",
		"\033[x",
		"\033[=c",
		"\033[1;2;3;4;5T",
		"\033[?15n",
		"\033[?26n",
		"\033[0n",
		"\033[3h",
		"\033[20h",
		"\033[2h",
		"\033[?3h",
		"\033[?1001h",
		"\033[?1042h",
		"\033[?1000s",
		"\033[?1000r",
		"\033[1q",
		"\033[2;3y",
		"\033[1;1;2;2$z",
		"\033[>1t",
		"\033[>2T",
		"\033[<u",
		"\033[<5u",
		"\033[;;;;u",
		"\033%@",
		"\033%G",
		"\033 G",
		"\033 F",
		"\033n",
		"\033o",
		"\033~",
		"\033}",
		"\033|",
		"\033N",
		"\033O",
		"\033#3",
		"\033(C",
		"\033*0",
		"\033\\",
		"\033[65536H",
		"\033[99999999999999A",
		"\033[1?2h",
		"\033[$1p",
		"\033[1;2 ;q",
		"\033]8;;file:///etc/passwd\a",
		"\033]8;;javascript:x\a",
		"\033]8;;x-app://do\a",
		"\033]8;;\xc3\xa4\a",
		"\033]8;a$b;http://x\a",
		"\033]8;noturi\a",
		"\033]10;red;?\a",
		"\033]4;1;$(id)\a",
		"\033]133;E;command\a",
		"\033]133;A;x$\a",
	};

	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		dropped(list[i]);
}

/* tmux's passthrough doubles the escapes within: the second begins a sequence of its own,
 * which must not pass either. */
TEST(filter_drops_passthrough)
{
	check("a\033Ptmux;\033\033]52;c;eA==\a\033\\b", "ab");
	check("a\033Ptmux;\033\033[20t\033\\b", "ab");
}

TEST(filter_ends_a_broken_sequence)
{
	check("\033[31\033[32mx", "\033[32mx");	 /* ESC begins anew */
	check("\033]0;tit\033[1mx", "\033[1mx"); /* also in a string */
	check("\033[3\x18x", "x");		 /* CAN */
	check("\033]52;c;\x1ax", "x");		 /* SUB */
	check("\033[3\n1mx", "\n\033[31mx");	 /* a control within is obeyed at once */
	check("\033[3\xc3\xa4", "\xc3\xa4");	 /* a letter that cannot be in one */
	check("\033", "");
	check("\033[", "");
	check("\033]0;abc", "");
}

TEST(filter_takes_modes_one_by_one)
{
	check("\033[?1000;1001;1006h", "\033[?1000h\033[?1006h");
	check("\033[?3;25l", "\033[?25l");
	check("\033[4;20h", "\033[4h");
	/* Of pops only as many as pushes. */
	check("\033[>1u\033[>3u\033[<9u\033[<u", "\033[>1u\033[>3u\033[<2u");
}

TEST(filter_cleans_titles)
{
	check("\033]0;a\nb\tc\a", "\033]0;abc\a");
	check("\033]2;x\xc2\x9by\a", "\033]2;xy\a");
	check("\033]2;\xe2\x80\xaegpj.exe\a", "\033]2;gpj.exe\a"); /* bidi */
	check("\033]2;\xff\xfe!\a", "\033]2;!\a");
}

TEST(filter_caps)
{
	struct filter f = FILTER_INIT;
	AUTO_FREE char *title = xmalloc(FILTER_SEQ_MAX * 3), *out = NULL, *more = NULL;

	/* A long title is cut, at a character. */
	memcpy(title, "\033]2;", 5);
	for (size_t i = 0; i < 300; i++)
		memcpy(title + 4 + 2 * i, "\xc3\xa4", 3);
	memcpy(title + 604, "\a", 2);
	out = run(title, strlen(title), &f);
	CHECK_INT(strlen(out), 4 + FILTER_TITLE_MAX + 1);
	CHECK_INT(strlen(f.title), FILTER_TITLE_MAX);
	CHECK(str_is_utf8(f.title, strlen(f.title)));
	/* One that does not end is no title, and its end is still found. */
	memset(title, 'x', FILTER_SEQ_MAX * 3);
	memcpy(title, "\033]2;", 4);
	memcpy(title + FILTER_SEQ_MAX * 3 - 3, "\az", 3);
	more = run(title, strlen(title), &f);
	CHECK_STR(more, "z");
}

TEST(filter_undo_is_empty_for_text)
{
	struct filter f = FILTER_INIT;
	AUTO_BUF struct buf undo = BUF_INIT(0);
	static const char text[] =
		"a\033[31mb\033[0m\033[?25l\033[?25h\033[?1049h\033[?1049l\033[K";

	filter_run(&f, text, strlen(text), NULL);
	modes_undo(&f.modes, &undo);
	CHECK_INT(undo.len, 0);
}

TEST(filter_undo_undoes)
{
	struct filter f = FILTER_INIT;
	AUTO_BUF struct buf undo = BUF_INIT(0), again = BUF_INIT(0);
	static const char all[] =
		"\033[?1;5;7;9;12;45;66;69;1000;1002;1003;1004;1005;1006;1015;1016;1049;2004;2026;"
		"2027;"
		"2031;2048h\033[?7;25;1007l\033[4h\033=\033[2;5r\033[?6h\033[31m\033(0\016\033[3 q"
		"\033[>4;2m\033[>1u\033]8;;https://x\a\033]4;1;red\a\033]10;red\a\033]11;red\a"
		"\033]12;red\a";

	filter_run(&f, all, strlen(all), NULL);
	modes_undo(&f.modes, &undo);
	CHECK(undo.len > 100);
	/* The account of a terminal that was told to undo it is as that of a new one. */
	filter_run(&f, undo.data, undo.len, NULL);
	f.modes.flags &= ~(uint32_t)(MODES_CHARSET | MODES_PALETTE | MODES_FOREGROUND |
				     MODES_BACKGROUND | MODES_CURSOR_COLOUR | MODES_ASKED);
	modes_undo(&f.modes, &again);
	CHECK_STR(again.len ? again.data : "", "");
}

/* Modes in shared memory may hold anything when the writer died. */
TEST(modes_of_garbage_are_harmless)
{
	struct modes m;
	AUTO_BUF struct buf out = BUF_INIT(0);
	struct filter f = FILTER_INIT;
	AUTO_FREE char *passed = NULL;

	memset(&m, 0xff, sizeof(m));
	modes_undo(&m, &out);
	modes_redo(&m, &out);
	CHECK(out.len > 0 && out.len < 2048);
	passed = run(out.data, out.len, &f);
	CHECK(strlen(passed) > 0);
}
