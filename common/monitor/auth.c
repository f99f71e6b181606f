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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>
#include <sodium.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "common/monitor/front.h"
#include "common/monitor/request.h"
#include "common/monitor/throttle.h"

#define THROTTLE_FD 4
#define QUESTIONS_MAX 256
#define CHILDREN_MAX 4
#define CACHE_MAX 1024
#define HASH_OPS 2
#define HASH_MEMORY ((size_t)19 << 20)
#define DIGEST_LEN 32

enum state { FREE, WAITING, RUNNING, DELAYED };

/* A question, from its arrival until its answer. */
struct question {
	enum state state;
	uint32_t ticket;
	uint64_t since; /* milliseconds: its place in the line */
	uint64_t due;	/* of a DELAYED answer */
	enum request_verdict verdict;
	int child_fd; /* RUNNING: what the child says */
	pid_t child;
	bool is_known;
	size_t user_len, password_len, client_len;
	char user[REQUEST_MAILBOX_MAX];
	char client[64];
	char password[REQUEST_SASL_MAX + 1];
	char hash[crypto_pwhash_STRBYTES];
	unsigned char digest[DIGEST_LEN];
};

/* Passwords that were right a short while ago, as a keyed hash of user,
 * password and stored hash: a changed password is a different entry. */
struct remembered {
	unsigned char digest[DIGEST_LEN];
	uint64_t until; /* milliseconds */
};

static struct question questions[QUESTIONS_MAX];
static struct remembered cache[CACHE_MAX];
static unsigned char cache_key[crypto_generichash_KEYBYTES];
static char const *checkpassword, *login_domain;
static uint64_t cache_ms;
static unsigned first_delay, running;

static uint64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
answer(struct question *q)
{
	char frame[REQUEST_FRAME_MAX];
	size_t len =
		auth_answer_encode(frame, sizeof frame, q->ticket, q->verdict,
			q->user, q->verdict == REQUEST_OK ? q->user_len : 0);

	if (!pair_send(FRONT_PAIR_FD, frame, len, NULL, 0))
		log_error("lost-answer", NULL, (char *)0);
	sodium_memzero(q, sizeof *q);
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

	q->verdict = verdict;
	if (verdict == REQUEST_OK)
		throttle_succeeded(
			q->user, q->user_len, q->client, q->client_len);
	if (verdict == REQUEST_DENIED) {
		log_failure(q);
		delay = throttle_failed(q->user, q->user_len, q->client,
			q->client_len, (uint64_t)time(NULL), first_delay);
	}
	if (delay == 0) {
		answer(q);
		return;
	}
	q->state = DELAYED;
	q->due = now_ms() + (uint64_t)delay * 1000;
}

/* authzid NUL authcid NUL password (RFC 4616); authzid empty or the same. */
static bool
split(struct question *q, char const *s, size_t len)
{
	char const *user = memchr(s, '\0', len);
	char const *password;
	size_t authzid_len;

	if (user == NULL)
		return false;
	authzid_len = (size_t)(user++ - s);
	password = memchr(user, '\0', len - authzid_len - 1);
	if (password == NULL)
		return false;
	q->user_len = (size_t)(password++ - user);
	q->password_len = len - (size_t)(password - s);
	if (q->user_len == 0 || q->user_len > sizeof q->user ||
		q->password_len == 0 ||
		memchr(password, '\0', q->password_len) != NULL ||
		(authzid_len > 0 && (authzid_len != q->user_len ||
					    memcmp(s, user, authzid_len) != 0)))
		return false;
	memcpy(q->user, user, q->user_len);
	memcpy(q->password, password, q->password_len);
	return true;
}

/* Tables hold addresses in lower case; a bare name gets our domain. */
static bool
complete_user(struct question *q)
{
	size_t domain_len = strlen(login_domain);

	for (size_t i = 0; i < q->user_len; i++) {
		char c = q->user[i];
		if ((unsigned char)c <= ' ' || c == 127)
			return false;
		if (c >= 'A' && c <= 'Z')
			q->user[i] = (char)(c - 'A' + 'a');
	}
	if (memchr(q->user, '@', q->user_len) != NULL || domain_len == 0)
		return true;
	if (q->user_len + 1 + domain_len > sizeof q->user)
		return false;
	q->user[q->user_len++] = '@';
	memcpy(q->user + q->user_len, login_domain, domain_len);
	q->user_len += domain_len;
	return true;
}

/* The user's hash, if there is one. False: no table. */
static bool
find_hash(struct question *q, int table_fd)
{
	struct table passwords = TABLE_ZERO;
	char const *hash;
	size_t len;
	int found;

	if (!table_open_fd(&passwords, table_fd))
		return false;
	found = table_find(&passwords, q->user, q->user_len, &hash, &len);
	q->is_known = found > 0 && len < sizeof q->hash;
	if (q->is_known)
		memcpy(q->hash, hash, len);
	table_close(&passwords);
	return found >= 0;
}

static void
digest(struct question *q)
{
	crypto_generichash_state state;

	crypto_generichash_init(
		&state, cache_key, sizeof cache_key, sizeof q->digest);
	crypto_generichash_update(
		&state, (unsigned char *)q->hash, sizeof q->hash);
	crypto_generichash_update(
		&state, (unsigned char *)q->user, sizeof q->user);
	crypto_generichash_update(
		&state, (unsigned char *)q->password, q->password_len);
	crypto_generichash_final(&state, q->digest, sizeof q->digest);
}

static struct remembered *
cache_slot(struct question const *q)
{
	uint32_t n;

	memcpy(&n, q->digest, sizeof n);
	return &cache[n % CACHE_MAX];
}

static bool
is_remembered(struct question const *q)
{
	struct remembered const *r = cache_slot(q);

	return q->is_known && r->until > now_ms() &&
	       sodium_memcmp(r->digest, q->digest, DIGEST_LEN) == 0;
}

static void
remember(struct question const *q)
{
	struct remembered *r = cache_slot(q);

	memcpy(r->digest, q->digest, DIGEST_LEN);
	r->until = now_ms() + cache_ms;
}

static void
take_question(struct question *q, struct auth_question const *a, int table_fd)
{
	q->ticket = a->ticket;
	q->since = now_ms();
	q->child_fd = -1;
	q->client_len = a->client_len < sizeof q->client ? a->client_len
							 : sizeof q->client;
	memcpy(q->client, a->client, q->client_len);
	if (!split(q, a->sasl, a->sasl_len) || !complete_user(q)) {
		judge(q, REQUEST_DENIED);
		return;
	}
	if (checkpassword != NULL) {
		q->state = WAITING;
		return;
	}
	if (!find_hash(q, table_fd)) {
		judge(q, REQUEST_LATER);
		return;
	}
	digest(q);
	if (is_remembered(q))
		judge(q, REQUEST_OK);
	else
		q->state = WAITING;
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
		return n < 0 && errno != ECONNRESET;
	if (count == 1 && auth_question_decode(frame, (size_t)n, &a)) {
		struct question refused = {
			.ticket = a.ticket, .verdict = REQUEST_LATER};
		struct question *q = &refused;
		for (size_t i = 0; i < QUESTIONS_MAX; i++)
			if (questions[i].state == FREE) {
				q = &questions[i];
				break;
			}
		if (q == &refused)
			answer(q);
		else
			take_question(q, &a, table_fd);
	}
	if (count == 1)
		close(table_fd);
	sodium_memzero(frame, sizeof frame);
	return true;
}

/* user NUL password NUL timestamp NUL on descriptor 3, then what to run when
 * the password is right: `true`. Returns only if it could not be run. */
static void
run_checkpassword(struct question const *q)
{
	char *argv[] = {NULL, NULL, NULL}, *environment[] = {NULL};
	int in[2];

	argv[0] = strdup(checkpassword);
	argv[1] = strdup("/bin/true");
	if (argv[0] == NULL || argv[1] == NULL || pipe2(in, 0) < 0 ||
		write(in[1], q->user, q->user_len) < 0 ||
		write(in[1], "", 1) < 0 ||
		write(in[1], q->password, q->password_len) < 0 ||
		write(in[1], "\0000", 3) < 0)
		return;
	close(in[1]);
	if (in[0] == 3 || dup2(in[0], 3) == 3)
		(void)execve(argv[0], argv, environment);
}

/* The child's exit code, as checkpassword's: 0 right, 1 wrong, 111 later. An
 * unknown user costs what a known one does. */
static int
verify(struct question const *q)
{
	char made[crypto_pwhash_STRBYTES];

	if (checkpassword != NULL) {
		run_checkpassword(q);
		return 111;
	}
	if (q->is_known)
		return crypto_pwhash_str_verify(
			       q->hash, q->password, q->password_len) == 0
			       ? 0
			       : 1;
	return crypto_pwhash_str(made, q->password, q->password_len, HASH_OPS,
		       HASH_MEMORY) == 0
		       ? 1
		       : 111;
}

static void
start_child(struct question *q)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0) {
		judge(q, REQUEST_LATER);
		return;
	}
	q->child = fork();
	if (q->child == 0) {
		/* It must hold neither the pair nor the other children's pipes,
		 * or their ends would go unseen. */
		close(FRONT_PAIR_FD);
		for (size_t i = 0; i < QUESTIONS_MAX; i++)
			if (questions[i].state == RUNNING)
				close(questions[i].child_fd);
		_exit(verify(q));
	}
	close(ends[1]);
	if (q->child < 0) {
		close(ends[0]);
		judge(q, REQUEST_LATER);
		return;
	}
	q->child_fd = ends[0];
	q->state = RUNNING;
	running++;
}

static void
hear_child(struct question *q)
{
	enum request_verdict verdict = REQUEST_LATER;
	int status;

	close(q->child_fd);
	running--;
	if (waitpid(q->child, &status, 0) == q->child && WIFEXITED(status)) {
		if (WEXITSTATUS(status) == 0 &&
			(q->is_known || checkpassword != NULL))
			verdict = REQUEST_OK;
		else if (WEXITSTATUS(status) <= 1)
			verdict = REQUEST_DENIED;
	}
	if (verdict == REQUEST_OK && checkpassword == NULL)
		remember(q);
	judge(q, verdict);
}

/* Starts those that wait, the oldest first, as far as children may run. */
static void
start_waiting(void)
{
	while (running < CHILDREN_MAX) {
		struct question *oldest = NULL;
		for (size_t i = 0; i < QUESTIONS_MAX; i++)
			if (questions[i].state == WAITING &&
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

	for (size_t i = 0; i < QUESTIONS_MAX; i++) {
		struct question *q = &questions[i];
		if (q->state == DELAYED && q->due <= now)
			answer(q);
		else if (q->state == DELAYED && q->due < next)
			next = q->due;
	}
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
			if (questions[i].state == RUNNING) {
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
	randombytes_buf(cache_key, sizeof cache_key);
	checkpassword = settings_text(&settings, "checkpassword");
	if (checkpassword != NULL && *checkpassword == '\0')
		checkpassword = NULL;
	login_domain = settings_text(&settings, "login-domain");
	if (login_domain == NULL)
		login_domain = "";
	cache_ms = settings_number(&settings, "auth-cache", 60) * 1000;
	first_delay = (unsigned)settings_number(&settings, "auth-delay", 1);
	close(THROTTLE_FD);
	/* A checkpassword program has needs that we can't know. */
	if (checkpassword == NULL)
		sandbox_enter_or_exit(&sandbox);
	loop();
	return 0;
}
