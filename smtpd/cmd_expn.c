/* EXPN (RFC 5321 3.5): the mailboxes here that an address leads to. */
#include <string.h>
#include "smtpd/cmd.h"
#include "smtpd/lookup.h"

/* Members that are told; nobody reads more. */
#define MEMBERS_MAX 1000

/* Every line but the last has a hyphen behind its code. */
struct members {
	struct smtp_session *s;
	char last[ADDR_KEY_MAX + 1];
	size_t count;
};

static void
say(struct members *m, bool is_last)
{
	char text[SMTP_REPLY_MAX];
	size_t len = smtp_reply_format(text, SMTP_R_MEMBER, m->last);
	struct stream *out = &m->s->front->stream;

	if (!is_last)
		text[3] = '-';
	(void)(stream_write(out, text, len) && stream_puts(out, "\r\n"));
}

static bool
member(void *data, char const *address, size_t len)
{
	struct members *m = data;

	if (len > ADDR_KEY_MAX)
		return true;
	if (m->count > 0)
		say(m, false);
	memcpy(m->last, address, len);
	m->last[len] = '\0';
	return ++m->count < MEMBERS_MAX;
}

/* The argument, with or without angle brackets, perhaps SMTPUTF8 behind. */
static bool
parse(char const *s, size_t len, struct addr *a)
{
	bool is_utf8 = smtp_asks_for_utf8(s, len);
	unsigned flags = ADDR_ALLOW_LONG | (is_utf8 ? ADDR_ALLOW_UTF8 : 0);
	enum addr_error ignored;
	size_t used;

	if (is_utf8) {
		len -= sizeof "SMTPUTF8" - 1;
		while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
			len--;
	}
	if (len > 0 && *s == '<')
		return addr_parse_path(s, len, flags, a, &used, &ignored) &&
		       used == len;
	return addr_parse(s, len, flags, a, &ignored);
}

void
smtp_cmd_expn(struct smtp_session *s, char const *argument, size_t len)
{
	struct members m = {.s = s};
	struct addr a;
	int found;

	if (s->mode != SMTP_MODE_OWNER) {
		smtp_session_refuse(s, SMTP_R_NOT_TOLD, "", NULL);
		return;
	}
	if (!parse(argument, len, &a)) {
		smtp_session_reply(s, SMTP_R_SYNTAX, "EXPN address");
		return;
	}
	found = smtp_lookup_members(&s->recipients, &a, member, &m);
	if (found < 0)
		smtp_session_reply(s, SMTP_R_TROUBLE, "");
	else if (found == 0)
		smtp_session_refuse(s, SMTP_R_NO_MAILBOX, "", &a);
	else if (m.count == 0)
		smtp_session_reply(s, SMTP_R_VRFY, "");
	else
		say(&m, true);
}
