/*
 * A front that has gone bad. The client tells it what to ask of the monitor, an
 * octet a question, and gets a line for each: what the monitor answered
 * (its first octet and how long it was), or "end".
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
ask(size_t len, size_t fds)
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
	(void)sendmsg(PAIR, &msg, MSG_NOSIGNAL);
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

static size_t
login(char const *sasl, size_t len)
{
	frame[0] = 'A';
	frame[1] = (char)(len >> 8);
	frame[2] = (char)len;
	memcpy(frame + 3, sasl, len);
	return 3 + len;
}

#define ALICE "\0alice@mx.example.org\0secret"
#define WRONG "\0alice@mx.example.org\0wrong"

int
main(void)
{
	static char const zeros[2000];
	char what;

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
			ask(login(WRONG, sizeof WRONG - 1), 0);
			break;
		case 'F':
			ask(login(WRONG, sizeof WRONG - 1), 8);
			break;
		case 'a':
			ask(login(ALICE, sizeof ALICE - 1), 0);
			break;
		case 'd': /* two at once */
			ask(login(WRONG, sizeof WRONG - 1), 0);
			ask(login(WRONG, sizeof WRONG - 1), 0);
			break;
		case 'o': /* too long a SASL message */
			ask(login(zeros, 1025), 0);
			break;
		case 'e': /* none */
			ask(login(zeros, 0), 0);
			break;
		case 'x': /* gone without a word */
			return 0;
		default:
			continue;
		}
		hear();
	}
	return 0;
}
