/*
 * monitor - the root half of a network service
 *
 * Starts a front for each client, signs TLS handshakes for it, has auth judge
 * its logins, and starts the mailbox program under the mailbox's uid. Parses
 * nothing but the fixed-form requests of its own children and root's own
 * tables; never reads an octet of a client's. See monitor(8).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include <skalibs/types.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "common/monitor/front.h"
#include "common/monitor/service.h"
#include "common/monitor/sign.h"

#define USAGE                                                                  \
	"usage: monitor [-t TABLES] [-d FD] [-l] [-T] smtp|submit|pop3|imap\n"
#define SESSIONS_MAX 16384
#define LISTENERS_MAX 16
#define STOP_SECONDS 10

static struct service const services[] = {
	{"smtp", "smtpd", NULL, "uid-smtpd", "listen-smtp", NULL, true, false,
		"421 4.7.0 Too many connections, try again later\r\n"},
	{"submit", "submit-front", "smtpd", "uid-submit", "listen-submit",
		"listen-submits", false, true,
		"421 4.7.0 Too many connections, try again later\r\n"},
	{"pop3", "pop3-front", "pop3d", "uid-pop3d", "listen-pop3",
		"listen-pop3s", false, false,
		"-ERR [SYS/TEMP] Too many connections\r\n"},
	{"imap", "imap-front", "imapd", "uid-imapd", "listen-imap",
		"listen-imaps", false, false,
		"* BYE [UNAVAILABLE] Too many connections\r\n"},
};

/* A client, from accept until its front has been reaped. */
struct session {
	pid_t front;	     /* 0: this place is free */
	int pair;	     /* to the front; -1 once it has no more to ask */
	int status;	     /* of a mailbox program on its way; else -1 */
	int pipes[2];	     /* kept for the front until then */
	bool is_asking;	     /* auth has its question */
	uint8_t signs;	     /* signatures given */
	uint16_t generation; /* so that a late answer finds nobody */
	struct client client;
	size_t mailbox_len;
	char mailbox[REQUEST_MAILBOX_MAX];
};

/* What an event is about: its kind, and a session's place. */
enum kind { SIGNALS, LISTENER, LISTENER_TLS, AUTH, PAIR, STATUS };

static struct house house;
static struct session *sessions;
static size_t session_max, session_count;
static int epoll_fd, auth_pair = -1, spare_fd;
static time_t auth_started;
static bool is_stopping;

static void
watch(int fd, enum kind kind, size_t place)
{
	struct epoll_event e = {.events = EPOLLIN,
		.data.u64 = (uint64_t)kind << 56 | (uint64_t)fd << 24 | place};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
		log_error("no-watch", NULL, (char *)0);
}

/* A child that has not exec'd yet keeps the description open: a mere close
 * would leave it in the set, and its events would reach another session. */
static void
unwatch(int *fd)
{
	if (*fd >= 0) {
		(void)epoll_ctl(epoll_fd, EPOLL_CTL_DEL, *fd, NULL);
		close(*fd);
	}
	*fd = -1;
}

static void
log_client(char const *event, struct session const *s)
{
	struct log_line line;

	log_begin(&line, event, NULL);
	log_text(&line, "service", house.service->name,
		strlen(house.service->name));
	log_text(&line, "client", s->client.text, strlen(s->client.text));
	if (s->mailbox_len > 0)
		log_text(&line, "mailbox", s->mailbox, s->mailbox_len);
	log_number(&line, "front", (uint64_t)s->front);
	log_end(&line);
}

static void
drop_pipes(struct session *s)
{
	unwatch(&s->status);
	for (int i = 0; i < 2; i++) {
		if (s->pipes[i] >= 0)
			close(s->pipes[i]);
		s->pipes[i] = -1;
	}
}

/* The front gets no more answers; one that still wants some ends itself. */
static void
hang_up(struct session *s)
{
	unwatch(&s->pair);
	drop_pipes(s);
	s->is_asking = false;
}

static void
answer(struct session *s, enum request_verdict verdict)
{
	char frame[REQUEST_FRAME_MAX];
	size_t len = request_verdict_encode(frame, sizeof frame, verdict,
		s->mailbox, verdict == REQUEST_OK ? s->mailbox_len : 0);

	s->is_asking = false;
	if (!pair_send(s->pair, frame, len, s->pipes,
		    verdict == REQUEST_OK ? 2 : 0) ||
		verdict == REQUEST_OK)
		hang_up(s);
	else
		drop_pipes(s);
}

static bool
sign(struct session *s, struct request const *r)
{
	unsigned char signature[REQUEST_SIGNATURE_MAX];
	char frame[REQUEST_FRAME_MAX];
	size_t len;

	if (s->signs++ >= REQUEST_SIGNS_MAX)
		return false;
	len = sign_hash(r->key_index, r->key_type, r->algorithm, r->data,
		r->data_len, signature);
	len = request_signature_encode(frame, sizeof frame, signature, len);
	return pair_send(s->pair, frame, len, NULL, 0);
}

/* auth is told nothing but the message, and handed the password table as it
 * is now. */
static void
ask_auth(struct session *s, struct request const *r)
{
	char frame[REQUEST_FRAME_MAX];
	struct auth_question q = {
		.ticket = (uint32_t)(s - sessions) << 16 | s->generation,
		.client = s->client.text,
		.client_len = strlen(s->client.text),
		.service = house.service->name,
		.service_len = strlen(house.service->name),
		.sasl = r->data,
		.sasl_len = r->data_len};
	size_t len = auth_question_encode(frame, sizeof frame, &q);
	int fd = openat(house.tables_fd, "passwords.cdb",
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || auth_pair < 0 || len == 0 ||
		!pair_send(auth_pair, frame, len, &fd, 1))
		answer(s, REQUEST_LATER);
	else
		s->is_asking = true;
	if (fd >= 0)
		close(fd);
	explicit_bzero(frame, sizeof frame);
}

static void
hear_front(struct session *s)
{
	char frame[REQUEST_FRAME_MAX];
	struct request r;
	ssize_t n = pair_receive(s->pair, frame, sizeof frame, NULL, 0, NULL);
	bool ok = false;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0 && request_decode(frame, (size_t)n, &r)) {
		if (r.kind == REQUEST_SIGN)
			ok = sign(s, &r);
		else if (house.service->mailbox != NULL && !s->is_asking &&
			 s->status < 0) {
			ask_auth(s, &r);
			ok = true;
		}
	}
	if (!ok && n != 0) {
		log_client("bad-request", s);
		(void)kill(s->front, SIGKILL);
	}
	if (!ok)
		hang_up(s);
	explicit_bzero(frame, sizeof frame);
}

static void
hear_auth(void)
{
	char frame[REQUEST_FRAME_MAX];
	enum request_verdict verdict;
	char const *mailbox;
	size_t len;
	uint32_t ticket;
	ssize_t n = pair_receive(auth_pair, frame, sizeof frame, NULL, 0, NULL);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || !auth_answer_decode(frame, (size_t)n, &ticket, &verdict,
			      &mailbox, &len)) {
		/* Whoever waits for it hears "later". */
		log_event("lost-auth", NULL, (char *)0);
		unwatch(&auth_pair);
		for (size_t i = 0; i < session_max; i++)
			if (sessions[i].front > 0 && sessions[i].is_asking)
				answer(&sessions[i], REQUEST_LATER);
		return;
	}
	struct session *s = &sessions[(ticket >> 16) % session_max];
	if (s->front == 0 || !s->is_asking ||
		s->generation != (ticket & UINT16_MAX))
		return;
	s->is_asking = false;
	if (verdict != REQUEST_OK) {
		answer(s, verdict);
		return;
	}
	memcpy(s->mailbox, mailbox, len);
	s->mailbox_len = len;
	if (!table_refresh(&house.users, house.tables_fd, "users.cdb") ||
		!start_mailbox(&house, mailbox, len, &s->client, s->pipes,
			&s->status)) {
		log_error("no-mailbox", NULL, "client", s->client.text,
			(char *)0);
		answer(s, REQUEST_LATER);
		return;
	}
	watch(s->status, STATUS, (size_t)(s - sessions));
}

/* The mailbox program runs (end without an octet), or could not be started. */
static void
hear_status(struct session *s)
{
	char octet;
	ssize_t n = read(s->status, &octet, 1);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	unwatch(&s->status);
	if (n == 0)
		log_client("login", s);
	answer(s, n == 0 ? REQUEST_OK : REQUEST_LATER);
}

/* False: no front could be started. */
static bool
begin(struct session *s, int socket_fd, bool implicit_tls,
	struct client const *client)
{
	struct session fresh = {.pair = -1,
		.status = -1,
		.pipes = {-1, -1},
		.generation = (uint16_t)(s->generation + 1),
		.client = *client};

	*s = fresh;
	/* A table that can't be had just now leaves the last one in force. */
	if (!table_refresh(&house.settings, house.tables_fd, "settings.cdb") ||
		!table_refresh(
			&house.networks, house.tables_fd, "networks.cdb") ||
		!sign_refresh(house.tables_fd))
		log_error("stale-table", NULL, (char *)0);
	s->front =
		start_front(&house, socket_fd, implicit_tls, client, &s->pair);
	if (s->front < 0) {
		log_error("no-front", NULL, "client", client->text, (char *)0);
		s->front = 0;
		return false;
	}
	session_count++;
	watch(s->pair, PAIR, (size_t)(s - sessions));
	return true;
}

/* A free place for the client, unless there are too many already. */
static struct session *
find_place(struct client const *client)
{
	struct session *place = NULL;
	uint64_t same = 0;
	uint64_t most = settings_number(
		&house.settings, "connections-per-address", 100);

	for (size_t i = 0; i < session_max; i++) {
		if (sessions[i].front == 0)
			place = &sessions[i];
		else if (client_same(&sessions[i].client, client))
			same++;
	}
	return same < most ? place : NULL;
}

/* One too many is told so, if it can be done at once. */
static void
refuse(int fd, bool implicit_tls)
{
	if (!implicit_tls)
		(void)send(fd, house.service->busy, strlen(house.service->busy),
			MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Without a descriptor left the spare one serves to send the client away: else
 * it would wait, and the listener would wake us for ever. */
static int
accept_with_spare(int listener, bool implicit_tls)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0 || (errno != EMFILE && errno != ENFILE) || spare_fd < 0)
		return fd;
	log_error("no-descriptor", NULL, (char *)0);
	close(spare_fd);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		refuse(fd, implicit_tls);
		close(fd);
	}
	spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return -1;
}

static void
accept_client(int listener, bool implicit_tls)
{
	struct client client;
	struct session *s;
	int fd = accept_with_spare(listener, implicit_tls);

	if (fd < 0)
		return;
	if (client_of(fd, &client)) {
		s = find_place(&client);
		if (s == NULL)
			log_event("too-many", NULL, "client", client.text,
				(char *)0);
		if (s == NULL || !begin(s, fd, implicit_tls, &client))
			refuse(fd, implicit_tls);
	}
	close(fd);
}

static void
reap(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (size_t i = 0; i < session_max; i++)
			if (sessions[i].front == pid) {
				hang_up(&sessions[i]);
				sessions[i].front = 0;
				session_count--;
			}
}

static void
stop(int *listeners, size_t count)
{
	is_stopping = true;
	for (size_t i = 0; i < count; i++)
		unwatch(&listeners[i]);
	for (size_t i = 0; i < session_max; i++)
		if (sessions[i].front > 0)
			(void)kill(sessions[i].front, SIGTERM);
	alarm(STOP_SECONDS);
}

static void
keep_auth(void)
{
	time_t now = time(NULL);

	if (house.service->mailbox == NULL || auth_pair >= 0 || is_stopping ||
		now == auth_started)
		return;
	auth_started = now;
	auth_pair = start_auth(&house);
	if (auth_pair >= 0)
		watch(auth_pair, AUTH, 0);
}

static void
act(uint64_t what, int signals, int *listeners, size_t count)
{
	struct signalfd_siginfo info;
	int fd = (int)(what >> 24 & UINT32_MAX);
	struct session *s = &sessions[what & 0xffffff];

	switch ((enum kind)(what >> 56)) {
	case SIGNALS:
		while (read(signals, &info, sizeof info) == sizeof info) {
			if (info.ssi_signo == SIGALRM)
				_exit(0);
			if (info.ssi_signo == SIGTERM && !is_stopping)
				stop(listeners, count);
		}
		reap();
		break;
	case LISTENER:
	case LISTENER_TLS:
		if (!is_stopping)
			accept_client(fd, what >> 56 == LISTENER_TLS);
		break;
	case AUTH:
		if (auth_pair == fd)
			hear_auth();
		break;
	case PAIR:
		if (s->pair == fd)
			hear_front(s);
		break;
	case STATUS:
		if (s->status == fd)
			hear_status(s);
		break;
	}
}

/* Until told to stop and all clients are gone; or, for one, until it is. */
static void
loop(int signals, int *listeners, size_t count)
{
	struct epoll_event events[64];

	while (session_count > 0 || (count > 0 && !is_stopping)) {
		int n = epoll_wait(
			epoll_fd, events, 64, auth_pair < 0 ? 1000 : -1);
		for (int i = 0; i < n; i++)
			act(events[i].data.u64, signals, listeners, count);
		keep_auth();
	}
}

static int
open_folder(int at, char const *path)
{
	return openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
open_program(int libexec, char const *name)
{
	return openat(libexec, name, O_PATH | O_CLOEXEC);
}

/* False: errno says why something is missing. */
static bool
open_house(char const *tables)
{
	struct service const *s = house.service;
	char const *path;
	int state, libexec;

	house.tables_fd = open_folder(AT_FDCWD, tables);
	if (house.tables_fd < 0 ||
		!table_refresh(
			&house.settings, house.tables_fd, "settings.cdb") ||
		!table_refresh(&house.users, house.tables_fd, "users.cdb") ||
		!table_refresh(
			&house.networks, house.tables_fd, "networks.cdb"))
		return false;
	errno = ENOENT;
	if ((path = settings_text(&house.settings, "state")) == NULL ||
		(state = open_folder(AT_FDCWD, path)) < 0 ||
		(path = settings_text(&house.settings, "libexec")) == NULL ||
		(libexec = open_folder(AT_FDCWD, path)) < 0)
		return false;
	house.queue_fd = open_folder(state, "queue");
	house.empty_fd = open_folder(state, "empty");
	house.tmp_fd = open_folder(house.queue_fd, "tmp");
	house.new_fd = open_folder(house.queue_fd, "new");
	house.front_fd = open_program(libexec, s->front);
	house.auth_fd = open_program(libexec, "auth");
	house.mailbox_fd = s->mailbox == NULL
				   ? house.auth_fd
				   : open_program(libexec, s->mailbox);
	house.throttle_fd = openat(state, "auth/throttle",
		O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	close(libexec);
	close(state);
	return house.empty_fd >= 0 && house.tmp_fd >= 0 && house.new_fd >= 0 &&
	       house.front_fd >= 0 && house.auth_fd >= 0 &&
	       house.mailbox_fd >= 0 && house.throttle_fd >= 0;
}

/* The numbers that children get are kept free of what we open ourselves. */
static bool
reserve_descriptors(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	while (null >= 0 && null <= FRONT_RECIPIENTS_FD)
		null = fcntl(null, F_DUPFD_CLOEXEC, null <= 2 ? 0 : null + 1);
	return null >= 0;
}

static int
open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGALRM);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
		sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

struct options {
	char const *tables;
	bool listens, implicit_tls;
	int ready_fd;
};

static bool
parse_options(int argc, char const *const *argv, struct options *o)
{
	subgetopt l = SUBGETOPT_ZERO;
	unsigned n;
	int opt;

	while ((opt = subgetopt_r(argc, argv, "t:d:lT", &l)) >= 0) {
		if (opt == 't')
			o->tables = l.arg;
		else if (opt == 'l')
			o->listens = true;
		else if (opt == 'T')
			o->implicit_tls = true;
		else if (opt == 'd' && uint0_scan(l.arg, &n) && n < 1024)
			o->ready_fd = (int)n;
		else
			return false;
	}
	for (size_t i = 0; argc == l.ind + 1 && i < 4; i++)
		if (strcmp(argv[l.ind], services[i].name) == 0)
			house.service = &services[i];
	return house.service != NULL;
}

/* inetd makes the client's socket standard error too: log lines go to the
 * system's log instead, a datagram each, or nowhere. */
static bool
spare_the_client(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	struct stat socket_st, log_st;
	int fd;

	if (fstat(0, &socket_st) < 0 || fstat(2, &log_st) < 0 ||
		socket_st.st_ino != log_st.st_ino ||
		socket_st.st_dev != log_st.st_dev)
		return true;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return fd >= 0 && dup2(fd, 2) == 2;
}

static int
fail(char const *what)
{
	log_error("not-started", NULL, "what", what, (char *)0);
	return 111;
}

int
main(int argc, char const *const *argv)
{
	struct options o = {.tables = "/var/lib/kereru/tables", .ready_fd = -1};
	struct sandbox sandbox = {
		.filter = SANDBOX_MONITOR, .may_fork = true, .may_write = true};
	struct client client;
	int listeners[LISTENERS_MAX], signals;
	size_t count = 0, clear;

	if (!spare_the_client())
		return 111;
	log_open("monitor");
	if (!parse_options(argc, argv, &o)) {
		(void)!write(2, USAGE, sizeof USAGE - 1);
		return 100;
	}
	if (o.ready_fd >= 0)
		o.ready_fd = fcntl(o.ready_fd, F_DUPFD_CLOEXEC, 16);
	if (!reserve_descriptors() || !open_house(o.tables))
		return fail(o.tables);
	session_max = o.listens ? settings_number(&house.settings,
					  "connections-max", 1000)
				: 1;
	if (session_max < 1 || session_max > SESSIONS_MAX)
		session_max = SESSIONS_MAX;
	sessions = calloc(session_max, sizeof *sessions);
	signals = open_signals();
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (sessions == NULL || signals < 0 || epoll_fd < 0)
		return fail("events");
	watch(signals, SIGNALS, 0);
	spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	/* A session has its pair, and for a moment two pipes and a status. */
	sandbox.files = (unsigned)(session_max * 4 + 128);
	if (o.listens) {
		if (!listen_on(settings_text(
				       &house.settings, house.service->listen),
			    listeners, LISTENERS_MAX, &count))
			return 111;
		clear = count;
		if (house.service->listen_tls != NULL &&
			!listen_on(settings_text(&house.settings,
					   house.service->listen_tls),
				listeners, LISTENERS_MAX, &count))
			return 111;
		for (size_t i = 0; i < count; i++)
			watch(listeners[i], i < clear ? LISTENER : LISTENER_TLS,
				0);
	} else if (!client_of(0, &client)) {
		return fail("client");
	}
	sandbox_enter_or_exit(&sandbox);
	keep_auth();
	if (!o.listens && !begin(&sessions[0], 0, o.implicit_tls, &client))
		refuse(0, o.implicit_tls);
	if (o.ready_fd >= 0) {
		(void)!write(o.ready_fd, "\n", 1);
		close(o.ready_fd);
	}
	loop(signals, listeners, count);
	return 0;
}
