/*
 * imap-front - IMAP before login, and TLS
 *
 * Started by the monitor for each client, without any right, in an empty
 * chroot. Trusts nobody; can ask the monitor for signatures and for a login.
 * Once that has worked it moves octets between the client and imapd. See
 * imap-front(8).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sodium.h>

#include "common/log.h"
#include "common/monitor/template.h"
#include "common/monitor/signin.h"
#include "imapd/capabilities.h"
#include "imapd/command.h"

/* To a client for whom no process can be had. */
#define BUSY "* BYE [UNAVAILABLE] Too busy, try again later\r\n"

/* Octets of a command with its literals. */
#define INPUT_MAX 4096
/* AUTHENTICATE with a token, and a name before it, in one line. */
#define LINE_MAX_AUTHENTICATE (LOGIN_BASE64(LOGIN_TOKEN_MAX) + 100)

static struct front front;
static char input[LINE_MAX_AUTHENTICATE + 4], text[sizeof input];
static size_t input_len;
static struct command command;
static unsigned bad_commands;

static void
say(char const *s)
{
	stream_puts(&front.stream, s);
}

static void
answer(char const *status)
{
	stream_write(&front.stream, command.tag.s, command.tag.len);
	say(" ");
	say(status);
	say("\r\n");
}

static void
refuse(char const *status)
{
	answer(status);
	bad_commands++;
}

static void
say_capabilities(void)
{
	say("CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ENABLE ID");
	if (front.is_tls)
		front_say_mechanisms(&front, " AUTH=");
	if (front.is_tls)
		say(" AUTH=PLAIN AUTH=LOGIN");
	else if (front.has_certificates)
		say(" STARTTLS LOGINDISABLED");
	else
		say(" LOGINDISABLED");
}

/* The answer to a login; on success this process becomes the mover and does not
 * return. */
static void
judged(enum request_verdict v, int const pipes[2])
{
	sodium_memzero(front.stream.in, front.stream.in_start);
	if (v == REQUEST_OK) {
		stream_write(&front.stream, command.tag.s, command.tag.len);
		say(" OK [CAPABILITY ");
		say(capabilities);
		say("] Logged in\r\n");
		sodium_memzero(input, sizeof input);
		sodium_memzero(text, sizeof text);
		signin_done(&front, pipes);
	}
	answer(v == REQUEST_DENIED
			? "NO [AUTHENTICATIONFAILED] Wrong name or password"
			: "NO [UNAVAILABLE] Cannot log you in now");
}

/* Names and passwords go under TLS alone. */
static bool
may_log_in(void)
{
	if (!front.is_tls)
		refuse(front.has_certificates
				? "NO [PRIVACYREQUIRED] Use STARTTLS first"
				: "NO [PRIVACYREQUIRED] Login needs TLS");
	return front.is_tls;
}

static void
cmd_login(void)
{
	struct lex *const l = &command.lex;
	struct lex_text user, password;
	enum request_verdict verdict;
	int pipes[2];

	if (!may_log_in())
		return;
	if (!lex_space(l) || !lex_astring(l, &user) || !lex_space(l) ||
		!lex_astring(l, &password) || !lex_end(l))
		refuse("BAD Arguments not understood");
	else if (signin_password(&front, user.s, user.len, password.s,
			 password.len, &verdict, pipes) == SIGNIN_JUDGED)
		judged(verdict, pipes);
	else
		refuse("NO [AUTHENTICATIONFAILED] Wrong name or password");
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
	if (len == 1 && *line == '*') {
		refuse("BAD Cancelled");
		return 0;
	}
	if (front_base64(line, len, out, max, len_r))
		return 1;
	refuse("BAD Malformed SASL message");
	return 0;
}

/* False: the session is over. */
static bool
cmd_authenticate(void)
{
	struct lex *const l = &command.lex;
	struct lex_text mechanism, initial = {NULL, 0};
	enum request_verdict verdict;
	enum signin r;
	int pipes[2];

	if (!may_log_in())
		return true;
	if (!lex_space(l) || !lex_atom(l, &mechanism) ||
		(lex_space(l) && !lex_atom(l, &initial)) || !lex_end(l)) {
		refuse("BAD Arguments not understood");
		return true;
	}
	/* RFC 4959: an empty one. */
	if (initial.s != NULL && initial.len == 1 && *initial.s == '=')
		initial.len = 0;
	r = signin_sasl(&front, mechanism.s, mechanism.len, initial.s,
		initial.len, ask, NULL, &verdict, pipes);
	if (r == SIGNIN_JUDGED)
		judged(verdict, pipes);
	else if (r == SIGNIN_MALFORMED)
		refuse("BAD Malformed SASL message");
	else if (r == SIGNIN_UNKNOWN)
		refuse("NO No such mechanism");
	return r != SIGNIN_GONE;
}

/* False: the session is over. */
static bool
cmd_starttls(void)
{
	if (front.is_tls || !front.has_certificates) {
		refuse(front.is_tls ? "BAD TLS is on already"
				    : "NO TLS is not available");
		return true;
	}
	answer("OK Begin TLS");
	return front_start_tls(&front);
}

/* False: the session is over. */
static bool
run(void)
{
	switch (command.verb) {
	case COMMAND_AUTHENTICATE:
		return cmd_authenticate();
	case COMMAND_LOGIN:
		cmd_login();
		return true;
	case COMMAND_ID:
		say("* ID (\"name\" \"Kereru\")\r\n");
		answer("OK ID completed");
		return true;
	default:
		break;
	}
	if (!lex_end(&command.lex)) {
		refuse(command.verb == COMMAND_UNKNOWN
				? "BAD Unknown command"
				: "BAD Not before login");
		return true;
	}
	switch (command.verb) {
	case COMMAND_CAPABILITY:
		say("* ");
		say_capabilities();
		say("\r\n");
		answer("OK CAPABILITY completed");
		return true;
	case COMMAND_NOOP:
		answer("OK NOOP completed");
		return true;
	case COMMAND_STARTTLS:
		return cmd_starttls();
	case COMMAND_LOGOUT:
		say("* BYE Goodbye\r\n");
		answer("OK LOGOUT completed");
		return false;
	default:
		refuse("BAD Log in first");
		return true;
	}
}

static bool
is_http(struct lex_text const *tag)
{
	static char const *const verbs[] = {
		"GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT", "PATCH"};

	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (lex_is(tag, verbs[i]))
			return memmem(input, input_len, "HTTP/", 5) != NULL;
	return false;
}

/* False: the session is over. */
static bool
whole_command(void)
{
	if (!command_parse(input, input_len, text, &command)) {
		command.tag = (struct lex_text){"*", 1};
		refuse("BAD No command");
		return true;
	}
	if (is_http(&command.tag)) {
		log_event("http", NULL, "client", front.client, (char *)0);
		return false;
	}
	return run();
}

static void
add(char const *s, size_t len)
{
	/* collect has made sure; should it be wrong, the session is lost and
	 * nothing else. */
	if (len > sizeof input - input_len)
		_exit(111);
	memcpy(input + input_len, s, len);
	input_len += len;
}

/* Read a literal of size octets, which fits. As stream_line. */
static int
literal(size_t size)
{
	struct stream *const in = &front.stream;

	while (size > 0) {
		size_t n = stream_pending(in);

		if (n == 0) {
			int const r = stream_fill(in);

			if (r <= 0)
				return r;
			continue;
		}
		if (n > size)
			n = size;
		add(in->in + in->in_start, n);
		in->in_start += n;
		size -= n;
	}
	return 1;
}

/*
 * Collect a command with its literals. 1; 0 the peer has closed; -1, errno
 * E2BIG when it is too long (its line is not read away then), EMSGSIZE when a
 * literal that is coming is.
 */
static int
collect(void)
{
	input_len = 0;
	for (;;) {
		/* Room for a CRLF and so that the last line can end. */
		size_t const room =
			(input_len == 0 && front.is_tls ? sizeof input
							: INPUT_MAX) -
			4 - input_len;
		bool synchronizing;
		char const *line;
		uint64_t size;
		size_t len;
		int r = stream_line(&front.stream, room, &line, &len, NULL);

		if (r <= 0)
			return r;
		add(line, len);
		if (!lex_literal(line, len, &size, &synchronizing)) {
			add("\r\n", 2);
			return 1;
		}
		/* A CRLF stands in front of the literal. */
		if (input_len > INPUT_MAX - 6 ||
			size > INPUT_MAX - 6 - input_len) {
			errno = EMSGSIZE;
			return -1;
		}
		add("\r\n", 2);
		if (synchronizing)
			say("+ Go ahead\r\n");
		r = literal((size_t)size);
		if (r <= 0)
			return r;
	}
}

/* False: the session is over. */
static bool
next(int64_t deadline_ms)
{
	int r;

	signin_next(&front, deadline_ms);
	r = collect();
	command.tag = (struct lex_text){"*", 1};
	if (r > 0) {
		if (!whole_command())
			return false;
	} else if (r < 0 && errno == E2BIG) {
		refuse("BAD Line too long");
		if (stream_skip_line(&front.stream) <= 0)
			return false;
	} else {
		if (r < 0 && errno == ETIMEDOUT)
			say("* BYE [UNAVAILABLE] Too slow\r\n");
		else if (r < 0 && errno == ECANCELED)
			say("* BYE [UNAVAILABLE] Shutting down\r\n");
		else if (r < 0 && errno == EMSGSIZE)
			say("* BYE Literal too large\r\n");
		return false;
	}
	if (bad_commands < SIGNIN_BAD_COMMANDS_MAX &&
		front.failed_logins < SIGNIN_FAILED_MAX)
		return true;
	say("* BYE Too many errors\r\n");
	return false;
}

int
main(int argc, char const *const *argv)
{
	int64_t deadline_ms;

	if (argc == 1)
		argc = template_run("imap-front", BUSY, &argv);
	front_init(&front, "imap-front", argc, argv, "imap", 0);
	deadline_ms = signin_begin(&front);
	front_ready(&front, SANDBOX_FRONT);
	say("* OK [");
	say_capabilities();
	say("] ");
	say(front.hostname);
	say(" Kereru ready\r\n");
	while (next(deadline_ms))
		continue;
	stream_close(&front.stream);
	return 0;
}
