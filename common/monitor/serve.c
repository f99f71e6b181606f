/* What becomes of the monitor's sessions, from accept to the front's end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/settings.h"
#include "common/monitor/request.h"
#include "common/monitor/serve.h"
#include "common/monitor/session.h"
#include "common/monitor/sign.h"

#define STOP_SECONDS 9
/* The descriptor by which the run script holds its service's lock. */
#define LOCK_FD 4
#define REST_MS 20

/* What an event is about: its kind, and a session's place or a role. */
enum kind { SIGNALS, LISTENER, LISTENER_TLS, ROLE, PAIR, STATUS, ATTACH };

static struct house *house;
static int epoll_fd, spare_fd;
static int pairs[ROLES] = {-1, -1, -1, -1, -1};
static time_t started[ROLES];
static char const *const role_names[ROLES] = {
	"front", "front of listed networks", "auth", "check", "policy"};
static bool is_stopping;
static int listeners[SERVE_LISTENERS_MAX], signals = -1;
static size_t listener_count, clear_count;

static bool
watch(int fd, enum kind kind, size_t place)
{
	struct epoll_event e = {.events = EPOLLIN,
		.data.u64 = (uint64_t)kind << 56 | (uint64_t)fd << 24 | place};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) == 0)
		return true;
	log_error("no-watch", NULL, (char *)0);
	return false;
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
	log_event(event, NULL, "service", house->service->name, "client",
		s->client.text, s->mailbox[0] == '\0' ? NULL : "mailbox",
		s->mailbox, (char *)0);
}

static void
drop_pipes(struct session *s)
{
	unwatch(&s->status);
	for (int i = 0; i < 2; i++) {
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
}

/* What has become of a login. */
static void
answer(struct session *s, enum request_verdict verdict)
{
	char octet = (char)verdict;

	if (!pair_send(s->pair, &octet, 1, s->pipes,
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
	len = sign_hash(s->keys, r->key_index, r->key_type, r->algorithm,
		r->hash, r->hash_len, signature);
	len = request_signature_encode(frame, sizeof frame, signature, len);
	return pair_send(s->pair, frame, len, NULL, 0);
}

/* Whoever is not there is started, or called; a template that can't stay is not
 * started twice in a second. */
static int
pair_of(enum role role)
{
	time_t now = time(NULL);

	if (pairs[role] >= 0 || is_stopping ||
		(role < ROLE_AUTH && now == started[role]))
		return pairs[role];
	started[role] = now;
	pairs[role] = start_role(house, role);
	if (pairs[role] >= 0 && !watch(pairs[role], ROLE, role))
		unwatch(&pairs[role]);
	return pairs[role];
}

static bool
tell_template(struct session const *s, enum template_kind kind)
{
	char frame[REQUEST_FRAME_MAX];
	size_t len = template_encode(
		frame, sizeof frame, kind, session_ticket(s), false, 0, "");

	return pair_send(pairs[s->template], frame, len, NULL, 0);
}

static int
open_session(struct session const *s, enum role role)
{
	if (pair_of(role) < 0)
		return -1;
	return start_session(house, pairs[role], session_ticket(s), &s->client,
		s->mailbox,
		role == ROLE_AUTH ? "passwords.cdb" : "settings.cdb");
}

static bool
open_for_front(struct session *s, enum request_kind kind)
{
	enum role role = kind == REQUEST_AUTH	 ? ROLE_AUTH
			 : kind == REQUEST_CHECK ? ROLE_CHECK
						 : ROLE_POLICY;
	char octet;
	bool sent;
	int fd;

	if (s->opens++ >= REQUEST_OPENS_MAX ||
		(role == ROLE_AUTH && house->service->mailbox == NULL))
		return false;
	fd = open_session(s, role);
	octet = fd < 0 ? REQUEST_LATER : REQUEST_OK;
	sent = pair_send(s->pair, &octet, 1, &fd, fd >= 0);
	close(fd);
	return sent;
}

/* Connections at once of one client. */
static uint64_t
most(void)
{
	return settings_number(
		&house->settings, "connections-per-address", 100);
}

/* A balancer's word on who the client is: that one counts from now on. It takes
 * the place of a session with others, so that it is not said twice. */
static bool
take_peer(struct session *s, struct request const *r)
{
	char octet = REQUEST_OK;
	struct session *greedy;

	if (s->signs + s->opens++ > 0 ||
		!client_is_listed(&house->networks, "proxy", &s->client))
		return false;
	client_set(&s->client, r->hash);
	(void)session_place(&s->client, 0, &s->rank, &greedy);
	/* It was counted itself. */
	if (--s->rank > most()) {
		log_client("too-many", s);
		octet = REQUEST_LATER;
	}
	return pair_send(s->pair, &octet, 1, NULL, 0);
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
	if (n > 0 && request_decode(frame, (size_t)n, &r))
		ok = r.kind == REQUEST_SIGN   ? sign(s, &r)
		     : r.kind == REQUEST_PEER ? take_peer(s, &r)
					      : open_for_front(s, r.kind);
	if (!ok && n != 0) {
		log_client("bad-request", s);
		(void)tell_template(s, TEMPLATE_KILL);
	}
	if (!ok)
		hang_up(s);
}

/* smtpd can't ask for its sessions after login: it gets those that the settings
 * want at its start. */
static int
open_if_set(struct session const *s, char const *setting, enum role role)
{
	return house->service->mailbox_drops &&
			       settings_number(&house->settings, setting, 0) > 0
		       ? open_session(s, role)
		       : -1;
}

static void
start_program(struct session *s)
{
	int ends[2];
	int asked[2] = {open_if_set(s, "policy-login", ROLE_POLICY),
		open_if_set(s, "check-login", ROLE_CHECK)};

	s->programs[0] = -1;
	unwatch(&s->attach);
	if (house->service->attaches && pair_make(ends, true)) {
		s->attach = ends[0];
		asked[0] = ends[1];
		(void)watch(s->attach, ATTACH, (size_t)(s - sessions.list));
	}
	if (table_refresh(&house->users, house->tables_fd, "users.cdb"))
		s->programs[0] = start_mailbox(house, s->mailbox, NULL,
			&s->client, asked, s->pipes, &s->status);
	close(asked[0]);
	close(asked[1]);
	if (s->programs[0] < 0)
		log_error("no-mailbox", NULL, "client", s->client.text,
			(char *)0);
	if (s->programs[0] < 0 ||
		!watch(s->status, STATUS, (size_t)(s - sessions.list)))
		answer(s, REQUEST_LATER);
}

/* The mailbox program asks for that of a shared mailbox, for its user. Whether
 * that runs is not waited for: if not, its pipes end. */
static void
hear_attach(struct session *s)
{
	static int const none[2] = {-1, -1};
	char frame[REQUEST_FRAME_MAX], octet = REQUEST_LATER;
	ssize_t n =
		pair_receive(s->attach, frame, sizeof frame - 1, NULL, 0, NULL);
	int pipes[2], status;
	char const *mailbox;
	uint32_t number;
	size_t len, i = 1;
	pid_t pid = -1;
	bool sent;

	if (n < 0 && errno == EAGAIN)
		return;
	while (i <= SESSION_ATTACHED_MAX && s->programs[i] > 0)
		i++;
	sent = n > 0 &&
	       request_admit_decode(frame, (size_t)n, &number, &mailbox, &len);
	if (sent && i <= SESSION_ATTACHED_MAX &&
		table_refresh(&house->users, house->tables_fd, "users.cdb")) {
		/* It is the frame's last field. */
		frame[n] = '\0';
		pid = start_mailbox(house, mailbox, s->mailbox, &s->client,
			none, pipes, &status);
	}
	if (pid > 0) {
		s->programs[i] = pid;
		octet = REQUEST_OK;
		close(status);
	}
	sent = sent && pair_send(s->attach, &octet, 1, pipes, pid > 0 ? 2 : 0);
	for (i = 0; pid > 0 && i < 2; i++)
		close(pipes[i]);
	if (!sent)
		unwatch(&s->attach);
}

/* False: auth does not keep to the form. */
static bool
hear_auth(char const *frame, size_t n)
{
	char const *mailbox;
	struct session *s;
	uint32_t ticket;
	size_t len;

	if (!request_admit_decode(frame, n, &ticket, &mailbox, &len))
		return false;
	s = session_of(ticket);
	if (s != NULL && s->pair >= 0 && s->status < 0) {
		memcpy(s->mailbox, mailbox, len);
		s->mailbox[len] = '\0';
		start_program(s);
	}
	return true;
}

static void
forget(struct session *s)
{
	hang_up(s);
	unwatch(&s->attach);
	session_free(s);
}

/* False: the template does not keep to the form. */
static bool
hear_template(char const *frame, size_t n)
{
	struct template_order o;
	struct session *s;

	if (!template_decode(frame, n, &o))
		return false;
	s = session_of(o.ticket);
	if (s != NULL)
		forget(s);
	return true;
}

static void
hear_role(enum role role)
{
	char frame[REQUEST_FRAME_MAX];
	ssize_t n =
		pair_receive(pairs[role], frame, sizeof frame, NULL, 0, NULL);

	if (n < 0 && errno == EAGAIN)
		return;
	/* check and policy have nothing to say: auth alone lets anybody in. */
	if (n > 0 && role <= ROLE_AUTH &&
		(role == ROLE_AUTH ? hear_auth(frame, (size_t)n)
				   : hear_template(frame, (size_t)n)))
		return;
	log_event("lost", NULL, "role", role_names[role], (char *)0);
	unwatch(&pairs[role]);
	/* Nobody will tell us when a lost template's fronts end. */
	for (size_t i = sessions.top; i-- > 0;)
		if (sessions.list[i].is_used &&
			sessions.list[i].template == role)
			forget(&sessions.list[i]);
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
	struct client const *client, size_t rank)
{
	session_clear(s, client, rank);
	/* A table that can't be had just now leaves the last one in force. */
	if (!table_refresh(
		    &house->settings, house->tables_fd, "settings.cdb") ||
		!table_refresh(
			&house->networks, house->tables_fd, "networks.cdb"))
		log_error("stale-table", NULL, (char *)0);
	s->template =
		house->service->drops &&
				client_is_listed(&house->networks, "", client)
			? ROLE_LISTED
			: ROLE_FRONT;
	if (pair_of(s->template) >= 0)
		s->pair = start_front(house, pairs[s->template],
			session_ticket(s), socket_fd, implicit_tls, client,
			&s->keys);
	if (s->pair < 0) {
		log_error("no-front", NULL, "client", client->text, (char *)0);
		return false;
	}
	session_use(s);
	/* Who is not heard must not wait for an answer. */
	if (!watch(s->pair, PAIR, (size_t)(s - sessions.list)))
		hang_up(s);
	return true;
}

/* When all places are taken, whoever has most of them gives one up. */
static struct session *
find_place(struct client const *client, size_t *rank_r)
{
	struct session *greedy;
	/* A balancer's connections are soon counted as those of others. */
	bool is_balancer = client_is_listed(&house->networks, "proxy", client);
	struct session *place = session_place(
		client, is_balancer ? UINT64_MAX : most(), rank_r, &greedy);

	if (greedy != NULL) {
		log_client("evicted", greedy);
		greedy->rank = 0;
		if (!tell_template(greedy, TEMPLATE_KILL))
			return NULL;
	}
	return place;
}

/* One too many is told so, if it can be done at once. */
static void
refuse(int fd, bool implicit_tls)
{
	if (!implicit_tls)
		(void)send(fd, house->service->busy,
			strlen(house->service->busy),
			MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Without a descriptor left the spare one serves to send the client away: else
 * it would wait, and the listener would wake us for ever. */
static int
accept_with_spare(int listener, bool implicit_tls)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0 || errno == EAGAIN || errno == ECONNABORTED)
		return fd;
	log_error("no-descriptor", NULL, (char *)0);
	close(spare_fd);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		refuse(fd, implicit_tls);
	else /* Nobody was sent away: not again at once. */
		(void)poll(NULL, 0, REST_MS);
	close(fd);
	spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return -1;
}

static void
accept_client(int listener, bool implicit_tls)
{
	struct client client;
	struct session *s;
	size_t rank;
	int fd = accept_with_spare(listener, implicit_tls);

	if (fd < 0)
		return;
	if (client_of(fd, &client)) {
		s = find_place(&client, &rank);
		if (s == NULL)
			log_event("too-many", NULL, "client", client.text,
				(char *)0);
		if (s == NULL || !begin(s, fd, implicit_tls, &client, rank))
			refuse(fd, implicit_tls);
	}
	close(fd);
}

static void
reap(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (size_t i = 0; i < sessions.top; i++) {
			struct session *s = &sessions.list[i];
			for (size_t k = 0; k <= SESSION_ATTACHED_MAX; k++)
				if (s->programs[k] == pid)
					s->programs[k] = 0;
		}
}

/* After login the mailbox program is told: it can finish what it does and say
 * goodbye, and its front then ends with it. Those that took too long lose their
 * front. */
static void
tell_all(bool is_late)
{
	for (size_t i = 0; i < sessions.top; i++) {
		struct session *s = &sessions.list[i];
		if (s->is_used && s->programs[0] > 0 && !is_late)
			(void)kill(s->programs[0], SIGTERM);
		else if (s->is_used)
			(void)tell_template(s, TEMPLATE_TERM);
	}
}

static void
stop(void)
{
	is_stopping = true;
	for (size_t i = 0; i < listener_count; i++)
		unwatch(&listeners[i]);
	listener_count = 0;
	tell_all(false);
	alarm(STOP_SECONDS);
}

/* They are this process's, and of the set as long as they are: a child of ours
 * has to open its own. */
static bool
open_signals(void)
{
	sigset_t set;

	unwatch(&signals);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGALRM);
	sigaddset(&set, SIGHUP);
	signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return signal(SIGPIPE, SIG_IGN) != SIG_ERR &&
	       sigprocmask(SIG_BLOCK, &set, NULL) == 0 && signals >= 0 &&
	       watch(signals, SIGNALS, 0);
}

/*
 * The program that is installed now takes the place of this one, under the same
 * pid, with the listeners: no client is refused. A child goes on with those
 * that are here, until they are gone or the new one is; what ran for them are
 * no children of its own, so that it hears of their end from the templates
 * alone.
 */
static void
renew(void)
{
	pid_t pid = fork();

	for (size_t i = 0; i < listener_count && pid >= 0; i++)
		if (pid > 0)
			(void)dup2(listeners[i], serve_kept(i, clear_count));
		else
			unwatch(&listeners[i]);
	if (pid > 0) {
		(void)execv(house->argv[0], house->argv);
		_exit(111);
	}
	if (pid < 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)dup2(house->null_fd, LOCK_FD);
	listener_count = 0;
	(void)open_signals();
}

static void
hear_signals(void)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGALRM) {
			tell_all(true);
			_exit(0);
		}
		if (info.ssi_signo == SIGTERM && !is_stopping)
			stop();
		if (info.ssi_signo == SIGHUP && listener_count > 0)
			renew();
	}
	reap();
}

/* Events of what is open no more are nobody's. */
static void
act(uint64_t what)
{
	static struct {
		size_t fd_at;
		void (*hear)(struct session *s);
	} const of[] = {[PAIR] = {offsetof(struct session, pair), hear_front},
		[STATUS] = {offsetof(struct session, status), hear_status},
		[ATTACH] = {offsetof(struct session, attach), hear_attach}};
	enum kind kind = (enum kind)(what >> 56);
	int fd = (int)(what >> 24 & UINT32_MAX);
	struct session *s = &sessions.list[what & 0xffffff];

	if (kind == SIGNALS)
		hear_signals();
	else if (kind <= LISTENER_TLS && listener_count > 0)
		accept_client(fd, kind == LISTENER_TLS);
	else if (kind == ROLE && pairs[what & 0xff] == fd)
		hear_role((enum role)(what & 0xff));
	else if (kind > ROLE && *(int *)((char *)s + of[kind].fd_at) == fd)
		of[kind].hear(s);
}

bool
serve_prepare(
	struct house *h, size_t max, int const *fds, size_t clear, size_t count)
{
	house = h;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (!session_prepare(max) || epoll_fd < 0 || spare_fd < 0 ||
		!open_signals())
		return false;
	for (size_t i = 0; i < count; i++) {
		listeners[i] = fds[i];
		if (!watch(fds[i], i < clear ? LISTENER : LISTENER_TLS, 0))
			return false;
	}
	listener_count = count;
	clear_count = clear;
	return true;
}

void
serve_one(struct client const *client, int socket_fd, bool implicit_tls)
{
	if (!begin(&sessions.list[0], socket_fd, implicit_tls, client, 1))
		refuse(socket_fd, implicit_tls);
}

void
serve_loop(void)
{
	struct epoll_event events[64];

	(void)pair_of(ROLE_FRONT);
	while (sessions.count > 0 || listener_count > 0) {
		int n = epoll_wait(epoll_fd, events, 64, -1);
		for (int i = 0; i < n; i++)
			act(events[i].data.u64);
	}
}
