/* Logging in at a host that mail is routed through: see login.h. */
#include <sodium.h>
#include <string.h>
#include "common/scramclient.h"
#include "remote/login.h"
#include "remote/text.h"

/* Octets of what is said in base64. */
#define SAID_MAX SCRAMCLIENT_MESSAGE_MAX
_Static_assert(SAID_MAX >= 2 * LOGIN_OUT_MAX + 2, "PLAIN fits, too");
_Static_assert(LOGIN_OUT_MAX <= SCRAMCLIENT_USER_MAX, "each name fits");

#define ENCODED(n) sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_ORIGINAL)

bool
login_out_parse(char const *s, size_t len, struct login_out *l)
{
	size_t n = strnlen(s, len);

	if (n == 0 || n == len || n > LOGIN_OUT_MAX ||
		len - n - 1 > LOGIN_OUT_MAX || len - n - 1 == 0 ||
		memchr(s + n + 1, '\0', len - n - 1) != NULL)
		return false;
	memcpy(l->user, s, n + 1);
	memcpy(l->password, s + n + 1, len - n - 1);
	l->password[len - n - 1] = '\0';
	return true;
}

static void
put_base64(struct client *c, char const *s, size_t len)
{
	char text[ENCODED(SAID_MAX)];

	sodium_bin2base64(text, sizeof text, (unsigned char const *)s, len,
		sodium_base64_VARIANT_ORIGINAL);
	stream_puts(&c->stream, text);
	stream_puts(&c->stream, "\r\n");
	sodium_memzero(text, sizeof text);
}

static enum client_status
fail(struct client *c, char const *what, char text_r[CLIENT_TEXT_SIZE])
{
	client_quit(c);
	text_join(text_r, CLIENT_TEXT_SIZE, "4.7.8 ", c->peer, ": ", what,
		(char *)0);
	return CLIENT_TEMPORARY;
}

/* The reply to a step: true if it has this code. */
static bool
read_answer(struct client *c, unsigned code, struct reply *reply_r,
	enum client_status *status_r, char text_r[CLIENT_TEXT_SIZE])
{
	*status_r = CLIENT_TEMPORARY;
	if (!client_reply(c, CLIENT_WAIT_COMMAND, reply_r, text_r))
		return false;
	if (reply_r->code == code)
		return true;
	/* The host may repeat what it was given: not in our logs. */
	*status_r = fail(c,
		reply_r->code / 100 == 5   ? "it refuses our name and password"
		: reply_r->code / 100 == 2 ? "it lets us in too early"
					   : "it can't be logged in at now",
		text_r);
	return false;
}

static bool
is_answered(struct client *c, unsigned code, enum client_status *status_r,
	char text_r[CLIENT_TEXT_SIZE])
{
	struct reply reply;

	return read_answer(c, code, &reply, status_r, text_r);
}

static enum client_status
say_plain(struct client *c, struct login_out const *l,
	char text_r[CLIENT_TEXT_SIZE])
{
	size_t user = strlen(l->user), password = strlen(l->password);
	char message[2 * LOGIN_OUT_MAX + 2];
	enum client_status status;

	message[0] = '\0';
	memcpy(message + 1, l->user, user + 1);
	memcpy(message + user + 2, l->password, password);
	stream_puts(&c->stream, "AUTH PLAIN ");
	put_base64(c, message, user + password + 2);
	sodium_memzero(message, sizeof message);
	return is_answered(c, 235, &status, text_r) ? CLIENT_OK : status;
}

static enum client_status
say_login(struct client *c, struct login_out const *l,
	char text_r[CLIENT_TEXT_SIZE])
{
	enum client_status status;

	stream_puts(&c->stream, "AUTH LOGIN\r\n");
	if (!is_answered(c, 334, &status, text_r))
		return status;
	put_base64(c, l->user, strlen(l->user));
	if (!is_answered(c, 334, &status, text_r))
		return status;
	put_base64(c, l->password, strlen(l->password));
	return is_answered(c, 235, &status, text_r) ? CLIENT_OK : status;
}

/* In the middle of an exchange (RFC 4954 4). */
static enum client_status
cancel(struct client *c, char const *what, char text_r[CLIENT_TEXT_SIZE])
{
	stream_puts(&c->stream, "*\r\n");
	return fail(c, what, text_r);
}

/* A challenge (RFC 4954 4), decoded; its length, or 0. */
static size_t
read_challenge(struct client *c, char out[SCRAMCLIENT_SERVER_MAX],
	enum client_status *status_r, char text_r[CLIENT_TEXT_SIZE])
{
	struct reply reply;
	size_t len = 0;

	if (!read_answer(c, 334, &reply, status_r, text_r))
		return 0;
	if (sodium_base642bin((unsigned char *)out, SCRAMCLIENT_SERVER_MAX,
		    reply.text + 4, reply.text_len > 4 ? reply.text_len - 4 : 0,
		    NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL) < 0 ||
		len == 0) {
		*status_r = cancel(
			c, "it answers SCRAM with something else", text_r);
		return 0;
	}
	return len;
}

static enum client_status
say_scram(struct client *c, struct login_out const *l,
	char text_r[CLIENT_TEXT_SIZE])
{
	struct scramclient x;
	char nonce[ENCODED(18)], said[SAID_MAX];
	char challenge[SCRAMCLIENT_SERVER_MAX];
	unsigned char random[18];
	enum client_status status;
	size_t len;

	_Static_assert(sizeof nonce == SCRAMCLIENT_NONCE_LEN + 1, "its length");
	randombytes_buf(random, sizeof random);
	sodium_bin2base64(nonce, sizeof nonce, random, sizeof random,
		sodium_base64_VARIANT_ORIGINAL);
	len = scramclient_first(&x, l->user, strlen(l->user), nonce, said);
	stream_puts(&c->stream, "AUTH SCRAM-SHA-256 ");
	put_base64(c, said, len);
	len = read_challenge(c, challenge, &status, text_r);
	if (len == 0)
		return status;
	len = scramclient_final(
		&x, challenge, len, l->password, strlen(l->password), said);
	if (len == 0)
		return cancel(
			c, "it answers SCRAM with something else", text_r);
	put_base64(c, said, len);
	len = read_challenge(c, challenge, &status, text_r);
	if (len == 0)
		return status;
	if (!scramclient_verify(&x, challenge, len))
		return cancel(c, "it does not know our password", text_r);
	stream_puts(&c->stream, "\r\n");
	return is_answered(c, 235, &status, text_r) ? CLIENT_OK : status;
}

/* What SCRAM can say. */
static bool
is_prepared(struct login_out const *l)
{
	return scramkey_is_prepared(l->user, strlen(l->user)) &&
	       scramkey_is_prepared(l->password, strlen(l->password));
}

enum client_status
login_out(struct client *c, struct login_out const *l,
	char text_r[CLIENT_TEXT_SIZE])
{
	client_limit(c, CLIENT_WAIT_COMMAND);
	if (c->ehlo.auth_scram && is_prepared(l))
		return say_scram(c, l, text_r);
	if (c->ehlo.auth_plain)
		return say_plain(c, l, text_r);
	if (c->ehlo.auth_login)
		return say_login(c, l, text_r);
	return fail(c, "it offers no way of logging in that we have", text_r);
}
