/*
 * The one control protocol. Packets over SOCK_SEQPACKET: the kernel keeps their
 * bounds. A packet is a little header and a body of typed fields written and
 * read in the same order; readers fail on short, trailing or over-long bytes, so
 * a peer may be hostile. Descriptors ride along by SCM_RIGHTS and arrive CLOEXEC.
 *
 * Both ends are on one machine and of one build: host byte order, and the
 * version in the header refuses any other build.
 */
#ifndef BAILEY_IPC_MSG_H
#define BAILEY_IPC_MSG_H

#include "base/strvec.h"

#define MSG_VERSION 1
/* argv and environment of one command: the kernel's own limit is 2 MiB. */
#define MSG_MAX (160 * 1024)
#define MSG_MAX_FDS 8

struct msg {
	uint16_t type;
	char *body; /* owned */
	size_t len;
	size_t cap;
	size_t pos;	      /* reading */
	bool bad;	      /* a read went wrong; sticky */
	bool received;	      /* fds are ours to close */
	int fds[MSG_MAX_FDS]; /* received: owned, -1 when taken; for sending: borrowed */
	size_t n_fds;
};

#define MSG_INIT(t) ((struct msg){.type = (t)})

/* Writing. */
void msg_put_u32(struct msg *m, uint32_t v);
void msg_put_u64(struct msg *m, uint64_t v);
void msg_put_str(struct msg *m, const char *s);
void msg_put_strs(struct msg *m, char *const *strs);
void msg_put_fd(struct msg *m, int fd);
/* Sends all or nothing; -EMSGSIZE when the body is too large, -EAGAIN on a full nonblocking socket.
 */
int msg_send(int sock, const struct msg *m) MUST_CHECK;

/* Reading. 1: a message; 0: the peer is gone; -EAGAIN; -EBADMSG: not a message of ours. */
int msg_recv(int sock, struct msg *m) MUST_CHECK;
uint32_t msg_get_u32(struct msg *m);
uint64_t msg_get_u64(struct msg *m);
/* Borrowed from the message; "" when bad. Never NULL. No NUL inside. */
const char *msg_get_str(struct msg *m);
/* Appends to v; at most max strings. */
void msg_get_strs(struct msg *m, struct strvec *v, size_t max);
/* The next descriptor, owned by the caller, or -1 and bad. */
int msg_get_fd(struct msg *m);
/* Whether all was read, and all was well. */
bool msg_end(struct msg *m);
void msg_done(struct msg *m);

/* A SEQPACKET pair, CLOEXEC. */
int msg_pair(int ret[2]) MUST_CHECK;

#define AUTO_MSG CLEANUP(msg_done)

#endif
