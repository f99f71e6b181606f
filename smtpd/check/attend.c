/* What the helpers of check have in common. */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/pair.h"
#include "smtpd/check/attend.h"

/* Settings, if some have come; false: check is gone. */
static bool
take_settings(struct attend *a)
{
	char octet;
	int fd = -1;
	size_t count = 0;
	ssize_t n = pair_receive(a->control_fd, &octet, 1, &fd, 1, &count);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EPROTO);
	if (count == 0)
		return true;
	table_close(&a->settings);
	a->settings = (struct table)TABLE_ZERO;
	a->is_new = octet == 's' && table_open_fd(&a->settings, fd);
	close(fd);
	return true;
}

int
attend_wait(struct attend *a, int timeout_ms, char *frame, size_t max,
	size_t *len_r, int *about_fd_r, int *answer_fd_r)
{
	struct pollfd p[] = {{.fd = a->control_fd, .events = POLLIN},
		{.fd = a->requests_fd, .events = POLLIN}};
	int r = poll(p, 2, timeout_ms), fds[2];
	size_t count = 0;
	ssize_t n;

	if (r < 0)
		return errno == EINTR ? 0 : -1;
	/* First: a request may be about what the settings have just said. */
	if (p[0].revents != 0)
		return take_settings(a) ? 0 : -1;
	if (p[1].revents == 0)
		return 0;
	n = pair_receive(a->requests_fd, frame, max, fds, 2, &count);
	if (n == 0)
		return -1;
	if (n < 0 || count != 2) {
		/* Somebody's nonsense is nobody else's matter. */
		if (n > 0 && count == 1)
			close(fds[0]);
		return 0;
	}
	*len_r = (size_t)n;
	*about_fd_r = fds[0];
	*answer_fd_r = fds[1];
	return 1;
}

bool
attend_settings(int control_fd, int settings_fd)
{
	return pair_send(control_fd, "s", 1, &settings_fd, 1);
}

int
attend_send(int requests_fd, char const *frame, size_t len, int about_fd)
{
	int ends[2], fds[2];
	bool sent;

	if (!pair_make(ends, false))
		return -1;
	fds[0] = about_fd;
	fds[1] = ends[1];
	sent = pair_send(requests_fd, frame, len, fds, 2);
	close(ends[1]);
	if (sent)
		return ends[0];
	close(ends[0]);
	return -1;
}

ssize_t
attend_take(int answer_fd, int timeout_ms, char *answer, size_t max, int *fd_r)
{
	struct pollfd p = {.fd = answer_fd, .events = POLLIN};
	size_t count = 0;
	ssize_t n = -1;
	int r;

	do
		r = poll(&p, 1, timeout_ms);
	while (r < 0 && errno == EINTR);
	if (r > 0)
		n = pair_receive(answer_fd, answer, max, fd_r,
			fd_r != NULL ? 1 : 0, &count);
	else if (r == 0)
		errno = ETIMEDOUT;
	if (n == 0) {
		errno = EPIPE;
		n = -1;
	}
	close(answer_fd);
	if (fd_r != NULL && count == 0)
		*fd_r = -1;
	return n;
}

ssize_t
attend_ask(int requests_fd, char const *frame, size_t len, int about_fd,
	int timeout_ms, char *answer, size_t max, int *fd_r)
{
	int fd = attend_send(requests_fd, frame, len, about_fd);

	if (fd_r != NULL)
		*fd_r = -1;
	return fd < 0 ? -1 : attend_take(fd, timeout_ms, answer, max, fd_r);
}

int
attend_file(char const *s, size_t len)
{
	int fd = memfd_create("message", MFD_CLOEXEC);

	for (size_t at = 0; fd >= 0 && at < len;) {
		ssize_t n = pwrite(fd, s + at, len - at, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int error = errno;

			close(fd);
			errno = error;
			return -1;
		}
		at += (size_t)n;
	}
	return fd;
}
