/*
 * A front that has gone bad. The client tells it what to ask of the monitor, an
 * octet a question, and gets a line for each: what the monitor answered
 * (its first octet and how long it was), or "end".
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/monitor/template.h"

#define PAIR 3

static char frame[300000];

static void
tell(ssize_t n)
{
	char line[64];
	int len = n <= 0 ? sprintf(line, "end\n")
			 : sprintf(line, "%02x %zd\n", frame[0], n);

	(void)!write(1, line, (size_t)len);
}

static void
ask_on(int fd, size_t len, size_t fds)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int) * 8)];
	} control;
	struct iovec iov = {frame, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	memset(&control, 0, sizeof control);
	if (fds > 0) {
		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * fds);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * fds);
	}
	(void)sendmsg(fd, &msg, MSG_NOSIGNAL);
}

static void
ask(size_t len, size_t fds)
{
	ask_on(PAIR, len, fds);
}

static void
hear(void)
{
	tell(recv(PAIR, frame, sizeof frame, 0));
}

static size_t
sign(unsigned char key, char type, unsigned char algorithm, size_t hash)
{
	memset(frame, 'h', sizeof frame);
	frame[0] = 'S';
	frame[1] = (char)key;
	frame[2] = type;
	frame[3] = (char)algorithm;
	frame[4] = (char)(hash >> 8);
	frame[5] = (char)hash;
	return 6 + hash;
}

/* The session with auth, as it is asked for. */
static int auth = -1;

static int
take_descriptor(void)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char octet;
	struct iovec iov = {&octet, 1};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof control.space};
	int fd = -1;

	if (recvmsg(PAIR, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg) != NULL)
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof fd);
	return fd;
}

/* Ask auth, times times; hear the first answer. */
static void
login(char const *sasl, size_t len, size_t fds, int times)
{
	if (auth < 0) {
		frame[0] = 'A';
		ask(1, 0);
		auth = take_descriptor();
	}
	memcpy(frame, "\0\5PLAIN", 7);
	frame[7] = (char)(len >> 8);
	frame[8] = (char)len;
	memcpy(frame + 9, sasl, len);
	while (times-- > 0)
		ask_on(auth, 9 + len, fds);
	ssize_t n = recv(auth, frame, sizeof frame, 0);
	tell(n);
	if (n <= 0) {
		close(auth);
		auth = -1;
	}
}

#define ALICE "\0alice@mx.example.org\0secret"
#define WRONG "\0alice@mx.example.org\0wrong"

int
main(int argc, char const *const *argv)
{
	static char const zeros[2000];
	char what;

	if (argc == 1)
		(void)template_run("evil", "busy\n", &argv);

	(void)!write(1, "ready\n", 6);
	while (read(0, &what, 1) == 1) {
		switch (what) {
		case 'g': /* garbage */
			memset(frame, 0xa5, 100);
			ask(100, 0);
			break;
		case 'b': /* just the kind */
			frame[0] = 'S';
			ask(1, 0);
			break;
		case 't': /* one octet too many */
			ask(sign(0, 'E', 4, 32) + 1, 0);
			break;
		case 'l': /* longer than any frame */
			ask(sign(0, 'E', 4, 32) + 3000, 0);
			break;
		case 'L':
			ask(150000, 0);
			break;
		case '0': /* none */
			ask(0, 0);
			break;
		case 's': /* a fair question */
			ask(sign(0, 'E', 4, 32), 0);
			break;
		case 'k': /* a key that there isn't */
			ask(sign(200, 'E', 4, 32), 0);
			break;
		case 'y': /* another type of key */
			ask(sign(0, 'R', 4, 32), 0);
			break;
		case 'h': /* a short hash */
			ask(sign(0, 'E', 4, 31), 0);
			break;
		case 'm': /* MD5 */
			ask(sign(0, 'E', 1, 16), 0);
			break;
		case 'f': /* descriptors for nothing */
			ask(sign(0, 'E', 4, 32), 8);
			break;
		case 'w':
			login(WRONG, sizeof WRONG - 1, 0, 1);
			continue;
		case 'F':
			login(WRONG, sizeof WRONG - 1, 8, 1);
			continue;
		case 'a':
			login(ALICE, sizeof ALICE - 1, 0, 1);
			continue;
		case 'd': /* two at once */
			login(WRONG, sizeof WRONG - 1, 0, 2);
			continue;
		case 'o': /* too long a SASL message */
			login(zeros, 1025, 0, 1);
			continue;
		case 'n': /* sessions without end */
			for (int i = 0; i < 40; i++) {
				frame[0] = 'P';
				ask(1, 0);
			}
			for (;;)
				pause();
		case 'p': /* a session with policy */
			frame[0] = 'P';
			ask(1, 0);
			close(take_descriptor());
			tell(1);
			continue;
		case 'x': /* gone without a word */
			return 0;
		default:
			continue;
		}
		hear();
	}
	return 0;
}
