/*
 * pop3-front - POP3 before login, and TLS
 *
 * Started by the monitor for each client, without any right, in an empty
 * chroot. Trusts nobody; can ask the monitor for signatures and for a login.
 * Once that has worked it moves octets between the client and pop3d, whose
 * first line answers the login. See pop3-front(8).
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <sodium.h>
#include "common/log.h"
#include "common/settings.h"
#include "common/monitor/template.h"
#include "common/monitor/front.h"
#include "pop3d/command.h"
#include "pop3d/language.h"

/* To a client for whom no process can be had. */
#define BUSY "-ERR [SYS/TEMP] Too busy, try again later\r\n"

#define LOGIN_TIMEOUT_S 60
#define LOGIN_TIMEOUT_MAX_S 3600
/* All that comes before login may take this many times the time limit of one
 * command. */
#define TIMEOUTS_MAX 3
#define FAILED_LOGINS_MAX 3
#define BAD_COMMANDS_MAX 10
/* AUTH with a token; other commands POP3_LINE_MAX. */
#define AUTH_LINE_MAX (LOGIN_BASE64(LOGIN_TOKEN_MAX) + 20)

static struct front front;
static char user[REQUEST_MAILBOX_MAX];
static size_t user_len;
static unsigned bad_commands;
static bool is_utf8; /* the client has said UTF8 */

static void
say(char const *text)
{
	stream_puts(&front.stream, text);
}

static void
refuse(char const *why)
{
	say("-ERR ");
	say(why);
	say("\r\n");
	bad_commands++;
}

static void
cmd_capa(void)
{
	say(POP3_CAPABILITIES);
	if (front.is_tls)
		say("USER\r\nSASL");
	if (front.is_tls)
		front_say_mechanisms(&front, " ");
	if (front.is_tls)
		say(" PLAIN\r\n");
	else if (front.has_certificates)
		say("STLS\r\n");
	say(POP3_CAPABILITIES_END);
}

/* False: the session is over. */
static bool
cmd_stls(void)
{
	if (front.is_tls || !front.has_certificates) {
		refuse(front.is_tls ? "TLS is on already"
				    : "TLS is not available");
		return true;
	}
	if (is_utf8) {
		refuse("STLS comes before UTF8");
		return true;
	}
	say("+OK Begin TLS\r\n");
	return front_start_tls(&front);
}

/* The answer to a login; on success this process becomes the mover and does not
 * return. */
static void
judged(enum request_verdict v, int const pipes[2])
{
	sodium_memzero(front.stream.in, front.stream.in_start);
	user_len = 0;
	if (v == REQUEST_OK) {
		/* What is left of the time before login does not count. */
		front.stream.timeout_ms = LOGIN_TIMEOUT_S * 1000;
		front_move(&front, pipes);
	}
	say(v == REQUEST_DENIED ? "-ERR [AUTH] Wrong name or password\r\n"
				: "-ERR [SYS/TEMP] Cannot log you in now\r\n");
}

static void
log_in(char *sasl, size_t len)
{
	int pipes[2];
	enum request_verdict v = front_login(&front, sasl, len, pipes);

	sodium_memzero(sasl, len);
	judged(v, pipes);
}

/* Names and passwords go under TLS alone. */
static bool
may_log_in(void)
{
	if (!front.is_tls)
		refuse(front.has_certificates ? "Use STLS first"
					      : "Login needs TLS");
	return front.is_tls;
}

static void
cmd_user(struct pop3_command const *c)
{
	if (!may_log_in())
		return;
	if (c->text_len > sizeof user ||
		memchr(c->text, '\0', c->text_len) != NULL) {
		refuse("Bad name");
		return;
	}
	memcpy(user, c->text, c->text_len);
	user_len = c->text_len;
	say("+OK Password?\r\n");
}

static void
cmd_pass(struct pop3_command const *c)
{
	char sasl[LOGIN_MESSAGE_MAX];
	size_t len = 1 + user_len + 1 + c->text_len;

	if (!may_log_in())
		return;
	if (user_len == 0) {
		refuse("USER first");
		return;
	}
	if (len > sizeof sasl || memchr(c->text, '\0', c->text_len) != NULL) {
		refuse("[AUTH] Wrong name or password");
		return;
	}
	/* RFC 4616: no authorization identity, the name, the password. */
	sasl[0] = '\0';
	memcpy(sasl + 1, user, user_len);
	sasl[1 + user_len] = '\0';
	memcpy(sasl + 1 + user_len + 1, c->text, c->text_len);
	log_in(sasl, len);
}

/* Decode one SASL message. 1, or 0: answered. `*` cancels (RFC 5034 4). */
static int
decode(char const *s, size_t len, char *out, size_t max, size_t *len_r)
{
	if (len == 1 && *s == '*')
		refuse("Cancelled");
	else if (!front_base64(s, len, out, max, len_r))
		refuse("Malformed SASL message");
	else
		return 1;
	return 0;
}

/* A front_ask. */
static int
ask(void *data, char const *challenge, char *out, size_t max, size_t *len_r)
{
	char const *line;
	size_t len;

	(void)data;
	say("+ ");
	say(challenge);
	say("\r\n");
	if (stream_line(&front.stream, LOGIN_BASE64(LOGIN_TOKEN_MAX), &line,
		    &len, NULL) <= 0)
		return -1;
	return decode(line, len, out, max, len_r);
}

static bool
is_word(char const *s, size_t len, char const *word)
{
	return len == strlen(word) && strncasecmp(s, word, len) == 0;
}

/* One login by m, or PLAIN for NULL, with the initial response s; `=` is an
 * empty one (RFC 5034 4). False: the session is over. */
static bool
authenticate(struct front_mechanism const *m, char const *s, size_t len)
{
	char sasl[LOGIN_TOKEN_MAX];
	size_t max = m != NULL ? m->message_max : LOGIN_MESSAGE_MAX;
	enum request_verdict v;
	size_t n = 0;
	int pipes[2];
	int r = 1;

	if (len == 0)
		r = ask(NULL, "", sasl, max, &n);
	else if (len > 1 || *s != '=')
		r = decode(s, len, sasl, max, &n);
	if (r <= 0)
		return r == 0;
	if (m == NULL) {
		if (n == 0)
			refuse("Malformed SASL message");
		else
			log_in(sasl, n);
		return true;
	}
	r = front_exchange(&front, m, sasl, n, ask, NULL, &v, pipes);
	if (r > 0)
		judged(v, pipes);
	return r >= 0;
}

/* RFC 5034 4. False: the session is over. */
static bool
cmd_auth(struct pop3_command const *c)
{
	char const *space, *initial;
	size_t word_len, initial_len;
	struct front_mechanism const *m;

	if (!may_log_in())
		return true;
	if (c->text_len == 0) {
		say("+OK");
		front_say_mechanisms(&front, "\r\n");
		say("\r\nPLAIN\r\n.\r\n");
		return true;
	}
	space = memchr(c->text, ' ', c->text_len);
	word_len = space != NULL ? (size_t)(space - c->text) : c->text_len;
	initial = c->text + word_len;
	initial_len = c->text_len - word_len;
	if (initial_len > 0) {
		initial++;
		initial_len--;
	}
	if (is_word(c->text, word_len, "PLAIN"))
		return authenticate(NULL, initial, initial_len);
	m = front_mechanism(&front, c->text, word_len);
	if (m != NULL)
		return authenticate(m, initial, initial_len);
	refuse("No such mechanism");
	return true;
}

/* False: the session is over. */
static bool
command(char const *line, size_t len)
{
	enum pop3_command_error err;
	struct pop3_command c;

	if (!pop3_command_parse(line, len, &c, &err)) {
		refuse(pop3_command_strerror(err));
		return true;
	}
	if (len > POP3_LINE_MAX && c.verb != POP3_AUTH) {
		refuse("Line too long");
		return true;
	}
	switch (c.verb) {
	case POP3_CAPA:
		cmd_capa();
		break;
	case POP3_STLS:
		return cmd_stls();
	case POP3_USER:
		cmd_user(&c);
		break;
	case POP3_PASS:
		cmd_pass(&c);
		break;
	case POP3_AUTH:
		return cmd_auth(&c);
	case POP3_LANG:
		say(pop3_language(&c));
		break;
	case POP3_UTF8:
		/* RFC 6856, 2.1: messages are sent as they are, before it
		 * too. */
		is_utf8 = true;
		say("+OK\r\n");
		break;
	case POP3_NOOP:
		say("+OK\r\n");
		break;
	case POP3_QUIT:
		say("+OK Bye\r\n");
		return false;
	case POP3_HTTP:
		log_event("http", NULL, "client", front.client, (char *)0);
		return false;
	case POP3_APOP:
	case POP3_DELE:
	case POP3_LIST:
	case POP3_RETR:
	case POP3_RSET:
	case POP3_STAT:
	case POP3_TOP:
	case POP3_UIDL:
		refuse("Log in first");
		break;
	}
	return true;
}

/* False: the session is over. */
static bool
next(int64_t deadline_ms)
{
	int64_t left_ms = deadline_ms - stream_clock_ms();
	char const *line;
	size_t len;
	int r;

	if (left_ms < front.stream.timeout_ms)
		front.stream.timeout_ms = left_ms > 0 ? (int)left_ms : 0;
	r = stream_line(&front.stream, AUTH_LINE_MAX, &line, &len, NULL);
	if (r > 0) {
		if (!command(line, len))
			return false;
	} else if (r < 0 && errno == E2BIG) {
		refuse("Line too long");
		if (stream_skip_line(&front.stream) <= 0)
			return false;
	} else {
		if (r < 0 && errno == ETIMEDOUT)
			say("-ERR Idle for too long\r\n");
		else if (r < 0 && errno == ECANCELED)
			say("-ERR [SYS/TEMP] Shutting down\r\n");
		return false;
	}
	return front.failed_logins < FAILED_LOGINS_MAX &&
	       bad_commands < BAD_COMMANDS_MAX && front.stream.error == 0;
}

int
main(int argc, char const *const *argv)
{
	uint64_t timeout_s;
	int64_t deadline_ms;

	if (argc == 1)
		argc = template_run("pop3-front", BUSY, &argv);
	front_init(&front, "pop3-front", argc, argv, "pop3",
		LOGIN_TIMEOUT_S * 1000);
	timeout_s = settings_number(
		&front.settings, "login-timeout", LOGIN_TIMEOUT_S);
	if (timeout_s > LOGIN_TIMEOUT_MAX_S)
		timeout_s = LOGIN_TIMEOUT_MAX_S;
	front.stream.timeout_ms = (int)timeout_s * 1000;
	deadline_ms = stream_clock_ms() +
		      (int64_t)front.stream.timeout_ms * TIMEOUTS_MAX;
	front_ready(&front, SANDBOX_FRONT);
	say("+OK ");
	say(front.hostname);
	say(" POP3 ready\r\n");
	while (next(deadline_ms))
		;
	stream_close(&front.stream);
	return 0;
}
