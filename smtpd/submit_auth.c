/* AUTH: PLAIN, LOGIN, SCRAM-SHA-256 and OAUTHBEARER (RFC 4954, RFC 4616, RFC
 * 7677, RFC 7628). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sodium.h>
#include "common/log.h"
#include "common/settings.h"
#include "common/tls.h"
#include "smtpd/command.h"
#include "smtpd/policing.h"
#include "smtpd/submit.h"

#define POLICY_TIMEOUT_MS 10000

/* base64 of "Username:" and "Password:", which clients wait for. */
static char const ask_name[] = "334 VXNlcm5hbWU6\r\n";
static char const ask_password[] = "334 UGFzc3dvcmQ6\r\n";
static char const ask_first[] = "334 \r\n";

/* Tell the mailbox's smtpd who has come. Some hundred octets always fit into an
 * empty pipe. */
static bool
send_preamble(struct submit *s)
{
	char text[SMTP_PREAMBLE_MAX];
	size_t len = smtp_preamble_format(text, &s->client);
	ssize_t n;

	do
		n = write(s->pipes[0], text, len);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)len;
}

/* Guesses of names and of passwords are slowed together, where the settings
 * want policy. Without its answer the session goes on. */
static void
tell_policy(struct submit *s)
{
	struct policing_question q = {.stage = POLICING_LOGIN,
		.client = {s->front->client, strlen(s->front->client)},
		.helo = {s->client.helo, strlen(s->client.helo)}};
	struct policing_answer answer;
	struct stream *stream = &s->front->stream;
	int fd;

	if (settings_number(&s->front->settings, "policy", 0) == 0)
		return;
	fd = front_open(REQUEST_POLICY);
	if (fd < 0)
		return;
	if (policing_ask(fd, &q, POLICY_TIMEOUT_MS, &answer) &&
		answer.delay_ms > 0 && stream_flush(stream))
		(void)!stream_wait(
			stream, 0, stream_clock_ms() + answer.delay_ms);
	close(fd);
}

static void
denied(struct submit *s)
{
	tell_policy(s);
	submit_reply(s, SMTP_R_LOGIN_FAILED, "");
	if (s->front->failed_logins >= SUBMIT_FAILED_MAX)
		submit_end(s, SMTP_R_FAILED_LOGINS, "failed-logins");
}

/* authzid NUL authcid NUL password, with a name and a password. */
static bool
is_plain(char const *sasl, size_t len)
{
	char const *name = memchr(sasl, '\0', len), *password, *end;

	end = sasl + len;
	if (name == NULL)
		return false;
	name++;
	password = memchr(name, '\0', (size_t)(end - name));
	if (password == NULL || password == name)
		return false;
	password++;
	return password < end &&
	       memchr(password, '\0', (size_t)(end - password)) == NULL;
}

static void
judged(struct submit *s, enum request_verdict verdict)
{
	switch (verdict) {
	case REQUEST_OK:
		smtp_preamble_set_tls(
			&s->client, tls_describe(&s->front->stream));
		if (send_preamble(s)) {
			s->is_login = true;
			submit_reply(s, SMTP_R_LOGIN_OK, "");
			return;
		}
		/* It has died already. */
		log_error("failed", NULL, (char *)0);
		close(s->pipes[0]);
		close(s->pipes[1]);
		submit_reply(s, SMTP_R_LOGIN_LATER, "");
		return;
	case REQUEST_DENIED:
		denied(s);
		return;
	case REQUEST_GO_ON:
	case REQUEST_LATER:
		submit_reply(s, SMTP_R_LOGIN_LATER, "");
		return;
	}
}

void
submit_login(struct submit *s, char const *sasl, size_t len)
{
	enum request_verdict verdict = REQUEST_DENIED;

	if (is_plain(sasl, len))
		verdict = front_login(s->front, sasl, len, s->pipes);
	else
		s->front->failed_logins++;
	judged(s, verdict);
}

/* Decode base64 text. False: answered. `*` cancels (RFC 4954 4). */
static bool
decode(struct submit *s, char const *text, size_t len, char *out, size_t max,
	size_t *len_r)
{
	if (len == 1 && text[0] == '*') {
		submit_reply(s, SMTP_R_CANCELLED, "");
		return false;
	}
	if (len > LOGIN_BASE64(max)) {
		submit_reply(s, SMTP_R_SASL_LONG, "");
		return false;
	}
	if (!front_base64(text, len, out, max, len_r)) {
		submit_reply(s, SMTP_R_BASE64, "");
		return false;
	}
	return true;
}

/* Ask for the client's next piece and decode it. False: answered. */
static bool
ask(struct submit *s, char const *question, char *out, size_t max,
	size_t *len_r)
{
	struct stream *stream = &s->front->stream;
	char const *line;
	size_t len;
	bool ok;

	(void)stream_puts(stream, question);
	/* What is longer can't be a message that is taken. */
	if (!submit_line(s, LOGIN_BASE64(max), SMTP_R_SASL_LONG, &line, &len))
		return false;
	ok = decode(s, line, len, out, max, len_r);
	sodium_memzero(stream->in + (line - stream->in), len);
	return ok;
}

/* An initial response; a single `=` is an empty one (RFC 4954 4). */
static bool
initial(struct submit *s, char const *text, size_t len, char *out, size_t max,
	size_t *len_r)
{
	struct stream *stream = &s->front->stream;
	bool ok = true;

	if (len == 1 && text[0] == '=')
		*len_r = 0;
	else
		ok = decode(s, text, len, out, max, len_r);
	sodium_memzero(stream->in + (text - stream->in), len);
	return ok;
}

static void
plain(struct submit *s, char const *text, size_t len)
{
	char sasl[LOGIN_MESSAGE_MAX];
	size_t n = 0;

	if (len > 0 ? initial(s, text, len, sasl, sizeof sasl, &n)
		    : ask(s, ask_first, sasl, sizeof sasl, &n))
		submit_login(s, sasl, n);
	sodium_memzero(sasl, sizeof sasl);
}

/* A front_ask. Who has gone is told by is_over. */
static int
ask_next(
	void *data, char const *challenge, char *out, size_t max, size_t *len_r)
{
	char question[sizeof "334 \r\n" + LOGIN_BASE64(LOGIN_CHALLENGE_MAX)];

	(void)snprintf(question, sizeof question, "334 %s\r\n", challenge);
	return ask(data, question, out, max, len_r) ? 1 : 0;
}

static void
exchange(struct submit *s, struct front_mechanism const *m, char const *text,
	size_t len)
{
	char sasl[LOGIN_TOKEN_MAX];
	enum request_verdict verdict;
	size_t n = 0;

	if ((len > 0 ? initial(s, text, len, sasl, m->message_max, &n)
		     : ask(s, ask_first, sasl, m->message_max, &n)) &&
		front_exchange(s->front, m, sasl, n, ask_next, s, &verdict,
			s->pipes) > 0)
		judged(s, verdict);
}

/* Two questions; the answers become a PLAIN message without authzid. */
static void
login(struct submit *s, char const *text, size_t len)
{
	char sasl[LOGIN_MESSAGE_MAX];
	size_t name_len = 0, password_len = 0, at = 1;

	sasl[0] = '\0';
	if (!(len > 0 ? initial(s, text, len, sasl + at, sizeof sasl - at - 1,
				&name_len)
		      : ask(s, ask_name, sasl + at, sizeof sasl - at - 1,
				&name_len)))
		goto done;
	at += name_len;
	sasl[at++] = '\0';
	if (!ask(s, ask_password, sasl + at, sizeof sasl - at, &password_len))
		goto done;
	submit_login(s, sasl, at + password_len);
done:
	sodium_memzero(sasl, sizeof sasl);
}

void
submit_auth(struct submit *s, char const *argument, size_t len)
{
	struct front_mechanism const *m;
	size_t word = 0, start;

	if (!s->front->is_tls) {
		submit_reply(s, SMTP_R_NEED_TLS, "");
		return;
	}
	if (s->client.helo[0] == '\0') {
		submit_reply(s, SMTP_R_NEED_HELLO, "");
		return;
	}
	while (word < len && argument[word] != ' ')
		word++;
	start = word;
	while (start < len && argument[start] == ' ')
		start++;
	m = front_mechanism(s->front, argument, word);
	if (word == 5 && smtp_word(argument, word, "PLAIN"))
		plain(s, argument + start, len - start);
	else if (word == 5 && smtp_word(argument, word, "LOGIN"))
		login(s, argument + start, len - start);
	else if (m != NULL)
		exchange(s, m, argument + start, len - start);
	else
		submit_reply(s, SMTP_R_MECHANISM, "");
}
