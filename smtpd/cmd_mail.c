/* MAIL (RFC 5321 4.1.1.2). */
#include <string.h>
#include <unistd.h>
#include "smtpd/cmd.h"
#include "smtpd/lookup.h"

static char const syntax[] = "MAIL FROM:<address> parameters";

/* The answer to what could not be parsed; the log needs no line of it. */
static void
complain(struct smtp_session *s, enum smtp_path_error error,
	enum addr_error address_error)
{
	switch (error) {
	case SMTP_PATH_SYNTAX:
		smtp_session_reply(s, SMTP_R_SYNTAX, syntax);
		break;
	case SMTP_PATH_ADDRESS:
		smtp_session_refuse(s, SMTP_R_BAD_SENDER,
			addr_strerror(address_error), NULL);
		break;
	case SMTP_PATH_PARAMETER:
		smtp_session_reply(s, SMTP_R_PARAMETER, "");
		break;
	case SMTP_PATH_VALUE:
		smtp_session_reply(s, SMTP_R_VALUE, "");
		break;
	}
}

/* Whether the sender's address may be used: SMTP_R_SENDER, or why not. */
static enum smtp_reply
judge(struct smtp_session const *s, struct smtp_path const *path)
{
	int owned;

	if (s->size_max > 0 && path->size > s->size_max)
		return SMTP_R_TOO_BIG;
	if (s->mode != SMTP_MODE_OWNER || path->address.whole_len == 0)
		return SMTP_R_SENDER;
	owned = smtp_lookup_owner(&s->recipients, &path->address, getuid());
	if (owned < 0)
		return SMTP_R_TROUBLE;
	return owned ? SMTP_R_SENDER : SMTP_R_NOT_OWNER;
}

void
smtp_cmd_mail(struct smtp_session *s, char const *argument, size_t len)
{
	struct smtp_path path;
	enum smtp_path_error error;
	enum addr_error address_error = ADDR_ERR_SYNTAX;
	unsigned parameters = 0;
	enum smtp_reply verdict;

	if (s->is_extended)
		parameters = SMTP_PARAMETER_SIZE | SMTP_PARAMETER_BODY;
	if (s->mode == SMTP_MODE_OWNER)
		parameters |= SMTP_PARAMETER_AUTH;
	if (!smtp_path_parse(argument, len,
		    "FROM:", ADDR_ALLOW_EMPTY | ADDR_ALLOW_LONG, parameters,
		    &path, &error, &address_error)) {
		complain(s, error, address_error);
		return;
	}
	memcpy(s->sender, path.address.whole, path.address.whole_len);
	s->sender_len = path.address.whole_len;
	s->state = SMTP_AT_MAIL;
	verdict = judge(s, &path);
	if (verdict != SMTP_R_SENDER) {
		smtp_session_refuse(s, verdict, "", NULL);
		smtp_session_reset(s);
		return;
	}
	s->flags = path.body == SMTP_BODY_8BITMIME ? QUEUEFILE_8BIT : 0;
	smtp_session_reply(s, SMTP_R_SENDER, "");
}
