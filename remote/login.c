/* Logging in at a host that mail is routed through: see login.h. */
#include <sodium.h>
#include <string.h>
#include "remote/login.h"
#include "remote/text.h"

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
	char text[ENCODED(2 * LOGIN_OUT_MAX + 2)];

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
is_answered(struct client *c, unsigned code, enum client_status *status_r,
	char text_r[CLIENT_TEXT_SIZE])
{
	struct reply reply;

	*status_r = CLIENT_TEMPORARY;
	if (!client_reply(c, CLIENT_WAIT_COMMAND, &reply, text_r))
		return false;
	if (reply.code == code)
		return true;
	/* The host may repeat what it was given: not in our logs. */
	*status_r = fail(c,
		reply.code / 100 == 5 ? "it refuses our name and password"
				      : "it can't be logged in at now",
		text_r);
	return false;
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

enum client_status
login_out(struct client *c, struct login_out const *l,
	char text_r[CLIENT_TEXT_SIZE])
{
	client_limit(c, CLIENT_WAIT_COMMAND);
	if (c->ehlo.auth_plain)
		return say_plain(c, l, text_r);
	if (c->ehlo.auth_login)
		return say_login(c, l, text_r);
	return fail(c, "it offers no way of logging in that we have", text_r);
}
