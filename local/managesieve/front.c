/*
 * sieve-front - ManageSieve before login, and TLS (RFC 5804)
 *
 * Started by the monitor for each client, without any right, in an empty
 * chroot. Trusts nobody; can ask the monitor for signatures and for a login.
 * Once that has worked it moves octets between the client and sieved. See
 * sieve-front(8).
 */
#include <errno.h>
#include <string.h>
#include <sodium.h>
#include "common/log.h"
#include "common/monitor/signin.h"
#include "common/monitor/template.h"
#include "local/managesieve/command.h"
#include "local/managesieve/talk.h"

/* To a client for whom no process can be had. */
#define BUSY "BYE (TRYLATER) \"Too busy, try again later\"\r\n"

/* Octets of a command with its literals, in the clear; under TLS a token and a
 * name before it must fit. */
#define INPUT_MAX 4096
#define INPUT_MAX_TLS (LOGIN_BASE64(LOGIN_TOKEN_MAX) + 100)

static struct front front;
static char input[INPUT_MAX_TLS];
static unsigned bad_commands;

static void
answer(char const *status, char const *code, char const *text)
{
	talk_answer(&front.stream, status, code, text);
}

static void
refuse(char const *code, char const *text)
{
	answer("NO", code, text);
	bad_commands++;
}

static void
say_capabilities(void)
{
	static char const *const strong[] = {"SCRAM-SHA-256", "OAUTHBEARER"};
	struct stream *const s = &front.stream;

	talk_capabilities(s);
	stream_puts(s, "\"SASL\" \"");
	for (size_t i = 0; i < 2 && front.is_tls; i++)
		if (front_mechanism(&front, strong[i], strlen(strong[i])) !=
			NULL) {
			stream_puts(s, strong[i]);
			stream_puts(s, " ");
		}
	stream_puts(s, front.is_tls ? "PLAIN LOGIN\"\r\n" : "\"\r\n");
	if (!front.is_tls && front.has_certificates)
		talk_pair(&front.stream, "STARTTLS", NULL);
	answer("OK", NULL, NULL);
}

/* A front_ask. */
static int
ask(void *data, char const *challenge, char *out, size_t max, size_t *len_r)
{
	struct managesieve_argument string;
	size_t len;

	(void)data;
	talk_string(&front.stream, challenge, strlen(challenge));
	stream_puts(&front.stream, "\r\n");
	if (talk_read(&front.stream, input, sizeof input, &len) <= 0)
		return -1;
	if (!managesieve_string(input, len, &string))
		refuse(NULL, "A string was wanted");
	else if (string.len == 1 && *string.s == '*')
		refuse(NULL, "Cancelled");
	else if (!front_base64(string.s, string.len, out, max, len_r))
		refuse(NULL, "Malformed SASL message");
	else
		return 1;
	return 0;
}

/* On success this process becomes the mover and does not return. */
static void
judged(enum request_verdict v, int const pipes[2])
{
	sodium_memzero(input, sizeof input);
	sodium_memzero(front.stream.in, front.stream.in_start);
	if (v == REQUEST_OK) {
		answer("OK", NULL, "Logged in");
		signin_done(&front, pipes);
	}
	if (v == REQUEST_DENIED)
		answer("NO", NULL, "Wrong name or password");
	else
		answer("NO", "TRYLATER", "Cannot log you in now");
}

/* False: the session is over. */
static bool
cmd_authenticate(struct managesieve_command const *c)
{
	struct managesieve_argument const *const initial = &c->args[1];
	char mechanism[32];
	enum request_verdict v;
	enum signin r;
	int pipes[2];

	if (!front.is_tls) {
		refuse("ENCRYPT-NEEDED", front.has_certificates
						 ? "Use STARTTLS first"
						 : "Login needs TLS");
		return true;
	}
	if (c->args[0].len > sizeof mechanism) {
		refuse(NULL, "No such mechanism");
		return true;
	}
	/* An answer to a challenge is read over the command. */
	memcpy(mechanism, c->args[0].s, c->args[0].len);
	r = signin_sasl(&front, mechanism, c->args[0].len,
		c->count > 1 ? initial->s : NULL, initial->len, ask, NULL, &v,
		pipes);
	if (r == SIGNIN_JUDGED)
		judged(v, pipes);
	else if (r == SIGNIN_MALFORMED)
		refuse(NULL, "Malformed SASL message");
	else if (r == SIGNIN_UNKNOWN)
		refuse(NULL, "No such mechanism");
	return r != SIGNIN_GONE;
}

/* False: the session is over. */
static bool
cmd_starttls(void)
{
	if (front.is_tls || !front.has_certificates) {
		refuse(NULL, front.is_tls ? "TLS is on already"
					  : "TLS is not available");
		return true;
	}
	answer("OK", NULL, "Begin TLS");
	if (!front_start_tls(&front))
		return false;
	/* 2.2: what was told in the clear may have been changed. */
	say_capabilities();
	return true;
}

/* False: the session is over. */
static bool
run(struct managesieve_command const *c)
{
	switch (c->verb) {
	case MANAGESIEVE_AUTHENTICATE:
		return cmd_authenticate(c);
	case MANAGESIEVE_STARTTLS:
		return cmd_starttls();
	case MANAGESIEVE_CAPABILITY:
		say_capabilities();
		return true;
	case MANAGESIEVE_NOOP:
		talk_noop(&front.stream, c->count > 0 ? c->args[0].s : NULL,
			c->args[0].len);
		return true;
	case MANAGESIEVE_LOGOUT:
		answer("OK", NULL, "Goodbye");
		return false;
	case MANAGESIEVE_UNKNOWN:
	case MANAGESIEVE_CHECKSCRIPT:
	case MANAGESIEVE_DELETESCRIPT:
	case MANAGESIEVE_GETSCRIPT:
	case MANAGESIEVE_HAVESPACE:
	case MANAGESIEVE_LISTSCRIPTS:
	case MANAGESIEVE_PUTSCRIPT:
	case MANAGESIEVE_RENAMESCRIPT:
	case MANAGESIEVE_SETACTIVE:
		break;
	}
	refuse(NULL, "Log in first");
	return true;
}

/* A browser that was led here by a page. */
static bool
is_http(size_t len)
{
	return memmem(input, len, " HTTP/", 6) != NULL;
}

/* False: the session is over. */
static bool
next(int64_t deadline_ms)
{
	struct managesieve_command command;
	char const *why;
	size_t len = 0;
	int r;

	signin_next(&front, deadline_ms);
	r = talk_read(&front.stream, input,
		front.is_tls ? sizeof input : INPUT_MAX, &len);
	if (r < 0 && errno == EMSGSIZE) {
		refuse(NULL, "Too long");
	} else if (r > 0) {
		why = managesieve_parse(input, len, &command);
		if (why != NULL && is_http(len)) {
			log_event("http", NULL, "client", front.client,
				(char *)0);
			return false;
		}
		if (why != NULL)
			refuse(NULL, why);
		else if (!run(&command))
			return false;
	} else {
		if (r < 0 && errno == ETIMEDOUT)
			answer("BYE", "TRYLATER", "Too slow");
		else if (r < 0 && errno == ECANCELED)
			answer("BYE", "TRYLATER", "Shutting down");
		else if (r < 0 && errno == E2BIG)
			answer("BYE", NULL, "Too long");
		return false;
	}
	if (bad_commands < SIGNIN_BAD_COMMANDS_MAX &&
		front.failed_logins < SIGNIN_FAILED_MAX)
		return front.stream.error == 0;
	answer("BYE", NULL, "Too many errors");
	return false;
}

int
main(int argc, char const *const *argv)
{
	int64_t deadline_ms;

	if (argc == 1)
		argc = template_run("sieve-front", BUSY, &argv);
	front_init(&front, "sieve-front", argc, argv, "managesieve", 0);
	deadline_ms = signin_begin(&front);
	front_ready(&front, SANDBOX_FRONT);
	say_capabilities();
	while (next(deadline_ms))
		continue;
	stream_close(&front.stream);
	return 0;
}
