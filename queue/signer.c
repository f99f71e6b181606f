/*
 * signer - signs what leaves for other hosts
 *
 * Runs as kr-sign, started by the starter. Reads questions of the manager and
 * the queue files that come with them, each an open read-only descriptor, and
 * dkim.cdb in the tables' folder, which nobody else may read but root. Trusts
 * neither. Can write nothing, and has no network. See signer(8).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/sandbox.h"
#include "queue/signmsg.h"

#define USAGE "usage: signer [-t TABLES]\n"
#define CONTROL_FD 3
/* Octets of address space: a header of 512 KiB, several times. */
#define MEMORY (32u << 20)
/* A manager that has ended is followed by another before that. */
#define ALONE_MS 3000
/* Seconds that one message may take; less than the manager waits. */
#define MESSAGE_SECONDS 240

struct signer {
	int tables_fd, manager_fd;
	struct table keys;
	bool is_stopping;
};

static void
log_made(struct signask const *ask, struct signmsg const *m)
{
	char count[] = "0", seals[] = "0";

	if (m->len == 0)
		return;
	*count = (char)('0' + (m->signatures < 9 ? m->signatures : 9));
	*seals = (char)('0' + (m->seals < 9 ? m->seals : 9));
	log_event("signed", ask->id, "domain", m->domain, "signatures", count,
		"seals", seals, "form", m->is_seven ? "7bit" : "as-it-is",
		(char *)0);
}

/* False: the manager is not to be talked to any more. */
static bool
serve_manager(struct signer *s)
{
	static char frame[JOB_LINES_MAX + SIGNASK_MAX];
	static struct signmsg made;
	struct signask ask;
	struct signask_answer answer = {.outcome = SIGNASK_DONE};
	size_t count = 0, len;
	int fd = -1;
	ssize_t n = pair_receive(
		s->manager_fd, frame, sizeof frame, &fd, 1, &count);

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	if (count != 1 || !signask_decode(frame, (size_t)n, &ask)) {
		log_event("malformed-question", NULL, (char *)0);
		if (count == 1)
			close(fd);
		return false;
	}
	/* An older table does: it was good a moment ago. */
	if (!table_refresh(&s->keys, s->tables_fd, "dkim.cdb"))
		log_error("table-failed", ask.id, (char *)0);
	(void)alarm(MESSAGE_SECONDS);
	if (!s->keys.open || !signmsg_make(&s->keys, &ask, fd,
				     (uint64_t)time(NULL), &made)) {
		log_error("sign-failed", ask.id, (char *)0);
		answer.outcome = SIGNASK_LATER;
		made.len = 0;
	}
	(void)alarm(0);
	close(fd);
	log_made(&ask, &made);
	answer.number = ask.number;
	answer.is_seven = made.is_seven && made.len > 0;
	answer.lines = made.lines;
	answer.lines_len = made.len;
	len = signask_answer_encode(frame, sizeof frame, &answer);
	return len > 0 && pair_send(s->manager_fd, frame, len, NULL, 0);
}

/* False: the starter is gone. */
static bool
serve_control(struct signer *s)
{
	char frame[1];
	size_t count = 0;
	int fd;
	ssize_t n =
		pair_receive(CONTROL_FD, frame, sizeof frame, &fd, 1, &count);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EMSGSIZE);
	if (*frame == 'q')
		s->is_stopping = true;
	if (count == 0)
		return true;
	if (*frame != 'm') {
		close(fd);
		return true;
	}
	if (s->manager_fd >= 0)
		close(s->manager_fd);
	s->manager_fd = fd;
	return true;
}

static int
serve(struct signer *s)
{
	while (!s->is_stopping) {
		struct pollfd p[] = {{.fd = CONTROL_FD, .events = POLLIN},
			{.fd = s->manager_fd, .events = POLLIN}};
		int n = poll(p, 2, s->manager_fd < 0 ? ALONE_MS : -1);
		if (n < 0 && errno != EINTR)
			return 111;
		/* Only for a new signer the starter makes a new pair. */
		if (n == 0)
			return 111;
		if (n < 0)
			continue;
		if (p[0].revents != 0 && !serve_control(s))
			return 0;
		if (p[1].revents != 0 && p[1].fd == s->manager_fd &&
			!serve_manager(s)) {
			close(s->manager_fd);
			s->manager_fd = -1;
		}
	}
	return 0;
}

int
main(int argc, char const *const *argv)
{
	static struct signer s = {.manager_fd = -1, .keys = TABLE_ZERO};
	struct sandbox box = {.filter = SANDBOX_SIGNER,
		.memory = MEMORY,
		.files = 16,
		.read_only_count = 1};
	subgetopt options = SUBGETOPT_ZERO;
	char const *tables = "/var/lib/kereru/tables";

	(void)signal(SIGPIPE, SIG_IGN);
	log_open("signer");
	for (int c; (c = subgetopt_r(argc, argv, "t:", &options)) != -1;) {
		if (c != 't')
			goto usage;
		tables = options.arg;
	}
	if (options.ind != argc)
		goto usage;
	if (geteuid() == 0 || getuid() == 0) {
		log_event("refused", NULL, "why", "runs as root", (char *)0);
		return 100;
	}
	s.tables_fd = open(tables, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s.tables_fd < 0) {
		log_error("no-tables", NULL, "tables", tables, (char *)0);
		return 111;
	}
	box.read_only[0] = s.tables_fd;
	sandbox_enter_or_exit(&box);
	return serve(&s);

usage:
	(void)!write(2, USAGE, sizeof USAGE - 1);
	return 100;
}
