/*
 * sts - other domains' TLS policies (MTA-STS), and counts for TLS reports
 *
 * A service under its own uid that deliveries to other hosts call on a socket.
 * Fetches by HTTPS in a process for each domain; keeps what it got on disk, and
 * answers out of that. Trusts its settings alone; may write below its own
 * folder. See sts(8).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <sodium.h>
#include <skalibs/djbunix.h>
#include <skalibs/stralloc.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "common/stop.h"
#include "common/tls_anchors.h"
#include "common/wire.h"
#include "common/monitor/role.h"
#include "remote/stscache.h"
#include "remote/stscounts.h"
#include "remote/stsfetch.h"

#define SESSIONS_MAX 1100
#define WORKERS_MAX 20
#define MEMORY (512u << 20)
/* A domain is not asked again within this, whatever came of it. */
#define CHECK_SECONDS 300
#define RECENT_MAX 4096
#define SAVE_SECONDS 30
#define REFRESH_SECONDS 900
/* A policy that nobody has used for so long is left to expire. */
#define UNUSED_SECONDS (30 * 24 * 3600)
/* Refreshed in one go, so that nobody waits for it. */
#define REFRESH_MAX (WORKERS_MAX / 2)

struct session {
	int fd;
	bool is_waiting; /* for the fetch of domain */
	char domain[DNS_NAME_SIZE];
};

struct worker {
	pid_t pid;
	int fd; /* -1: none */
	time_t started;
	char domain[DNS_NAME_SIZE];
	size_t len;
	char got[STSFETCH_MAX];
};

struct sts {
	struct table settings;
	struct dns dns;
	stralloc anchors;
	struct stsfetch fetch;
	uid_t caller; /* who may call, beside root and ourselves */
	int cache_fd;
	struct stscounts counts;
	struct session sessions[SESSIONS_MAX];
	size_t session_count;
	struct worker workers[WORKERS_MAX];
	/* When a domain was asked last: by its hash. */
	struct {
		uint64_t hash;
		time_t at;
	} recent[RECENT_MAX];
	time_t saved, refreshed;
	unsigned char key[crypto_shorthash_KEYBYTES];
};

static time_t
monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static size_t
slot(struct sts const *s, char const *domain, uint64_t *hash_r)
{
	crypto_shorthash((unsigned char *)hash_r, (unsigned char const *)domain,
		strlen(domain), s->key);
	return *hash_r % RECENT_MAX;
}

static bool
is_recent(struct sts const *s, char const *domain)
{
	uint64_t hash;
	size_t i = slot(s, domain, &hash);

	return s->recent[i].hash == hash && s->recent[i].at != 0 &&
	       monotonic() - s->recent[i].at < CHECK_SECONDS;
}

static void
note(struct sts *s, char const *domain)
{
	uint64_t hash;
	size_t i = slot(s, domain, &hash);

	s->recent[i].hash = hash;
	s->recent[i].at = monotonic();
}

static bool
answer(struct sts *s, struct session *to)
{
	static char frame[WIRE_FRAME_MAX];
	static struct stscache c;
	time_t now = time(NULL);
	bool has = stscache_read(s->cache_fd, to->domain, now, &c);
	size_t len;

	to->is_waiting = false;
	if (has) {
		/* Used: it will be kept fresh. */
		(void)utimensat(s->cache_fd, to->domain, NULL, 0);
		c.policy.max_age -= (uint32_t)(now - c.fetched);
	}
	len = stswire_answer_encode(
		frame, sizeof frame, has ? &c.policy : NULL);
	return len > 0 && pair_send(to->fd, frame, len, NULL, 0);
}

static void
close_session(struct sts *s, size_t i)
{
	close(s->sessions[i].fd);
	s->sessions[i] = s->sessions[--s->session_count];
}

/* The id that is known, where the policy is young enough to stay. */
static void
known_id(struct sts *s, char const *domain, char id_r[STSPOLICY_ID_SIZE])
{
	static struct stscache c;
	time_t now = time(NULL);

	id_r[0] = '\0';
	if (stscache_read(s->cache_fd, domain, now, &c) &&
		now - c.fetched < (time_t)c.policy.max_age / 2)
		memcpy(id_r, c.id, sizeof c.id);
}

/* In the child: nothing is its own but the pipe. */
static _Noreturn void
work(struct sts *s, char const *domain, char const *id, int to_fd)
{
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGTERM, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (size_t i = 0; i < s->session_count; i++)
		close(s->sessions[i].fd);
	stsfetch_run(&s->fetch, domain, id, to_fd);
	_exit(0);
}

/* False: there is no room for one more. */
static bool
start_worker(struct sts *s, char const *domain)
{
	char id[STSPOLICY_ID_SIZE];
	struct worker *w = NULL;
	int ends[2];

	for (size_t i = 0; i < WORKERS_MAX; i++) {
		if (s->workers[i].fd < 0)
			w = &s->workers[i];
		else if (strcmp(s->workers[i].domain, domain) == 0)
			return true;
	}
	if (w == NULL || pipe2(ends, O_CLOEXEC) < 0)
		return false;
	known_id(s, domain, id);
	w->pid = fork();
	if (w->pid == 0)
		work(s, domain, id, ends[1]);
	close(ends[1]);
	if (w->pid < 0) {
		log_error("fork-failed", NULL, (char *)0);
		close(ends[0]);
		return false;
	}
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	w->fd = ends[0];
	w->len = 0;
	w->started = monotonic();
	memcpy(w->domain, domain, strlen(domain) + 1);
	return true;
}

static void
count_failure(struct sts *s, char const *domain, enum tlsrpt_result result,
	char const *why)
{
	struct stswire_report r = {.policy = TLSRPT_STS,
		.result = result,
		.domain = domain,
		.domain_len = strlen(domain),
		.host = "",
		.from = "",
		.to = "",
		.why = why,
		.why_len = strlen(why)};

	log_event("no-policy", NULL, "domain", domain, "why", why, (char *)0);
	stscounts_add(&s->counts, &r, time(NULL));
}

/* What a worker wrote; nothing if it was killed. */
static void
take_result(struct sts *s, struct worker *w)
{
	static struct stspolicy policy;
	size_t id_len = w->len >= 2 ? (unsigned char)w->got[1] : 0;
	char id[STSPOLICY_ID_SIZE] = "", *rest = w->got + 2 + id_len;
	size_t len;

	if (w->len < 2 + id_len || id_len >= sizeof id) {
		log_event("no-policy", NULL, "domain", w->domain, "why",
			"the fetch was broken off", (char *)0);
		return;
	}
	memcpy(id, w->got + 2, id_len);
	len = w->len - 2 - id_len;
	switch (w->got[0]) {
	case STSFETCH_POLICY:
		if (!stspolicy_parse(rest, len, &policy))
			count_failure(s, w->domain, TLSRPT_STS_POLICY_INVALID,
				"the policy is malformed");
		else if (!stscache_write(s->cache_fd, w->domain, id, time(NULL),
				 rest, len))
			log_error("cache-not-written", NULL, "domain",
				w->domain, (char *)0);
		else
			log_event("policy", NULL, "domain", w->domain, "id", id,
				(char *)0);
		break;
	case STSFETCH_FAILED:
	case STSFETCH_UNTRUSTED:
		rest[len < STSWIRE_WHY_MAX ? len : STSWIRE_WHY_MAX] = '\0';
		count_failure(s, w->domain,
			w->got[0] == STSFETCH_FAILED
				? TLSRPT_STS_POLICY_FETCH_ERROR
				: TLSRPT_STS_WEBPKI_INVALID,
			rest);
		break;
	default:
		break;
	}
}

static void
end_worker(struct sts *s, struct worker *w)
{
	close(w->fd);
	w->fd = -1;
	(void)kill(w->pid, SIGKILL);
	while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
		;
	take_result(s, w);
	note(s, w->domain);
	for (size_t i = s->session_count; i-- > 0;)
		if (s->sessions[i].is_waiting &&
			strcmp(s->sessions[i].domain, w->domain) == 0 &&
			!answer(s, &s->sessions[i]))
			close_session(s, i);
}

static void
hear_worker(struct sts *s, struct worker *w)
{
	/* One octet is left for a NUL. */
	ssize_t n = read(w->fd, w->got + w->len, sizeof w->got - 1 - w->len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && (w->len += (size_t)n) < sizeof w->got - 1)
		return;
	end_worker(s, w);
}

static void
hear_listener(struct sts *s, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	socklen_t len = sizeof(struct ucred);
	struct ucred peer;

	if (fd < 0)
		return;
	if (s->session_count < SESSIONS_MAX &&
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
		(peer.uid == 0 || peer.uid == geteuid() ||
			peer.uid == s->caller))
		s->sessions[s->session_count++] = (struct session){.fd = fd};
	else
		close(fd);
}

/* False: the session has ended, or broken the form. */
static bool
hear_session(struct sts *s, struct session *from)
{
	char frame[STSWIRE_QUESTION_MAX];
	struct stswire_question q;
	ssize_t n = pair_receive(from->fd, frame, sizeof frame, NULL, 0, NULL);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	if (from->is_waiting ||
		!stswire_question_decode(frame, (size_t)n, &q)) {
		log_event("malformed", NULL, "from", "remote", (char *)0);
		return false;
	}
	if (q.kind == STSWIRE_REPORT) {
		stscounts_add(&s->counts, &q.report, time(NULL));
		return true;
	}
	memcpy(from->domain, q.domain, sizeof from->domain);
	if (!is_recent(s, q.domain) && start_worker(s, q.domain)) {
		from->is_waiting = true;
		return true;
	}
	return answer(s, from);
}

/* Look a policy over: it may have expired, or should not do so. */
static bool
refresh_one(struct sts *s, char const *domain)
{
	static struct stscache c;
	time_t now = time(NULL);
	struct stat st;

	if (!dns_name_valid(domain) ||
		!stscache_read(s->cache_fd, domain, now, &c)) {
		(void)unlinkat(s->cache_fd, domain, 0);
		return false;
	}
	if (now - c.fetched < (time_t)c.policy.max_age / 2 ||
		fstatat(s->cache_fd, domain, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		now - st.st_mtime > UNUSED_SECONDS || is_recent(s, domain))
		return false;
	return start_worker(s, domain);
}

static void
refresh(struct sts *s)
{
	int fd = openat(s->cache_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent const *e;
	unsigned begun = 0;

	while (folder != NULL && begun < REFRESH_MAX &&
		(e = readdir(folder)) != NULL)
		if (e->d_name[0] != '.')
			begun += refresh_one(s, e->d_name);
	if (folder != NULL)
		closedir(folder);
	s->refreshed = monotonic();
}

static void
tick(struct sts *s)
{
	time_t now = monotonic();

	for (size_t i = 0; i < WORKERS_MAX; i++)
		if (s->workers[i].fd >= 0 &&
			now - s->workers[i].started > STSFETCH_SECONDS + 5)
			end_worker(s, &s->workers[i]);
	if (now - s->saved >= SAVE_SECONDS) {
		stscounts_save(&s->counts);
		s->saved = now;
	}
	if (now - s->refreshed >= REFRESH_SECONDS)
		refresh(s);
}

static int
loop(struct sts *s, int listener)
{
	static struct pollfd polls[1 + SESSIONS_MAX + WORKERS_MAX];
	struct timespec pause = {.tv_sec = 5};
	sigset_t none;

	sigemptyset(&none);
	while (stop_asked == 0) {
		size_t sessions = s->session_count, n = 1 + sessions;
		polls[0] = (struct pollfd){.fd = listener, .events = POLLIN};
		for (size_t i = 0; i < sessions; i++)
			polls[1 + i] = (struct pollfd){
				.fd = s->sessions[i].fd, .events = POLLIN};
		for (size_t i = 0; i < WORKERS_MAX; i++)
			polls[n++] = (struct pollfd){
				.fd = s->workers[i].fd, .events = POLLIN};
		if (ppoll(polls, n, &pause, &none) < 0) {
			if (errno != EINTR)
				return 111;
			continue;
		}
		/* From the last on: a session that closes is replaced by one
		 * that was served. Workers come after them, since what they
		 * end moves sessions. */
		for (size_t i = sessions; i-- > 0;)
			if (polls[1 + i].revents != 0 &&
				!hear_session(s, &s->sessions[i]))
				close_session(s, i);
		for (size_t i = 0; i < WORKERS_MAX; i++)
			if (polls[1 + sessions + i].revents != 0)
				hear_worker(s, &s->workers[i]);
		if (polls[0].revents != 0)
			hear_listener(s, listener);
		tick(s);
	}
	stscounts_save(&s->counts);
	return 0;
}

/* Everything that has to be open. NULL, or what failed (errno). */
static char const *
open_all(struct sts *s, char const *tables, int *listener_r)
{
	char const *anchors;

	if (!role_enter(tables, "sts", &s->settings))
		return "settings";
	s->cache_fd = open("cache", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->counts.folder_fd =
		open("reports", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->cache_fd < 0 || s->counts.folder_fd < 0)
		return "folders";
	if (!dns_open(&s->dns, settings_text(&s->settings, "resolver")))
		return "resolver";
	anchors = settings_text(&s->settings, "tls-anchors");
	if (!openslurpclose(&s->anchors,
		    anchors != NULL ? anchors : TLS_ANCHORS_SYSTEM))
		return "tls-anchors";
	if (!stsfetch_prepare())
		return "curl";
	*listener_r = role_listen("socket");
	if (*listener_r < 0 || chmod("socket", 0660) < 0)
		return "socket";
	s->caller = (uid_t)settings_number(&s->settings, "uid-remote", 0);
	s->fetch = (struct stsfetch){.dns = &s->dns,
		.anchors = s->anchors.s,
		.anchors_len = s->anchors.len,
		.port = (unsigned)settings_number(
			&s->settings, "sts-port", 443)};
	return NULL;
}

int
main(int argc, char const *const *argv)
{
	static struct sts s = {.settings = TABLE_ZERO};
	struct sandbox sandbox = {.filter = SANDBOX_STS,
		.memory = MEMORY,
		.files = SESSIONS_MAX + WORKERS_MAX + 64,
		.may_fork = true,
		.may_write = true,
		.may_connect = true};
	struct role_options options;
	char const *failed;
	int listener;

	log_open("sts");
	if (!role_options(&options, argc, argv))
		return 100;
	if (geteuid() == 0 || getuid() == 0) {
		log_event("refused", NULL, "why", "runs as root", (char *)0);
		return 100;
	}
	stop_catch();
	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < WORKERS_MAX; i++)
		s.workers[i].fd = -1;
	failed = open_all(&s, options.tables, &listener);
	if (failed != NULL) {
		log_error("not-started", NULL, "what", failed, "tables",
			options.tables, (char *)0);
		return 111;
	}
	randombytes_buf(s.key, sizeof s.key);
	s.saved = s.refreshed = monotonic();
	sandbox.read_write[sandbox.read_write_count++] = s.cache_fd;
	sandbox.read_write[sandbox.read_write_count++] = s.counts.folder_fd;
	sandbox_enter_or_exit(&sandbox);
	role_ready(&options);
	return loop(&s, listener);
}
