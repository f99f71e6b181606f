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
#include "common/monitor/template.h"
#include "common/monitor/signin.h"
#include "pop3d/command.h"
#include "pop3d/language.h"

/* To a client for whom no process can be had. */
#define BUSY "-ERR [SYS/TEMP] Too busy, try again later\r\n"

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
	if (v == REQUEST_OK)
		signin_done(&front, pipes);
	say(v == REQUEST_DENIED ? "-ERR [AUTH] Wrong name or password\r\n"
				: "-ERR [SYS/TEMP] Cannot log you in now\r\n");
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
	enum request_verdict v;
	int pipes[2];

	if (!may_log_in())
		return;
	if (user_len == 0)
		refuse("USER first");
	else if (signin_password(&front, user, user_len, c->text, c->text_len,
			 &v, pipes) == SIGNIN_JUDGED)
		judged(v, pipes);
	else
		refuse("[AUTH] Wrong name or password");
}

/* A front_ask. `*` cancels (RFC 5034 4). */
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
	if (len == 1 && *line == '*')
		refuse("Cancelled");
	else if (!front_base64(line, len, out, max, len_r))
		refuse("Malformed SASL message");
	else
		return 1;
	return 0;
}

/* RFC 5034 4. False: the session is over. */
static bool
cmd_auth(struct pop3_command const *c)
{
	char const *space, *initial;
	size_t word_len, initial_len;
	enum request_verdict v;
	enum signin r;
	int pipes[2];

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
	if (initial_len <= 1)
		initial = NULL;
	else if (initial_len == 2 && initial[1] == '=')
		initial_len = 0;
	else
		initial_len--, initial++;
	/* A POP3 client that knows no PLAIN has USER and PASS. */
	if (word_len == 5 && strncasecmp(c->text, "LOGIN", 5) == 0)
		word_len = 0;
	r = signin_sasl(&front, c->text, word_len, initial, initial_len, ask,
		NULL, &v, pipes);
	if (r == SIGNIN_JUDGED)
		judged(v, pipes);
	else if (r == SIGNIN_MALFORMED)
		refuse("Malformed SASL message");
	else if (r == SIGNIN_UNKNOWN)
		refuse("No such mechanism");
	return r != SIGNIN_GONE;
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
	char const *line;
	size_t len;
	int r;

	signin_next(&front, deadline_ms);
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
	return front.failed_logins < SIGNIN_FAILED_MAX &&
	       bad_commands < SIGNIN_BAD_COMMANDS_MAX &&
	       front.stream.error == 0;
}

int
main(int argc, char const *const *argv)
{
	int64_t deadline_ms;

	if (argc == 1)
		argc = template_run("pop3-front", BUSY, &argv);
	front_init(&front, "pop3-front", argc, argv, "pop3", 0);
	deadline_ms = signin_begin(&front);
	front_ready(&front, SANDBOX_FRONT);
	say("+OK ");
	say(front.hostname);
	say(" POP3 ready\r\n");
	while (next(deadline_ms))
		;
	stream_close(&front.stream);
	return 0;
}
