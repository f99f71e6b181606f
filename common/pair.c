/* Connected SOCK_SEQPACKET sockets between our own processes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/pair.h"

bool
pair_make(int ends_r[2], bool nonblock)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_r) < 0)
		return false;
	return !nonblock || fcntl(ends_r[0], F_SETFL, O_NONBLOCK) == 0;
}

int
pair_keep(int const ends[2], bool ok)
{
	close(ends[1]);
	if (ok)
		return ends[0];
	close(ends[0]);
	return -1;
}

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int) * PAIR_FDS_MAX)];
};

bool
pair_send(int fd, char const *s, size_t len, int const *fds, size_t count)
{
	struct iovec iov = {.iov_len = len};
	union control control;
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t r;

	memcpy(&iov.iov_base, &s, sizeof s);
	if (count > PAIR_FDS_MAX) {
		errno = EINVAL;
		return false;
	}
	if (count > 0) {
		memset(&control, 0, sizeof control);
		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * count);
	}
	do
		r = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	return r == (ssize_t)len;
}

/* Takes the descriptors out of msg; what is not wanted is closed. */
static bool
take_fds(struct msghdr *msg, int *fds_r, size_t wanted, size_t *count_r)
{
	size_t got = 0;
	bool fits = (msg->msg_flags & MSG_CTRUNC) == 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
		c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (got < wanted) {
				fds_r[got++] = fd;
			} else {
				close(fd);
				fits = false;
			}
		}
	}
	if (!fits)
		while (got > 0)
			close(fds_r[--got]);
	if (count_r != NULL)
		*count_r = got;
	return fits;
}

ssize_t
pair_receive(
	int fd, char *s, size_t max, int *fds_r, size_t wanted, size_t *count_r)
{
	struct iovec iov = {.iov_base = s, .iov_len = max};
	union control control;
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	size_t count;
	ssize_t r;

	/* Without room for them the kernel drops the sender's descriptors. */
	if (wanted > 0) {
		msg.msg_control = control.space;
		msg.msg_controllen = sizeof control.space;
	}
	do
		r = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -1;
	if (!take_fds(&msg, fds_r, wanted, &count) && wanted > 0) {
		errno = EPROTO;
		return -1;
	}
	if (count_r != NULL)
		*count_r = count;
	if (msg.msg_flags & MSG_TRUNC) {
		while (count > 0)
			close(fds_r[--count]);
		errno = EMSGSIZE;
		return -1;
	}
	return r;
}
