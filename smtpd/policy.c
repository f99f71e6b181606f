/*
 * policy - greylist, rates, and delays for those who guess
 *
 * A service under its own uid; monitors hand it a pair for each session that
 * asks. Answers out of a store with a fixed number of slots, shared by all
 * sessions. Trusts its settings alone. Can write nothing but its store. See
 * policy(8).
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
#include "common/stop.h"
#include "common/monitor/role.h"
#include "smtpd/judge.h"

/* Monitors and sessions at once; one more session goes on without us. */
#define SESSIONS_MAX 2000
#define MEMORY (64u << 20)
/* Between two times that the store is written. */
#define SAVE_SECONDS 10
/* Octets of the largest question. */
#define QUESTION_MAX 4096

struct session {
	int fd;
	bool is_monitor; /* no session: where new ones come from */
	bool is_in_networks;
	char mailbox[CHECKING_PATH_MAX];
	size_t mailbox_len;
};

struct policy {
	/* Of all; and where users have written to, which is remembered longer.
	 */
	struct policystore store, destinations;
	struct table settings;
	dev_t device;
	ino_t inode;
	struct judge_rules rules;
	struct session sessions[SESSIONS_MAX];
	struct pollfd polls[SESSIONS_MAX + 1]; /* 0 is the listener */
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

static struct session *
add(struct policy *p, int fd)
{
	struct session *s = &p->sessions[p->count];

	if (p->count == SESSIONS_MAX) {
		close(fd);
		return NULL;
	}
	*s = (struct session){.fd = fd};
	p->polls[++p->count] = (struct pollfd){.fd = fd, .events = POLLIN};
	return s;
}

static void
hear_listener(struct policy *p)
{
	int fd = role_accept(p->polls[0].fd);
	struct session *s = fd < 0 ? NULL : add(p, fd);

	if (s != NULL)
		s->is_monitor = true;
}

/* False: the monitor is gone. */
static bool
hear_monitor(struct policy *p, int fd)
{
	struct role_call call;
	struct session *s;
	int r = role_take(fd, &call);

	if (r <= 0)
		return r < 0;
	take_settings(p, call.table);
	close(call.table);
	s = add(p, call.pair);
	if (s != NULL) {
		s->is_in_networks = call.session.is_listed;
		s->mailbox_len = call.session.mailbox_len;
		memcpy(s->mailbox, call.session.mailbox, s->mailbox_len);
	}
	return true;
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
	ssize_t n;
	size_t len;

	if (s->is_monitor)
		return hear_monitor(p, s->fd);
	n = pair_receive(s->fd, frame, sizeof frame, NULL, 0, NULL);
	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	if (!policing_question_decode(frame, (size_t)n, &q)) {
		log_event("malformed", NULL, "from", "smtpd", (char *)0);
		return false;
	}
	judge(&p->store, &p->destinations, &p->rules, &q,
		(struct checking_bytes){s->mailbox, s->mailbox_len},
		s->is_in_networks, (uint32_t)time(NULL), &a);
	len = policing_answer_encode(frame, sizeof frame, &a);
	return len > 0 && pair_send(s->fd, frame, len, NULL, 0);
}

static void
save(struct policy *p)
{
	bool ok = policystore_save(&p->store);

	if (policystore_save(&p->destinations) && ok) {
		p->save_failed = false;
	} else if (!p->save_failed) {
		log_error("store-not-written", NULL, (char *)0);
		p->save_failed = true;
	}
	p->saved = monotonic();
}

static int
open_file(char const *name)
{
	return open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* In memory, if the file fails. */
static bool
begin(struct policystore *s, int fd, char const *name)
{
	uint32_t const now = (uint32_t)time(NULL);
	bool is_new = false;

	if (!policystore_open(s, fd, now, &is_new)) {
		log_error("no-store", NULL, "store", name, (char *)0);
		if (!policystore_open(s, -1, now, &is_new))
			return false;
	}
	if (is_new)
		log_event("store-new", NULL, "store", name, (char *)0);
	return true;
}

static int
loop(struct policy *p)
{
	struct timespec pause = {.tv_sec = SAVE_SECONDS};
	sigset_t none;

	sigemptyset(&none);
	while (stop_asked == 0) {
		int r = ppoll(p->polls, p->count + 1, &pause, &none);

		if (r < 0 && errno != EINTR)
			return 111;
		/* From the last on: a session that closes is replaced by one
		 * that was served. New ones come behind. */
		for (size_t i = p->count; r > 0 && i-- > 0;)
			if (p->polls[i + 1].revents != 0 &&
				!serve(p, &p->sessions[i]))
				close_session(p, i);
		if (r > 0 && p->polls[0].revents != 0)
			hear_listener(p);
		if (monotonic() - p->saved >= SAVE_SECONDS)
			save(p);
	}
	save(p);
	return 0;
}

int
main(int argc, char const *const *argv)
{
	static struct policy p = {.settings = TABLE_ZERO};
	struct sandbox sandbox = {.filter = SANDBOX_POLICY,
		.memory = MEMORY,
		.files = SESSIONS_MAX + 16,
		/* Its store, which is open. */
		.may_write = true};
	struct role_options options;
	int store = -1, destinations = -1;

	log_open("policy");
	if (!role_options(&options, argc, argv))
		return 100;
	if (geteuid() == 0 || getuid() == 0) {
		log_event("refused", NULL, "why", "runs as root", (char *)0);
		return 100;
	}
	stop_catch();
	(void)signal(SIGPIPE, SIG_IGN);
	if (role_enter(options.tables, "policy", &p.settings)) {
		store = open_file("store");
		destinations = open_file("destinations");
		p.polls[0] = (struct pollfd){
			.fd = role_listen("socket"), .events = POLLIN};
	}
	if (store < 0 || destinations < 0 || p.polls[0].fd < 0) {
		log_error("not-started", NULL, "tables", options.tables,
			(char *)0);
		return 111;
	}
	judge_rules_read(&p.rules, &p.settings);
	sandbox_enter_or_exit(&sandbox);
	if (!begin(&p.store, store, "store") ||
		!begin(&p.destinations, destinations, "destinations"))
		return 111;
	p.saved = monotonic();
	role_ready(&options);
	return loop(&p);
}
