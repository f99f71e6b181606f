/* What every front does alike. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include <skalibs/types.h>
#include <sodium.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/settings.h"
#include "common/stop.h"
#include "common/tls.h"
#include "common/monitor/front.h"

#define OPEN_PAUSE_MS 100
#define OPEN_PAUSE_MAX_MS 1600

#define MEMORY_MAX ((size_t)32 * 1024 * 1024)
#define FILES_MAX 16

static void
usage(char const *name)
{
	log_event("usage", NULL, "want",
		"-a ADDRESS -p PORT [-T], started by the monitor", "program",
		name, (char *)0);
	_exit(100);
}

static void
options(struct front *f, char const *name, int argc, char const *const *argv)
{
	subgetopt l = SUBGETOPT_ZERO;
	int opt;

	while ((opt = subgetopt_r(argc, argv, "a:p:T", &l)) >= 0) {
		if (opt == 'a')
			f->client = l.arg;
		else if (opt == 'T')
			f->implicit_tls = true;
		else if (opt != 'p' || uint0_scan(l.arg, &f->client_port) == 0)
			usage(name);
	}
	if (argc != l.ind || f->client == NULL)
		usage(name);
}

/* The private key is the monitor's: it signs. */
static size_t
ask_to_sign(void *data, unsigned key_index, char key_type, int algorithm,
	unsigned char const *hash, size_t hash_len,
	unsigned char signature_r[TLS_SIGNATURE_MAX])
{
	struct request r = {.kind = REQUEST_SIGN,
		.key_index = (uint8_t)key_index,
		.key_type = (uint8_t)key_type,
		.algorithm = (uint8_t)algorithm,
		.hash = (char const *)hash,
		.hash_len = hash_len};
	char frame[REQUEST_FRAME_MAX];
	size_t len = request_encode(frame, sizeof frame, &r);
	unsigned char const *signature;
	ssize_t got;

	(void)data;
	if (len == 0 || !pair_send(FRONT_PAIR_FD, frame, len, NULL, 0))
		return 0;
	got = pair_receive(FRONT_PAIR_FD, frame, sizeof frame, NULL, 0, NULL);
	if (got <= 0 ||
		!request_signature_decode(frame, (size_t)got, &signature, &len))
		return 0;
	memcpy(signature_r, signature, len);
	return len;
}

void
front_init(struct front *f, char const *name, int argc, char const *const *argv,
	char const *alpn, int timeout_ms)
{
	struct tls_server_setup setup = {
		.certificates_fd = FRONT_CERTIFICATES_FD,
		.sign = ask_to_sign,
		.alpn = alpn};

	log_open(name);
	options(f, name, argc, argv);
	stream_init(&f->stream, 0, 1, timeout_ms);
	f->stream.stop = &stop_asked;
	stop_catch();
	if (!table_open_fd(&f->settings, FRONT_SETTINGS_FD))
		log_error("no-settings", NULL, (char *)0);
	close(FRONT_SETTINGS_FD);
	f->hostname = settings_text(&f->settings, "hostname");
	if (f->hostname == NULL)
		f->hostname = "localhost";
	f->has_certificates = tls_server_prepare(&setup);
	if (!f->has_certificates && errno != ENOENT)
		log_error("no-certificates", NULL, (char *)0);
	close(FRONT_CERTIFICATES_FD);
}

void
front_seal(enum sandbox_filter filter)
{
	struct sandbox s = {.filter = filter,
		.memory = MEMORY_MAX,
		.files = FILES_MAX,
		/* smtpd makes queue files; other fronts have none. */
		.may_write = filter == SANDBOX_SMTPD,
		.read_write = {FRONT_TMP_FD, FRONT_NEW_FD},
		.read_write_count = filter == SANDBOX_SMTPD ? 2 : 0};

	sandbox_enter_or_exit(&s);
}

void
front_handshake(struct front *f)
{
	if (!f->implicit_tls)
		return;
	if (!f->has_certificates) {
		log_event("no-certificates", NULL, "client", f->client,
			(char *)0);
		_exit(111);
	}
	if (!front_start_tls(f)) {
		stream_close(&f->stream);
		_exit(0);
	}
}

void
front_ready(struct front *f, enum sandbox_filter filter)
{
	front_seal(filter);
	front_handshake(f);
}

bool
front_start_tls(struct front *f)
{
	struct log_line line;

	if (tls_server_start(&f->stream)) {
		f->is_tls = true;
		return true;
	}
	log_begin(&line, "tls-failed", NULL);
	log_text(&line, "client", f->client, strlen(f->client));
	log_number(&line, "tls", (uint64_t)tls_error(&f->stream));
	log_number(&line, "errno", (uint64_t)f->stream.error);
	log_end(&line);
	return false;
}

/* A descriptor, or -1: not to be had now. */
static int
try_session(enum request_kind kind)
{
	struct request r = {.kind = kind};
	char frame[REQUEST_FRAME_MAX];
	size_t count, len = request_encode(frame, sizeof frame, &r);
	int fd;

	if (!pair_send(FRONT_PAIR_FD, frame, len, NULL, 0) ||
		pair_receive(FRONT_PAIR_FD, frame, sizeof frame, &fd, 1,
			&count) != 1 ||
		count != 1)
		return -1;
	return fd;
}

/* A service that is being started anew is there again soon. */
static int
open_session(enum request_kind kind)
{
	int fd = try_session(kind);

	for (int ms = OPEN_PAUSE_MS; fd < 0 && ms <= OPEN_PAUSE_MAX_MS;
		ms *= 2) {
		(void)poll(NULL, 0, ms);
		fd = try_session(kind);
	}
	return fd;
}

int
front_open(enum request_kind kind)
{
	return open_session(kind);
}

bool
front_tell_peer(char const *address)
{
	unsigned char ip[REQUEST_PEER_LEN] = {[10] = 0xff, [11] = 0xff};
	struct request r = {.kind = REQUEST_PEER,
		.hash = (char const *)ip,
		.hash_len = sizeof ip};
	char frame[REQUEST_FRAME_MAX];
	size_t len = 0;

	if (inet_pton(AF_INET, address, ip + 12) == 1 ||
		inet_pton(AF_INET6, address, ip) == 1)
		len = request_encode(frame, sizeof frame, &r);
	return len > 0 && pair_send(FRONT_PAIR_FD, frame, len, NULL, 0) &&
	       pair_receive(FRONT_PAIR_FD, frame, sizeof frame, NULL, 0,
		       NULL) == 1 &&
	       frame[0] == REQUEST_OK;
}

/* False: auth is gone, perhaps since long. */
static bool
ask_auth(int auth_fd, struct login_step const *step, enum request_verdict *v_r,
	char *challenge, size_t *challenge_len)
{
	char frame[LOGIN_FRAME_MAX];
	size_t len = login_step_encode(frame, sizeof frame, step);
	bool sent = len > 0 && pair_send(auth_fd, frame, len, NULL, 0);
	char const *text;
	ssize_t got;

	sodium_memzero(frame, sizeof frame);
	if (!sent)
		return false;
	got = pair_receive(auth_fd, frame, sizeof frame, NULL, 0, NULL);
	if (got <= 0 || !login_answer_decode(
				frame, (size_t)got, v_r, &text, challenge_len))
		return false;
	memcpy(challenge, text, *challenge_len);
	return true;
}

/* auth has let the client in: the monitor starts the mailbox program. */
static enum request_verdict
get_program(int pipes_r[2])
{
	char octet;
	size_t count = 0;
	ssize_t n = pair_receive(FRONT_PAIR_FD, &octet, 1, pipes_r, 2, &count);

	if (n == 1 && octet == REQUEST_OK && count == 2)
		return REQUEST_OK;
	while (n > 0 && count > 0)
		close(pipes_r[--count]);
	return REQUEST_LATER;
}

enum request_verdict
front_login_step(struct front *f, struct login_step const *step,
	char challenge[LOGIN_CHALLENGE_MAX], size_t *challenge_len,
	int pipes_r[2])
{
	enum request_verdict v = REQUEST_LATER;
	bool is_heard = false;

	/* One that has been started anew hears the first step once more. */
	for (int i = 0; i < 2 && !is_heard; i++) {
		if (f->auth_fd == 0) {
			int fd = open_session(REQUEST_AUTH);
			if (fd < 0)
				return REQUEST_LATER;
			f->auth_fd = fd;
		}
		is_heard = ask_auth(
			f->auth_fd, step, &v, challenge, challenge_len);
		if (is_heard || step->mechanism_len == 0)
			break;
		close(f->auth_fd);
		f->auth_fd = 0;
	}
	/* One that has died may be there again at the next try. */
	if ((!is_heard || v == REQUEST_OK) && f->auth_fd > 0) {
		close(f->auth_fd);
		f->auth_fd = 0;
	}
	if (!is_heard)
		return REQUEST_LATER;
	if (v == REQUEST_OK)
		return get_program(pipes_r);
	if (v == REQUEST_DENIED)
		f->failed_logins++;
	return v;
}

enum request_verdict
front_login(struct front *f, char const *sasl, size_t len, int pipes_r[2])
{
	struct login_step step = {.mechanism = "PLAIN",
		.mechanism_len = 5,
		.message = sasl,
		.message_len = len};
	char challenge[LOGIN_CHALLENGE_MAX];
	size_t challenge_len;
	enum request_verdict v =
		front_login_step(f, &step, challenge, &challenge_len, pipes_r);

	return v == REQUEST_GO_ON ? REQUEST_LATER : v;
}

static struct front_mechanism const mechanisms[] = {
	{"SCRAM-SHA-256", LOGIN_MESSAGE_MAX}, {"OAUTHBEARER", LOGIN_TOKEN_MAX}};

static bool
is_set(struct front const *f, char const *setting)
{
	char const *text = settings_text(&f->settings, setting);

	return text != NULL && *text != '\0';
}

/* A checkpassword program wants the password itself. */
static bool
is_offered(struct front const *f, struct front_mechanism const *m)
{
	return !is_set(f, "checkpassword") &&
	       (m == mechanisms ? settings_number(&f->settings, "scram", 0) != 0
				: is_set(f, "oauth"));
}

struct front_mechanism const *
front_mechanism(struct front const *f, char const *name, size_t len)
{
	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
		if (strlen(mechanisms[i].name) == len &&
			strncasecmp(mechanisms[i].name, name, len) == 0)
			return is_offered(f, &mechanisms[i]) ? &mechanisms[i]
							     : NULL;
	return NULL;
}

void
front_say_mechanisms(struct front *f, char const *before)
{
	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
		if (is_offered(f, &mechanisms[i])) {
			(void)stream_puts(&f->stream, before);
			(void)stream_puts(&f->stream, mechanisms[i].name);
		}
}

int
front_exchange(struct front *f, struct front_mechanism const *mechanism,
	char *message, size_t len, front_ask *ask, void *data,
	enum request_verdict *verdict_r, int pipes_r[2])
{
	struct login_step step = {.mechanism = mechanism->name,
		.mechanism_len = strlen(mechanism->name),
		.message = message,
		.message_len = len};
	char challenge[LOGIN_CHALLENGE_MAX];
	char text[LOGIN_BASE64(LOGIN_CHALLENGE_MAX) + 1];
	int r = 1;

	while (r > 0) {
		*verdict_r =
			front_login_step(f, &step, challenge, &len, pipes_r);
		if (*verdict_r != REQUEST_GO_ON)
			break;
		sodium_bin2base64(text, sizeof text,
			(unsigned char const *)challenge, len,
			sodium_base64_VARIANT_ORIGINAL);
		step.mechanism_len = 0;
		r = ask(data, text, message, mechanism->message_max,
			&step.message_len);
	}
	sodium_memzero(message, mechanism->message_max);
	return r;
}

void
front_move(struct front *f, int const pipes[2])
{
	close(FRONT_PAIR_FD);
	tls_move(&f->stream, pipes[0], pipes[1]);
	_exit(0);
}

bool
front_base64(char const *s, size_t len, char *out, size_t max, size_t *len_r)
{
	return sodium_base642bin((unsigned char *)out, max, s, len, NULL, len_r,
		       NULL, sodium_base64_VARIANT_ORIGINAL) == 0;
}
