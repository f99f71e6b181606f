/*
 * policy - greylist, rates, and delays for those who guess
 *
 * Long-lived; its monitor hands it a pair for each session that asks. Answers
 * out of a store with a fixed number of slots, shared by all sessions. Trusts
 * its settings alone. Can write nothing but its store. See policy(8).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/sandbox.h"
#include "smtpd/judge.h"
#include "smtpd/opening.h"

#define CONTROL_FD 3
#define STORE_FD 4
#define SETTINGS_FD 5
/* Sessions at once; one more goes on without us. */
#define SESSIONS_MAX 2000
#define MEMORY (64u << 20)
/* Between two times that the store is written. */
#define SAVE_SECONDS 10
/* Octets of the largest question. */
#define QUESTION_MAX 4096

struct session {
	int fd;
	bool is_in_networks;
	char mailbox[CHECKING_PATH_MAX];
	size_t mailbox_len;
};

struct policy {
	struct policystore store;
	struct table settings;
	dev_t device;
	ino_t inode;
	struct judge_rules rules;
	struct session sessions[SESSIONS_MAX];
	struct pollfd polls[SESSIONS_MAX + 1]; /* 0 is the monitor */
	size_t count;
	time_t saved;
	bool save_failed; /* told once */
};

static time_t
monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void
take_settings(struct policy *p, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || (p->settings.open && st.st_dev == p->device &&
					  st.st_ino == p->inode))
		return;
	table_close(&p->settings);
	p->settings = (struct table)TABLE_ZERO;
	if (!table_open_fd(&p->settings, fd)) {
		log_error("no-settings", NULL, (char *)0);
		return;
	}
	p->device = st.st_dev;
	p->inode = st.st_ino;
	judge_rules_read(&p->rules, &p->settings);
}

static void
open_session(struct policy *p, char const *frame, size_t len, int const fds[2])
{
	struct session *s = &p->sessions[p->count];
	struct opening o;

	take_settings(p, fds[1]);
	close(fds[1]);
	if (!opening_decode(frame, len, &o)) {
		log_event("malformed", NULL, "from", "monitor", (char *)0);
		close(fds[0]);
		return;
	}
	/* A session that does not read its answers must not stop the others. */
	if (p->count == SESSIONS_MAX ||
		fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0) {
		close(fds[0]);
		return;
	}
	s->fd = fds[0];
	s->is_in_networks = o.is_in_networks;
	memcpy(s->mailbox, o.mailbox.s, o.mailbox.len);
	s->mailbox_len = o.mailbox.len;
	p->polls[++p->count] = (struct pollfd){.fd = s->fd, .events = POLLIN};
}

static void
close_session(struct policy *p, size_t i)
{
	close(p->sessions[i].fd);
	p->count--;
	p->sessions[i] = p->sessions[p->count];
	p->polls[i + 1] = p->polls[p->count + 1];
}

/* False: the session has ended, or broken the form. */
static bool
serve(struct policy *p, struct session const *s)
{
	char frame[QUESTION_MAX];
	struct policing_question q;
	struct policing_answer a;
	ssize_t n = pair_receive(s->fd, frame, sizeof frame, NULL, 0, NULL);
	size_t len;

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	if (!policing_question_decode(frame, (size_t)n, &q)) {
		log_event("malformed", NULL, "from", "smtpd", (char *)0);
		return false;
	}
	judge(&p->store, &p->rules, &q,
		(struct checking_bytes){s->mailbox, s->mailbox_len},
		s->is_in_networks, (uint32_t)time(NULL), &a);
	len = policing_answer_encode(frame, sizeof frame, &a);
	return len > 0 && pair_send(s->fd, frame, len, NULL, 0);
}

static void
save(struct policy *p)
{
	if (policystore_save(&p->store)) {
		p->save_failed = false;
	} else if (!p->save_failed) {
		log_error("store-not-written", NULL, (char *)0);
		p->save_failed = true;
	}
	p->saved = monotonic();
}

/* One look at the monitor's pair; false: it is gone. */
static bool
hear_monitor(struct policy *p)
{
	char frame[OPENING_FRAME_MAX];
	size_t count = 0;
	int fds[2];
	ssize_t n =
		pair_receive(CONTROL_FD, frame, sizeof frame, fds, 2, &count);

	if (n == 0)
		return false;
	if (n > 0 && count == 2)
		open_session(p, frame, (size_t)n, fds);
	else if (n > 0 && count == 1)
		close(fds[0]);
	return true;
}

static int
loop(struct policy *p)
{
	bool is_open = true;

	p->polls[0] = (struct pollfd){.fd = CONTROL_FD, .events = POLLIN};
	while (is_open || p->count > 0) {
		int r = poll(p->polls, p->count + 1, SAVE_SECONDS * 1000);

		if (r < 0 && errno != EINTR)
			return 111;
		/* From the last on: a session that closes is replaced by one
		 * that was served. */
		for (size_t i = p->count; r > 0 && i-- > 0;)
			if (p->polls[i + 1].revents != 0 &&
				!serve(p, &p->sessions[i]))
				close_session(p, i);
		if (r > 0 && p->polls[0].revents != 0 && !hear_monitor(p)) {
			is_open = false;
			p->polls[0].fd = -1;
		}
		if (monotonic() - p->saved >= SAVE_SECONDS)
			save(p);
	}
	save(p);
	return 0;
}

int
main(void)
{
	static struct policy p = {.settings = TABLE_ZERO};
	struct sandbox sandbox = {.filter = SANDBOX_POLICY,
		.memory = MEMORY,
		.files = SESSIONS_MAX + 16,
		/* Its store, which is open. */
		.may_write = true};
	bool is_new;

	(void)signal(SIGPIPE, SIG_IGN);
	log_open("policy");
	if (geteuid() == 0 || getuid() == 0) {
		log_event("refused", NULL, "why", "runs as root", (char *)0);
		return 100;
	}
	take_settings(&p, SETTINGS_FD);
	sandbox_enter_or_exit(&sandbox);
	if (!policystore_open(
		    &p.store, STORE_FD, (uint32_t)time(NULL), &is_new)) {
		log_error("no-store", NULL, (char *)0);
		if (!policystore_open(
			    &p.store, -1, (uint32_t)time(NULL), &is_new))
			return 111;
	}
	if (is_new)
		log_event("store-new", NULL, (char *)0);
	p.saved = monotonic();
	return loop(&p);
}
