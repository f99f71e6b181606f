/* Asking for the imapd of a shared mailbox; see attach.h. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/pair.h"
#include "common/wire.h"
#include "common/monitor/front.h"
#include "imapd/attach.h"
#include "imapd/share.h"

#define PATIENCE_MS 10000
/* Those that have just been let go of may count still. */
#define TRIES 50
#define REST_MS 20

bool
attach_possible(void)
{
	struct stat st;

	return fstat(FRONT_ATTACH_FD, &st) == 0 && S_ISSOCK(st.st_mode);
}

static bool
ask(char const *mailbox)
{
	char frame[SHARE_MAILBOX_MAX + 6];
	struct wire_out out;

	wire_start(&out, frame, sizeof frame);
	/* The form in which auth names a mailbox, with a ticket in front. */
	wire_put_u32(&out, 0);
	wire_put_bytes(&out, mailbox, strlen(mailbox));
	return !out.failed &&
	       pair_send(FRONT_ATTACH_FD, frame, out.len, NULL, 0);
}

/* 1, 0 not now, -1 */
static int
hear(int pipes_r[2])
{
	struct pollfd p = {.fd = FRONT_ATTACH_FD, .events = POLLIN};
	size_t count = 0;
	char octet;
	ssize_t n;

	if (poll(&p, 1, PATIENCE_MS) != 1)
		return -1;
	n = pair_receive(FRONT_ATTACH_FD, &octet, 1, pipes_r, 2, &count);
	if (n == 1 && octet == 'o' && count == 2)
		return 1;
	for (size_t i = 0; i < count; i++)
		close(pipes_r[i]);
	return n == 1 && octet == 'l' ? 0 : -1;
}

bool
attach(char const *mailbox, int pipes_r[2])
{
	struct timespec const rest = {.tv_nsec = REST_MS * 1000000};

	for (int i = 0; i < TRIES; i++) {
		int const r = ask(mailbox) ? hear(pipes_r) : -1;

		if (r != 0)
			return r > 0;
		nanosleep(&rest, NULL);
	}
	errno = EAGAIN;
	return false;
}
