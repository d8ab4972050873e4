#include "msg.h"

#include <sys/socket.h>
#include <sys/uio.h>

struct header {
	uint16_t version;
	uint16_t type;
	uint32_t len;
};

static void put(struct msg *m, const void *p, size_t n)
{
	if (m->len + n > m->cap) {
		m->cap = (m->len + n) * 2 + 64;
		m->body = xrealloc(m->body, m->cap, 1);
	}
	memcpy(m->body + m->len, p, n);
	m->len += n;
}

void msg_put_u32(struct msg *m, uint32_t v)
{
	put(m, &v, sizeof(v));
}

void msg_put_u64(struct msg *m, uint64_t v)
{
	put(m, &v, sizeof(v));
}

void msg_put_str(struct msg *m, const char *s)
{
	uint32_t n = (uint32_t)strlen(s) + 1;

	put(m, &n, sizeof(n));
	put(m, s, n);
}

void msg_put_strs(struct msg *m, char *const *strs)
{
	uint32_t n = 0;

	while (strs && strs[n])
		n++;
	put(m, &n, sizeof(n));
	for (uint32_t i = 0; i < n; i++)
		msg_put_str(m, strs[i]);
}

void msg_put_fd(struct msg *m, int fd)
{
	if (m->n_fds >= MSG_MAX_FDS)
		abort();
	m->fds[m->n_fds++] = fd;
}

int msg_send(int sock, const struct msg *m)
{
	struct header h = {.version = MSG_VERSION, .type = m->type, .len = (uint32_t)m->len};
	struct iovec iov[2] = {{&h, sizeof(h)}, {m->body, m->len}};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * MSG_MAX_FDS)];
	} control = {0};
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = m->len ? 2 : 1};
	ssize_t n;

	if (m->len > MSG_MAX)
		return -EMSGSIZE;
	if (m->n_fds) {
		struct cmsghdr *c;

		mh.msg_control = control.space;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * m->n_fds);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * m->n_fds);
		memcpy(CMSG_DATA(c), m->fds, sizeof(int) * m->n_fds);
	}
	do {
		n = sendmsg(sock, &mh, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int msg_recv(int sock, struct msg *m)
{
	struct header h = {0};
	struct iovec iov[2];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * MSG_MAX_FDS)];
	} control = {0};
	struct msghdr mh = {.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space)};
	ssize_t n;

	*m = (struct msg){.received = true};
	do {
		/* Its size first, so that small messages cost small memory. */
		n = recv(sock, &h, sizeof(h), MSG_PEEK | MSG_TRUNC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	if (n == 0)
		return 0;
	m->cap = (size_t)n > MSG_MAX + sizeof(h) ? sizeof(h) : (size_t)n;
	m->body = xmalloc(m->cap);
	iov[0] = (struct iovec){&h, sizeof(h)};
	iov[1] = (struct iovec){m->body, m->cap};
	do {
		n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		int r = -errno;

		msg_done(m);
		return r;
	}
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&mh); c; c = CMSG_NXTHDR(&mh, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (m->n_fds < MSG_MAX_FDS)
				m->fds[m->n_fds++] = fd;
			else
				fd_close(fd);
		}
	}
	if ((size_t)n < sizeof(h) || (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
		h.version != MSG_VERSION || h.len != (size_t)n - sizeof(h)) {
		msg_done(m);
		return -EBADMSG;
	}
	m->type = h.type;
	m->len = h.len;
	return 1;
}

static bool get(struct msg *m, void *p, size_t n)
{
	if (m->bad || n > m->len - m->pos) {
		m->bad = true;
		memset(p, 0, n);
		return false;
	}
	memcpy(p, m->body + m->pos, n);
	m->pos += n;
	return true;
}

uint32_t msg_get_u32(struct msg *m)
{
	uint32_t v;

	get(m, &v, sizeof(v));
	return v;
}

uint64_t msg_get_u64(struct msg *m)
{
	uint64_t v;

	get(m, &v, sizeof(v));
	return v;
}

const char *msg_get_str(struct msg *m)
{
	uint32_t n = msg_get_u32(m);
	const char *s;

	if (m->bad || n == 0 || n > m->len - m->pos || m->body[m->pos + n - 1] != '\0' ||
		strlen(m->body + m->pos) != n - 1) {
		m->bad = true;
		return "";
	}
	s = m->body + m->pos;
	m->pos += n;
	return s;
}

void msg_get_strs(struct msg *m, struct strvec *v, size_t max)
{
	uint32_t n = msg_get_u32(m);

	if (n > max)
		m->bad = true;
	for (uint32_t i = 0; i < n && !m->bad; i++) {
		const char *s = msg_get_str(m);

		if (!m->bad)
			strvec_push(v, s);
	}
}

int msg_get_fd(struct msg *m)
{
	for (size_t i = 0; i < m->n_fds; i++)
		if (m->fds[i] >= 0)
			return TAKE_FD(m->fds[i]);
	m->bad = true;
	return -1;
}

bool msg_end(struct msg *m)
{
	if (m->pos != m->len)
		m->bad = true;
	return !m->bad;
}

void msg_done(struct msg *m)
{
	free(m->body);
	for (size_t i = 0; m->received && i < m->n_fds; i++)
		m->fds[i] = fd_close(m->fds[i]);
	*m = (struct msg){0};
}

int msg_pair(int ret[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0 ? -errno : 0;
}
