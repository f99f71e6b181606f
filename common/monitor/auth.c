/*
 * auth - judges logins
 *
 * A service under its own uid. Monitors hand it sessions, each a pair to a
 * front and the password table; the front sends the client's SASL messages, and
 * auth answers it, and tells the monitor into which mailbox a client may. It
 * has no network and opens no file. Each hash is computed in a child: the loop
 * never waits for one. A wrong password is answered late, an unknown user costs
 * the same hash as a known one. See auth(8).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <sodium.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "common/monitor/bearer.h"
#include "common/monitor/exchange.h"
#include "common/monitor/question.h"
#include "common/monitor/remember.h"
#include "common/monitor/role.h"
#include "common/monitor/throttle.h"
#include "common/monitor/verify.h"

#define QUESTIONS_MAX 256
#define CHILDREN_MAX 4
#define PEERS_MAX 16384
#define EVENTS_MAX 64

/* Who is at the other end of a descriptor, which is its place. */
enum peer_kind { NOBODY, LISTENER, CONTROL, SESSION, CHILD };

struct peer {
	enum peer_kind kind;
	/* a session's */
	int control, table; /* its monitor's descriptor; the password table */
	uint32_t ticket;    /* its monitor's name for it */
	uint64_t due; /* when a denial is told, in monotonic ms; 0: none */
	bool is_asking;
	bool is_bearer; /* a denial of it is told in two steps (RFC 7628
			 * 3.2.3); then is_denied until the second */
	bool is_denied;
	struct exchange *exchange; /* a login of several steps; NULL: none */
	size_t client_len;
	size_t service_len;
	char client[REQUEST_CLIENT_MAX];
	char service[REQUEST_SERVICE_MAX];
	struct question *question; /* a child's */
};

static struct peer peers[PEERS_MAX];
static int peers_end; /* none behind it */
static struct question questions[QUESTIONS_MAX];
static char const *checkpassword, *oauth, *login_domain;
static unsigned first_delay, running;
static int events;

static uint64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* False: it is closed. */
static bool
add_peer(int fd, enum peer_kind kind)
{
	struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

	if (fd >= PEERS_MAX || epoll_ctl(events, EPOLL_CTL_ADD, fd, &e) < 0) {
		close(fd);
		return false;
	}
	peers[fd] = (struct peer){.kind = kind};
	if (fd >= peers_end)
		peers_end = fd + 1;
	return true;
}

static void
drop_peer(int fd)
{
	struct peer *p = &peers[fd];

	for (size_t i = 0; p->is_asking && i < QUESTIONS_MAX; i++)
		if (questions[i].peer == fd)
			questions[i].peer = -1;
	if (p->kind == SESSION)
		close(p->table);
	exchange_end(&p->exchange);
	/* A child that is just being forked may hold the description. */
	(void)epoll_ctl(events, EPOLL_CTL_DEL, fd, NULL);
	close(fd);
	*p = (struct peer){.kind = NOBODY};
	while (peers_end > 0 && peers[peers_end - 1].kind == NOBODY)
		peers_end--;
}

/* The monitor first: the front then waits for what it sends. */
static bool
admit(struct peer const *p, struct question const *q)
{
	char frame[REQUEST_FRAME_MAX];
	size_t len = request_admit_encode(
		frame, sizeof frame, p->ticket, q->user, q->user_len);
	struct peer const *monitor = &peers[p->control];

	return monitor->kind == CONTROL &&
	       pair_send(p->control, frame, len, NULL, 0);
}

/* A challenge: the front has the word. */
static void
go_on(int fd, char const *challenge, size_t challenge_len)
{
	char frame[REQUEST_FRAME_MAX];
	size_t len = login_answer_encode(
		frame, sizeof frame, REQUEST_GO_ON, challenge, challenge_len);

	if (!pair_send(fd, frame, len, NULL, 0))
		drop_peer(fd);
}

static void
answer(int fd, enum request_verdict verdict, struct question const *q)
{
	char frame[REQUEST_FRAME_MAX];
	size_t len;

	if (fd < 0)
		return;
	peers[fd].is_asking = false;
	peers[fd].due = 0;
	peers[fd].is_denied = verdict == REQUEST_DENIED && peers[fd].is_bearer;
	peers[fd].is_bearer = false;
	if (peers[fd].is_denied) {
		go_on(fd, BEARER_FAILURE, strlen(BEARER_FAILURE));
		return;
	}
	if (verdict == REQUEST_OK && !admit(&peers[fd], q))
		verdict = REQUEST_LATER;
	len = login_answer_encode(frame, sizeof frame, verdict, "", 0);
	/* Who is in has no more to ask. */
	if (!pair_send(fd, frame, len, NULL, 0) || verdict == REQUEST_OK)
		drop_peer(fd);
}

static void
log_failure(struct question const *q)
{
	struct log_line line;

	log_begin(&line, "login-failed", NULL);
	log_text(&line, "mailbox", q->user, q->user_len);
	log_text(&line, "client", q->client, q->client_len);
	log_text(&line, "service", q->service, q->service_len);
	if (q->app[0] != '\0')
		log_text(&line, "app", q->app, strlen(q->app));
	log_text(&line, "known", q->is_known ? "yes" : "no",
		q->is_known ? 3 : 2);
	log_end(&line);
}

/* The monitor logs every login; which password it was, auth alone knows. */
static void
log_app(struct question const *q)
{
	struct log_line line;

	log_begin(&line, "app-password", NULL);
	log_text(&line, "mailbox", q->user, q->user_len);
	log_text(&line, "client", q->client, q->client_len);
	log_text(&line, "service", q->service, q->service_len);
	log_text(&line, "app", q->app, strlen(q->app));
	log_end(&line);
}

static void
judge(struct question *q, enum request_verdict verdict)
{
	unsigned delay = 0;

	if (verdict == REQUEST_OK)
		throttle_succeeded(q->user, q->user_len);
	if (verdict == REQUEST_OK && q->app[0] != '\0')
		log_app(q);
	if (verdict == REQUEST_DENIED) {
		log_failure(q);
		delay = throttle_failed(q->user, q->user_len, q->client,
			q->client_len, (uint64_t)time(NULL), first_delay);
	}
	if (delay == 0)
		answer(q->peer, verdict, q);
	else if (q->peer >= 0)
		peers[q->peer].due = now_ms() + (uint64_t)delay * 1000;
	question_free(q);
}

static void
take_password(struct question *q, int fd, struct login_step const *step)
{
	if (!question_read(q, step->message, step->message_len, login_domain)) {
		judge(q, REQUEST_DENIED);
		return;
	}
	if (checkpassword == NULL) {
		if (!question_find_hash(q, peers[fd].table)) {
			judge(q, REQUEST_LATER);
			return;
		}
		if (remember_has(q, now_ms())) {
			judge(q, REQUEST_OK);
			return;
		}
	}
	q->state = QUESTION_WAITING;
}

static void
take_bearer(struct question *q, int fd, struct login_step const *step)
{
	int r = question_read_bearer(
		q, step->message, step->message_len, login_domain);

	peers[fd].is_bearer = true;
	if (r > 0)
		q->state = QUESTION_WAITING;
	else
		judge(q, r == 0 ? REQUEST_DENIED : REQUEST_LATER);
}

static void
take_question(struct question *q, int fd, struct login_step const *step,
	bool is_bearer)
{
	q->peer = fd;
	q->since = now_ms();
	q->child_fd = -1;
	question_set_client(q, peers[fd].client, peers[fd].client_len,
		peers[fd].service, peers[fd].service_len);
	if (is_bearer)
		take_bearer(q, fd, step);
	else
		take_password(q, fd, step);
}

/* One that a child judges. */
static void
take_secret(int fd, struct login_step const *step, bool is_bearer)
{
	size_t i = 0;

	while (i < QUESTIONS_MAX && questions[i].state != QUESTION_FREE)
		i++;
	if (i == QUESTIONS_MAX)
		answer(fd, REQUEST_LATER, NULL);
	else
		take_question(&questions[i], fd, step, is_bearer);
}

/* It is judged at once: the work is the client's. */
static void
take_exchange(int fd, struct login_step const *step)
{
	struct peer *p = &peers[fd];
	struct question q = {.peer = fd, .child_fd = -1};
	char challenge[LOGIN_CHALLENGE_MAX];
	size_t len = 0;
	enum request_verdict v;

	question_set_client(
		&q, p->client, p->client_len, p->service, p->service_len);
	v = exchange_step(&p->exchange, &q, step, p->table, login_domain,
		challenge, &len);
	if (v == REQUEST_GO_ON) {
		p->is_asking = false;
		go_on(fd, challenge, len);
		return;
	}
	exchange_end(&p->exchange);
	judge(&q, v);
}

static bool
is_mechanism(struct login_step const *step, char const *name)
{
	return step->mechanism_len == strlen(name) &&
	       memcmp(step->mechanism, name, step->mechanism_len) == 0;
}

/* False: there is no such mechanism, or nothing to go on with. With a
 * checkpassword program PLAIN alone is left: it wants the password itself. */
static bool
take_step(int fd, struct login_step const *step)
{
	struct peer *p = &peers[fd];
	bool was_denied = p->is_denied && step->mechanism_len == 0;
	bool is_bearer = checkpassword == NULL && oauth != NULL &&
			 is_mechanism(step, "OAUTHBEARER");

	p->is_denied = false;
	if (step->mechanism_len > 0)
		exchange_end(&p->exchange);
	else if (p->exchange == NULL && !was_denied)
		return false;
	if (step->message_len > LOGIN_MESSAGE_MAX && !is_bearer)
		return false;
	p->is_asking = true;
	if (was_denied)
		answer(fd, REQUEST_DENIED, NULL);
	else if (is_bearer || is_mechanism(step, "PLAIN"))
		take_secret(fd, step, is_bearer);
	else if (step->mechanism_len == 0 ||
		 (checkpassword == NULL && is_mechanism(step, "SCRAM-SHA-256")))
		take_exchange(fd, step);
	else
		return false;
	return true;
}

static void
hear_session(int fd)
{
	char frame[LOGIN_FRAME_MAX];
	struct login_step step;
	ssize_t n = pair_receive(fd, frame, sizeof frame, NULL, 0, NULL);

	if (n < 0 && errno == EAGAIN)
		return;
	/* One thing at a time; whoever breaks the form has no more to ask. */
	if (n <= 0 || peers[fd].is_asking ||
		!login_step_decode(frame, (size_t)n, &step) ||
		!take_step(fd, &step))
		drop_peer(fd);
	sodium_memzero(frame, sizeof frame);
}

/* Without its monitor nobody can be let in: its sessions end too. */
static void
hear_control(int fd)
{
	struct role_call call;
	struct peer *p;
	int r = role_take(fd, &call);

	if (r < 0)
		return;
	if (r == 0) {
		for (int i = 0; i < peers_end; i++)
			if (peers[i].kind == SESSION && peers[i].control == fd)
				drop_peer(i);
		drop_peer(fd);
		return;
	}
	if (!add_peer(call.pair, SESSION)) {
		close(call.table);
		return;
	}
	p = &peers[call.pair];
	p->control = fd;
	p->table = call.table;
	p->ticket = call.session.ticket;
	p->client_len = call.session.client_len;
	memcpy(p->client, call.session.client, p->client_len);
	p->service_len = call.session.service_len;
	memcpy(p->service, call.session.service, p->service_len);
}

static char const *
judge_of(struct question const *q)
{
	return q->token != NULL ? oauth : checkpassword;
}

static enum request_verdict
finish_child(struct question *q)
{
	char owner[VERIFY_OWNER_MAX];
	size_t len;
	enum request_verdict v = verify_finish(q, judge_of(q), owner, &len);

	running--;
	if (v == REQUEST_OK && q->token != NULL &&
		!question_set_owner(q, owner, len, login_domain))
		return REQUEST_DENIED;
	if (v == REQUEST_OK && judge_of(q) == NULL)
		remember_add(q, now_ms());
	return v;
}

static void
hear_child(int fd)
{
	struct question *q = peers[fd].question;

	(void)epoll_ctl(events, EPOLL_CTL_DEL, fd, NULL);
	peers[fd].kind = NOBODY;
	judge(q, finish_child(q));
}

static void
start_child(struct question *q)
{
	if (!verify_start(q, judge_of(q))) {
		judge(q, REQUEST_LATER);
		return;
	}
	q->state = QUESTION_RUNNING;
	running++;
	if (add_peer(q->child_fd, CHILD))
		peers[q->child_fd].question = q;
	else
		judge(q, finish_child(q));
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

/* Milliseconds until a late denial is due; those that are, go. */
static int
answer_due(void)
{
	uint64_t now = now_ms(), next = UINT64_MAX;

	for (int i = 0; i < peers_end; i++) {
		if (peers[i].due == 0)
			continue;
		if (peers[i].due <= now)
			answer(i, REQUEST_DENIED, NULL);
		else if (peers[i].due < next)
			next = peers[i].due;
	}
	return next == UINT64_MAX ? -1 : (int)(next - now);
}

static void
hear(int fd)
{
	int call;

	switch (peers[fd].kind) {
	case LISTENER:
		while ((call = role_accept(fd)) >= 0)
			(void)add_peer(call, CONTROL);
		break;
	case CONTROL:
		hear_control(fd);
		break;
	case SESSION:
		hear_session(fd);
		break;
	case CHILD:
		hear_child(fd);
		break;
	case NOBODY:
		break;
	}
}

static void
loop(void)
{
	struct epoll_event e[EVENTS_MAX];

	for (;;) {
		int timeout = answer_due();
		int n;

		start_waiting();
		n = epoll_wait(events, e, EVENTS_MAX, timeout);
		for (int i = 0; i < n; i++)
			hear(e[i].data.fd);
	}
}

/* What a program of others, which runs as we do, has put in its place is
 * not ours. */
static int
open_throttle(void)
{
	for (int tries = 0; tries < 2; tries++) {
		struct stat st;
		int fd = open("throttle",
			O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
			st.st_nlink == 1)
			return fd;
		if (fd >= 0)
			close(fd);
		(void)unlink("throttle");
	}
	return -1;
}

/* Its folder: the throttle's file, and where monitors call. */
static bool
open_home(void)
{
	int throttle = open_throttle(), listener;

	if (throttle < 0 || !throttle_open(throttle))
		return false;
	close(throttle);
	listener = role_listen("socket");
	return listener >= 0 && add_peer(listener, LISTENER);
}

static void
read_settings(struct table const *settings)
{
	checkpassword = settings_text(settings, "checkpassword");
	if (checkpassword != NULL && *checkpassword == '\0')
		checkpassword = NULL;
	oauth = settings_text(settings, "oauth");
	if (oauth != NULL && *oauth == '\0')
		oauth = NULL;
	login_domain = settings_text(settings, "login-domain");
	if (login_domain == NULL)
		login_domain = "";
	remember_init(settings_number(settings, "auth-cache", 60) * 1000);
	first_delay = (unsigned)settings_number(settings, "auth-delay", 1);
}

int
main(int argc, char const *const *argv)
{
	struct sandbox sandbox = {.filter = SANDBOX_AUTH,
		.files = PEERS_MAX * 2,
		.may_fork = true,
		.may_write = true};
	static struct table settings;
	struct role_options options;
	struct rlimit limit;

	log_open("auth");
	if (!role_options(&options, argc, argv))
		return 100;
	events = epoll_create1(EPOLL_CLOEXEC);
	if (getuid() == 0 || events < 0 || sodium_init() < 0 ||
		!role_enter(options.tables, "auth", &settings) ||
		!open_home()) {
		log_error("not-started", NULL, "tables", options.tables,
			(char *)0);
		return 111;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	read_settings(&settings);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
		limit.rlim_max < sandbox.files)
		sandbox.files = (unsigned)limit.rlim_max;
	/* Such a program has needs that we can't know. */
	if (checkpassword == NULL && oauth == NULL)
		sandbox_enter_or_exit(&sandbox);
	role_ready(&options);
	loop();
	return 0;
}
