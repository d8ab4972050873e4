/* Attacks through sockets, shared memory and terminals: section 4 of the catalogue. */
#include "probe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static enum outcome connect_to(const void *addr, size_t len, int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int err = 0;
	socklen_t n = sizeof(err);

	if (fd < 0)
		return refused("socket");
	if (connect(fd, addr, (socklen_t)len) < 0 && errno != EINPROGRESS)
		return refused("connect");
	if (poll(&p, 1, 3000) != 1) {
		errno = ETIMEDOUT;
		return refused("connect");
	}
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n);
	errno = err;
	if (err)
		return refused("connect");
	return verdict(send(fd, "hello", 5, MSG_NOSIGNAL), "connected");
}

static enum outcome unix_to(const char *name, bool abstract, int type)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t len = strlen(name);

	if (len + abstract >= sizeof(addr.sun_path))
		return cannot("name too long");
	memcpy(addr.sun_path + abstract, name, len);
	return connect_to(&addr, offsetof(struct sockaddr_un, sun_path) + len + 1, AF_UNIX, type);
}

static enum outcome do_unix(char **a)
{
	return unix_to(a[0], false, SOCK_STREAM);
}

static enum outcome do_unix_seqpacket(char **a)
{
	return unix_to(a[0], false, SOCK_SEQPACKET);
}

static enum outcome do_unix_dgram(char **a)
{
	return unix_to(a[0], false, SOCK_DGRAM);
}

static enum outcome do_abstract(char **a)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t len = strlen(a[0]);

	if (len >= sizeof(addr.sun_path))
		return cannot("name too long");
	memcpy(addr.sun_path + 1, a[0], len);
	return connect_to(
		&addr, offsetof(struct sockaddr_un, sun_path) + 1 + len, AF_UNIX, SOCK_STREAM);
}

static enum outcome inet_to(char **a, int type)
{
	in_port_t port = htons((uint16_t)number(a[1]));
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = port};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = port};

	if (inet_pton(AF_INET, a[0], &v4.sin_addr) == 1)
		return connect_to(&v4, sizeof(v4), AF_INET, type);
	if (inet_pton(AF_INET6, a[0], &v6.sin6_addr) == 1)
		return connect_to(&v6, sizeof(v6), AF_INET6, type);
	return cannot("no address: %s", a[0]);
}

static enum outcome do_tcp(char **a)
{
	return inet_to(a, SOCK_STREAM);
}

/* The verdict is the driver's: whether the packet came. */
static enum outcome do_udp(char **a)
{
	return inet_to(a, SOCK_DGRAM);
}

static enum outcome do_vsock(char **a)
{
	struct sockaddr_vm addr = {.svm_family = AF_VSOCK,
		.svm_cid = (unsigned)number(a[0]),
		.svm_port = (unsigned)number(a[1])};

	return connect_to(&addr, sizeof(addr), AF_VSOCK, SOCK_STREAM);
}

static enum outcome do_sysv_shm(char **a)
{
	int id = shmget((key_t)number(a[0]), 1, 0600);
	const char *p;

	if (id < 0)
		return refused("shmget");
	p = shmat(id, NULL, SHM_RDONLY);
	if (p == (void *)-1)
		return refused("shmat");
	return worked("read %d", *p);
}

static enum outcome do_posix_shm(char **a)
{
	return verdict(shm_open(a[0], O_RDONLY | O_CLOEXEC, 0), a[0]);
}

static enum outcome do_mq(char **a)
{
	return verdict(mq_open(a[0], O_RDONLY | O_NONBLOCK | O_CLOEXEC), a[0]);
}

/* What an agent could print to drive the user's terminal. The driver looks at what comes out. */
static enum outcome do_print(char **a)
{
	for (const char *p = a[0]; *p; p++) {
		unsigned c = (unsigned char)*p;

		if (p[0] == '\\' && p[1] == 'e' && p++)
			c = '\033';
		else if (p[0] == '\\' && p[1] == 'a' && p++)
			c = '\a';
		else if (p[0] == '\\' && p[1] == '5' && p++)
			c = '\005';
		putchar((int)c);
	}
	fflush(stdout);
	return WORKED;
}

const struct probe ipc_probes[] = {
	{"unix", 1, do_unix, "PATH"},
	{"unix-seqpacket", 1, do_unix_seqpacket, "PATH"},
	{"unix-dgram", 1, do_unix_dgram, "PATH"},
	{"abstract", 1, do_abstract, "NAME"},
	{"tcp", 2, do_tcp, "ADDRESS PORT"},
	{"udp", 2, do_udp, "ADDRESS PORT"},
	{"vsock", 2, do_vsock, "CID PORT"},
	{"sysv-shm", 1, do_sysv_shm, "KEY"},
	{"posix-shm", 1, do_posix_shm, "NAME"},
	{"mq", 1, do_mq, "NAME"},
	{"print", 1, do_print, "TEXT with \\e, \\a and \\5"},
	{0},
};
