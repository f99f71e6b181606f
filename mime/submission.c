/* Speaks with a submission server; see submission.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <bearssl.h>
#include <sodium.h>

#include "common/tls.h"
#include "mime/submission.h"

#define WAIT_MS (300 * 1000)
/* RFC 5321, 4.5.3.1.5, and more than it. */
#define LINE_MAX_READ 2048
#define REPLY_LINES_MAX 128
#define USER_MAX 256
#define PASSWORD_MAX 256

struct session {
	struct submission const *m;
	struct stream stream;
	char *text;
	bool eightbit, starttls, plain;
};

static enum submission_result
fail(struct session *s, char const *what, char const *why)
{
	(void)snprintf(s->text, SUBMISSION_TEXT_MAX, "%s: %s", what, why);
	return SUBMISSION_TEMPORARY;
}

/* What EHLO announces. */
static void
take_keyword(struct session *s, char const *line, size_t len)
{
	if (len == 8 && strncasecmp(line, "8BITMIME", 8) == 0)
		s->eightbit = true;
	else if (len == 8 && strncasecmp(line, "STARTTLS", 8) == 0)
		s->starttls = true;
	else if (len > 5 && strncasecmp(line, "AUTH ", 5) == 0)
		for (size_t i = 4; i + 6 <= len; i++)
			if (strncasecmp(line + i, " PLAIN", 6) == 0 &&
				(i + 6 == len || line[i + 6] == ' '))
				s->plain = true;
}

static bool
is_reply_line(char const *line, size_t len)
{
	return len >= 3 && line[0] >= '2' && line[0] <= '5' && line[1] >= '0' &&
	       line[1] <= '9' && line[2] >= '0' && line[2] <= '9' &&
	       (len == 3 || line[3] == ' ' || line[3] == '-');
}

/* The code of the next reply, its last line in s->text; 0: there is none. */
static int
read_reply(struct session *s)
{
	for (unsigned i = 0; i < REPLY_LINES_MAX; i++) {
		char const *line;
		size_t len;
		int const r = stream_line(
			&s->stream, LINE_MAX_READ, &line, &len, NULL);

		if (r <= 0) {
			(void)fail(s, "no reply",
				r == 0 ? "the connection was closed"
				       : strerrordesc_np(errno));
			return 0;
		}
		if (!is_reply_line(line, len)) {
			(void)fail(s, "no reply", "the server speaks no SMTP");
			return 0;
		}
		if (len > 4)
			take_keyword(s, line + 4, len - 4);
		(void)snprintf(
			s->text, SUBMISSION_TEXT_MAX, "%.*s", (int)len, line);
		if (len == 3 || line[3] == ' ')
			return (line[0] - '0') * 100 + (line[1] - '0') * 10 +
			       line[2] - '0';
	}
	(void)fail(s, "no reply", "it does not end");
	return 0;
}

/* Send it, and have a reply of this class (2, 3). */
static enum submission_result
command(struct session *s, char const *line, int class)
{
	int code;

	if (!stream_puts(&s->stream, line) || !stream_puts(&s->stream, "\r\n"))
		return fail(s, "send", strerrordesc_np(errno));
	code = read_reply(s);
	if (code / 100 == class)
		return SUBMISSION_OK;
	return code / 100 == 5 ? SUBMISSION_PERMANENT : SUBMISSION_TEMPORARY;
}

static enum submission_result
hello(struct session *s)
{
	char line[512];

	s->eightbit = s->starttls = s->plain = false;
	(void)snprintf(line, sizeof line, "EHLO %s", s->m->hello);
	return command(s, line, 2);
}

static enum submission_result
start_tls(struct session *s)
{
	tls_client_trust(s->m->anchors);
	if (tls_client_start(&s->stream, s->m->host, TLS_VERIFY_ANCHORS))
		return SUBMISSION_OK;
	(void)snprintf(s->text, SUBMISSION_TEXT_MAX,
		"TLS: %s (error %d of BearSSL)",
		tls_error(&s->stream) == BR_ERR_X509_NOT_TRUSTED
			? "nobody whom we trust says that it is this host"
		: tls_error(&s->stream) == BR_ERR_X509_BAD_SERVER_NAME
			? "the certificate is of another host"
			: "the handshake failed",
		tls_error(&s->stream));
	return SUBMISSION_TEMPORARY;
}

/* Up to the second greeting: nothing of ours is said before it is secret. */
static enum submission_result
begin(struct session *s)
{
	enum submission_result r = SUBMISSION_OK;

	if (!s->m->starttls)
		r = start_tls(s);
	if (r == SUBMISSION_OK && read_reply(s) / 100 != 2)
		return SUBMISSION_TEMPORARY;
	if (r == SUBMISSION_OK)
		r = hello(s);
	if (r != SUBMISSION_OK || !s->m->starttls)
		return r;
	if (!s->starttls)
		return fail(s, "TLS", "the server does not offer STARTTLS");
	r = command(s, "STARTTLS", 2);
	if (r == SUBMISSION_OK)
		r = start_tls(s);
	return r == SUBMISSION_OK ? hello(s) : r;
}

/* RFC 4616: no identity, the user, the password. */
static enum submission_result
login(struct session *s)
{
	char plain[USER_MAX + PASSWORD_MAX + 4];
	char line[sizeof "AUTH PLAIN " +
		  sodium_base64_ENCODED_LEN(sizeof plain,
			  sodium_base64_VARIANT_ORIGINAL)] = "AUTH PLAIN ";
	size_t const user = strlen(s->m->user);
	size_t const password = strlen(s->m->password);
	enum submission_result r;

	if (!s->plain)
		return fail(s, "login", "the server does not offer PLAIN");
	if (user > USER_MAX || password > PASSWORD_MAX)
		return fail(s, "login", "name or password is too long");
	plain[0] = '\0';
	memcpy(plain + 1, s->m->user, user + 1);
	memcpy(plain + user + 2, s->m->password, password);
	sodium_bin2base64(line + strlen(line), sizeof line - strlen(line),
		(unsigned char const *)plain, user + password + 2,
		sodium_base64_VARIANT_ORIGINAL);
	r = command(s, line, 2);
	sodium_memzero(plain, sizeof plain);
	sodium_memzero(line, sizeof line);
	return r;
}

static bool
is_ascii(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 0x80)
			return false;
	return true;
}

static enum submission_result
envelope(struct session *s)
{
	struct submission const *m = s->m;
	bool const eightbit = !is_ascii(m->s, m->len);
	char line[1024];
	enum submission_result r;

	if (eightbit && !s->eightbit)
		return fail(s, "8-bit text", "the server does not take any");
	(void)snprintf(line, sizeof line, "MAIL FROM:<%s>%s", m->sender,
		eightbit ? " BODY=8BITMIME" : "");
	r = command(s, line, 2);
	for (size_t i = 0; r == SUBMISSION_OK && i < m->recipients_len;
		i += strlen(m->recipients + i) + 1) {
		(void)snprintf(
			line, sizeof line, "RCPT TO:<%s>", m->recipients + i);
		r = command(s, line, 2);
		if (r != SUBMISSION_OK) {
			char said[SUBMISSION_TEXT_MAX];

			memcpy(said, s->text, sizeof said);
			(void)snprintf(s->text, SUBMISSION_TEXT_MAX,
				"%.200s: %.300s", m->recipients + i, said);
		}
	}
	return r;
}

/* Lines end in CRLF, a dot at the start is doubled; a bare CR becomes nothing,
 * as no server takes one. */
static bool
put_message(struct session *s)
{
	struct submission const *m = s->m;
	size_t pos = 0;

	while (pos < m->len) {
		char const *const lf = memchr(m->s + pos, '\n', m->len - pos);
		size_t const end = lf ? (size_t)(lf - m->s) : m->len;

		if (m->s[pos] == '.' && !stream_write(&s->stream, ".", 1))
			return false;
		for (size_t i = pos; i < end;) {
			char const *const cr = memchr(m->s + i, '\r', end - i);
			size_t const n = cr ? (size_t)(cr - m->s) - i : end - i;

			if (n > 0 && !stream_write(&s->stream, m->s + i, n))
				return false;
			i += n + (cr ? 1 : 0);
		}
		if (!stream_write(&s->stream, "\r\n", 2))
			return false;
		pos = lf ? end + 1 : m->len;
	}
	return true;
}

static enum submission_result
transfer(struct session *s)
{
	enum submission_result r = command(s, "DATA", 3);

	if (r != SUBMISSION_OK)
		return r;
	if (!put_message(s))
		return fail(s, "send", strerrordesc_np(errno));
	return command(s, ".", 2);
}

enum submission_result
submission_run(
	struct submission const *m, int fd, char text_r[SUBMISSION_TEXT_MAX])
{
	static struct session s;
	char kept[SUBMISSION_TEXT_MAX];
	enum submission_result r;

	s.m = m;
	s.text = text_r;
	text_r[0] = '\0';
	stream_init(&s.stream, fd, fd, WAIT_MS);
	r = begin(&s);
	if (r == SUBMISSION_OK && m->user)
		r = login(&s);
	if (r == SUBMISSION_OK)
		r = envelope(&s);
	if (r == SUBMISSION_OK)
		r = transfer(&s);
	/* Good manners; what it says then is of no more interest. */
	memcpy(kept, text_r, sizeof kept);
	if (s.stream.error == 0) {
		s.stream.timeout_ms = 2000;
		(void)command(&s, "QUIT", 2);
		stream_close(&s.stream);
	}
	memcpy(text_r, kept, sizeof kept);
	return r;
}
