#include "tap.h"

#include "ipc/msg.h"

#include <fcntl.h>
#include <sys/socket.h>

TEST(msg_round)
{
	int pair[2];
	AUTO_MSG struct msg in = {0}, out = MSG_INIT(7);
	AUTO_STRVEC struct strvec v = {0};
	AUTO_FD int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	AUTO_FD int got = -1;
	char *const strs[] = {(char[]){"a"}, (char[]){""}, NULL};

	CHECK_INT(msg_pair(pair), 0);
	msg_put_u32(&out, 5);
	msg_put_str(&out, "hello");
	msg_put_strs(&out, strs);
	msg_put_fd(&out, null);
	CHECK_INT(msg_send(pair[0], &out), 0);
	CHECK_INT(msg_recv(pair[1], &in), 1);
	CHECK_INT(in.type, 7);
	CHECK_INT(msg_get_u32(&in), 5);
	CHECK_STR(msg_get_str(&in), "hello");
	msg_get_strs(&in, &v, 10);
	CHECK_INT(v.n, 2);
	got = msg_get_fd(&in);
	CHECK(got >= 0);
	CHECK(fcntl(got, F_GETFD) & FD_CLOEXEC);
	CHECK(msg_end(&in));
	fd_close(pair[0]);
	msg_done(&in);
	CHECK_INT(msg_recv(pair[1], &in), 0);
	fd_close(pair[1]);
}

TEST(msg_hostile)
{
	int pair[2];
	AUTO_MSG struct msg in = {0};
	static const unsigned char packets[][16] = {
		{1, 0, 9, 0, 4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, /* a string of 4 GiB */
		{1, 0, 9, 0, 6, 0, 0, 0, 2, 0, 0, 0, 'a', 'b'},	  /* without its NUL */
		{1, 0, 9, 0, 7, 0, 0, 0, 3, 0, 0, 0, 'a', 0, 0},  /* with one inside */
	};
	static const size_t sizes[] = {12, 14, 15};

	CHECK_INT(msg_pair(pair), 0);
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
		CHECK_INT(send(pair[0], packets[i], sizes[i], 0), sizes[i]);
		CHECK_INT(msg_recv(pair[1], &in), 1);
		CHECK_STR(msg_get_str(&in), "");
		CHECK(!msg_end(&in));
		msg_done(&in);
	}
	CHECK_INT(send(pair[0], "x", 1, 0), 1); /* no header */
	CHECK_INT(msg_recv(pair[1], &in), -EBADMSG);
	CHECK_INT(send(pair[0], packets[0], 10, 0), 10); /* length disagrees */
	CHECK_INT(msg_recv(pair[1], &in), -EBADMSG);
	fd_close(pair[0]);
	fd_close(pair[1]);
}
