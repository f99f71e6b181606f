/*
 * auth - judges passwords
 *
 * Started by a monitor under its own uid, in an empty chroot (unless a
 * checkpassword program is set), with no network and no file but the password
 * table that comes with each question. Each hash is computed in a child: the
 * loop never waits for one. A wrong password is answered late, an unknown user
 * costs the same hash as a known one. See auth(8).
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sodium.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "common/monitor/front.h"
#include "common/monitor/question.h"
#include "common/monitor/remember.h"
#include "common/monitor/request.h"
#include "common/monitor/throttle.h"
#include "common/monitor/verify.h"

#define THROTTLE_FD 4
#define QUESTIONS_MAX 256
#define CHILDREN_MAX 4
#define LATE_MAX 16384

/* A denial that is told later. It must not take the place of a question: who
 * guesses on many connections would keep everyone else out. */
struct late {
	uint64_t due; /* monotonic milliseconds; 0: free */
	uint32_t ticket;
};

static struct question questions[QUESTIONS_MAX];
static struct late late[LATE_MAX];
static size_t late_end; /* none behind it */
static char const *checkpassword, *login_domain;
static unsigned first_delay, running;

static uint64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
answer(uint32_t ticket, enum request_verdict verdict, char const *user,
	size_t user_len)
{
	char frame[REQUEST_FRAME_MAX];
	size_t len = auth_answer_encode(frame, sizeof frame, ticket, verdict,
		user, verdict == REQUEST_OK ? user_len : 0);

	if (!pair_send(FRONT_PAIR_FD, frame, len, NULL, 0))
		log_error("lost-answer", NULL, (char *)0);
}

/* False: too many wait already. */
static bool
answer_late(uint32_t ticket, uint64_t due)
{
	size_t i = 0;

	while (i < late_end && late[i].due != 0)
		i++;
	if (i == LATE_MAX)
		return false;
	late[i] = (struct late){due, ticket};
	if (i == late_end)
		late_end++;
	return true;
}

static void
log_failure(struct question const *q)
{
	struct log_line line;

	log_begin(&line, "login-failed", NULL);
	log_text(&line, "mailbox", q->user, q->user_len);
	log_text(&line, "client", q->client, q->client_len);
	log_text(&line, "known", q->is_known ? "yes" : "no",
		q->is_known ? 3 : 2);
	log_end(&line);
}

static void
judge(struct question *q, enum request_verdict verdict)
{
	unsigned delay = 0;

	if (verdict == REQUEST_OK)
		throttle_succeeded(q->user, q->user_len);
	if (verdict == REQUEST_DENIED) {
		log_failure(q);
		delay = throttle_failed(q->user, q->user_len, q->client,
			q->client_len, (uint64_t)time(NULL), first_delay);
	}
	if (delay == 0 ||
		!answer_late(q->ticket, now_ms() + (uint64_t)delay * 1000))
		answer(q->ticket, verdict, q->user, q->user_len);
	sodium_memzero(q, sizeof *q);
}

static void
take_question(struct question *q, struct auth_question const *a, int table_fd)
{
	q->ticket = a->ticket;
	q->since = now_ms();
	q->child_fd = -1;
	question_set_client(q, a->client, a->client_len);
	if (!question_read(q, a->sasl, a->sasl_len, login_domain)) {
		judge(q, REQUEST_DENIED);
		return;
	}
	if (checkpassword != NULL) {
		q->state = QUESTION_WAITING;
		return;
	}
	if (!question_find_hash(q, table_fd)) {
		judge(q, REQUEST_LATER);
		return;
	}
	if (remember_has(q, now_ms()))
		judge(q, REQUEST_OK);
	else
		q->state = QUESTION_WAITING;
}

/* False: the monitor is gone. */
static bool
hear_monitor(void)
{
	char frame[REQUEST_FRAME_MAX];
	struct auth_question a;
	int table_fd = -1;
	size_t count = 0;
	ssize_t n = pair_receive(
		FRONT_PAIR_FD, frame, sizeof frame, &table_fd, 1, &count);

	if (n <= 0)
		/* A question that is lost would leave its front waiting: the
		 * monitor tells all who wait when we end. */
		return n < 0 && errno == EAGAIN;
	if (count == 1 && auth_question_decode(frame, (size_t)n, &a)) {
		size_t i = 0;
		while (i < QUESTIONS_MAX && questions[i].state != QUESTION_FREE)
			i++;
		if (i == QUESTIONS_MAX)
			answer(a.ticket, REQUEST_LATER, "", 0);
		else
			take_question(&questions[i], &a, table_fd);
	}
	if (count == 1)
		close(table_fd);
	sodium_memzero(frame, sizeof frame);
	return true;
}

/* A child must hold neither the pair nor the other children's pipes, or their
 * ends would go unseen. */
static void
leave_all(void)
{
	close(FRONT_PAIR_FD);
	for (size_t i = 0; i < QUESTIONS_MAX; i++)
		if (questions[i].state == QUESTION_RUNNING)
			close(questions[i].child_fd);
}

static void
start_child(struct question *q)
{
	if (!verify_start(q, checkpassword, leave_all)) {
		judge(q, REQUEST_LATER);
		return;
	}
	q->state = QUESTION_RUNNING;
	running++;
}

static void
hear_child(struct question *q)
{
	enum request_verdict verdict = verify_finish(q, checkpassword);

	running--;
	if (verdict == REQUEST_OK && checkpassword == NULL)
		remember_add(q, now_ms());
	judge(q, verdict);
}

/* Starts those that wait, the oldest first, as far as children may run. */
static void
start_waiting(void)
{
	while (running < CHILDREN_MAX) {
		struct question *oldest = NULL;
		for (size_t i = 0; i < QUESTIONS_MAX; i++)
			if (questions[i].state == QUESTION_WAITING &&
				(oldest == NULL ||
					questions[i].since < oldest->since))
				oldest = &questions[i];
		if (oldest == NULL)
			return;
		start_child(oldest);
	}
}

/* Milliseconds until a late answer is due; those that are, go. */
static int
answer_due(void)
{
	uint64_t now = now_ms(), next = UINT64_MAX;

	for (size_t i = 0; i < late_end; i++) {
		if (late[i].due != 0 && late[i].due <= now) {
			answer(late[i].ticket, REQUEST_DENIED, "", 0);
			late[i].due = 0;
		}
		if (late[i].due != 0 && late[i].due < next)
			next = late[i].due;
	}
	while (late_end > 0 && late[late_end - 1].due == 0)
		late_end--;
	return next == UINT64_MAX ? -1 : (int)(next - now);
}

static void
loop(void)
{
	struct pollfd fds[1 + CHILDREN_MAX];
	struct question *asked[1 + CHILDREN_MAX];
	nfds_t n;
	bool goes_on = true;

	while (goes_on) {
		int timeout = answer_due();
		start_waiting();
		fds[0] = (struct pollfd){FRONT_PAIR_FD, POLLIN, 0};
		n = 1;
		for (size_t i = 0; running > 0 && i < QUESTIONS_MAX; i++)
			if (questions[i].state == QUESTION_RUNNING) {
				asked[n] = &questions[i];
				fds[n++] = (struct pollfd){
					questions[i].child_fd, POLLIN, 0};
			}
		if (poll(fds, n, timeout) <= 0)
			continue;
		for (nfds_t i = 1; i < n; i++)
			if (fds[i].revents != 0)
				hear_child(asked[i]);
		if (fds[0].revents != 0)
			goes_on = hear_monitor();
	}
}

int
main(void)
{
	struct sandbox sandbox = {.filter = SANDBOX_AUTH,
		.files = 64,
		.may_fork = true,
		.may_write = true};
	static struct table settings;

	log_open("auth");
	if (getuid() == 0 || sodium_init() < 0 ||
		!table_open_fd(&settings, FRONT_SETTINGS_FD) ||
		!throttle_open(THROTTLE_FD)) {
		log_error("not-started", NULL, (char *)0);
		return 111;
	}
	signal(SIGPIPE, SIG_IGN);
	checkpassword = settings_text(&settings, "checkpassword");
	if (checkpassword != NULL && *checkpassword == '\0')
		checkpassword = NULL;
	login_domain = settings_text(&settings, "login-domain");
	if (login_domain == NULL)
		login_domain = "";
	remember_init(settings_number(&settings, "auth-cache", 60) * 1000);
	first_delay = (unsigned)settings_number(&settings, "auth-delay", 1);
	close(THROTTLE_FD);
	/* A checkpassword program has needs that we can't know. */
	if (checkpassword == NULL)
		sandbox_enter_or_exit(&sandbox);
	loop();
	return 0;
}
