/* XCLIENT (Postfix's XCLIENT_README): another server of ours says who its
 * client is. */
#include <string.h>
#include "smtpd/cmd.h"
#include "smtpd/guard.h"
#include "smtpd/proxy.h"

#define VALUE_MAX 255

/* What the attributes of one command say; empty: nothing. */
struct claim {
	char address[46];
	char name[VALUE_MAX + 1];
	char helo[VALUE_MAX + 1];
	bool has_name, has_helo, has_protocol, is_extended;
};

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Undo xtext (RFC 3461 4): it has been checked. Returns the length. */
static size_t
decode(char const *s, size_t len, char out[VALUE_MAX + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		out[n] = s[i];
		if (s[i] == '+') {
			out[n] = (char)(hex(s[i + 1]) * 16 + hex(s[i + 2]));
			i += 2;
		}
		n++;
	}
	out[n] = '\0';
	return n;
}

/* Postfix says so where it does not know. */
static bool
is_unknown(char const *s, size_t len)
{
	return (len == 13 && memcmp(s, "[UNAVAILABLE]", 13) == 0) ||
	       (len == 13 && memcmp(s, "[TEMPUNAVAIL]", 13) == 0);
}

static bool
is(char const *s, size_t len, char const *word)
{
	return len == strlen(word) && smtp_word(s, len, word) == len;
}

/* One value, decoded. */
static bool
attribute(struct claim *c, char const *name, size_t name_len, char const *value,
	size_t len)
{
	bool unknown = is_unknown(value, len);

	if (is(name, name_len, "ADDR"))
		return unknown || smtp_proxy_address(value, len, c->address);
	if (is(name, name_len, "NAME")) {
		c->has_name = true;
		if (!unknown)
			memcpy(c->name, value, len + 1);
		return unknown || smtp_helo_ok(value, len);
	}
	if (is(name, name_len, "HELO")) {
		c->has_helo = !unknown;
		if (!unknown)
			memcpy(c->helo, value, len + 1);
		return unknown || smtp_helo_ok(value, len);
	}
	if (is(name, name_len, "PROTO")) {
		c->has_protocol = true;
		c->is_extended = is(value, len, "ESMTP");
		return c->is_extended || is(value, len, "SMTP");
	}
	return is(name, name_len, "PORT");
}

static bool
parse(char const *s, size_t len, struct claim *c)
{
	size_t i = 0;

	while (i < len) {
		size_t start = i;
		char value[VALUE_MAX + 1];
		char const *equals;

		while (i < len && s[i] != ' ' && s[i] != '\t')
			i++;
		equals = memchr(s + start, '=', i - start);
		if (equals == NULL || s + i - equals - 1 > VALUE_MAX ||
			equals + 1 == s + i ||
			!smtp_parameter_is_xtext(
				equals + 1, (size_t)(s + i - equals) - 1))
			return false;
		if (!attribute(c, s + start, (size_t)(equals - s) - start,
			    value,
			    decode(equals + 1, (size_t)(s + i - equals) - 1,
				    value)))
			return false;
		while (i < len && (s[i] == ' ' || s[i] == '\t'))
			i++;
	}
	return len > 0;
}

void
smtp_cmd_xclient(struct smtp_session *s, char const *argument, size_t len)
{
	struct claim c = {.address = ""};

	if (!s->may_xclient) {
		smtp_session_refuse(s, SMTP_R_NOT_TRUSTED, "", NULL);
		return;
	}
	if (!parse(argument, len, &c)) {
		smtp_session_reply(
			s, SMTP_R_SYNTAX, "XCLIENT ADDR=... NAME=... HELO=...");
		return;
	}
	smtp_session_restart(s);
	if (c.address[0] != '\0')
		smtp_session_set_client(s, c.address);
	if (c.has_name)
		memcpy(s->client_name, c.name, strlen(c.name) + 1);
	/* A name that was said counts until the client's own HELO. */
	if (c.has_helo) {
		memcpy(s->client.helo, c.helo, strlen(c.helo) + 1);
		s->is_extended = c.has_protocol && c.is_extended;
		s->state = SMTP_AT_READY;
	}
	if (smtp_guard_stage(s, POLICING_CONNECT, NULL, 0)) {
		smtp_session_reply(s, SMTP_R_GREETING, s->front->hostname);
		return;
	}
	s->is_over = true;
	s->reason = "refused";
}
