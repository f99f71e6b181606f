/* MAIL (RFC 5321 4.1.1.2). */
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "smtpd/cmd.h"
#include "smtpd/guard.h"
#include "smtpd/load.h"
#include "smtpd/lookup.h"

static char const syntax[] = "MAIL FROM:<address> parameters";

/* What everybody may ask for, and only users. */
#define EVERYBODY                                                              \
	(SMTP_PARAMETER_SIZE | SMTP_PARAMETER_BODY | SMTP_PARAMETER_UTF8 |     \
		SMTP_PARAMETER_RET | SMTP_PARAMETER_ENVID)
#define USERS                                                                  \
	(SMTP_PARAMETER_AUTH | SMTP_PARAMETER_BY | SMTP_PARAMETER_PRIORITY)

/* The answer to what could not be parsed. */
static void
complain(struct smtp_session *s, enum smtp_path_error error,
	enum addr_error address_error)
{
	switch (error) {
	case SMTP_PATH_SYNTAX:
		smtp_session_reply(s, SMTP_R_SYNTAX, syntax);
		break;
	case SMTP_PATH_ADDRESS:
		if (address_error == ADDR_ERR_UTF8)
			smtp_session_refuse(s, SMTP_R_UTF8_SENDER, "", NULL);
		else
			smtp_session_refuse(s, SMTP_R_BAD_SENDER,
				addr_strerror(address_error), NULL);
		break;
	case SMTP_PATH_PARAMETER:
		smtp_session_reply(s, SMTP_R_PARAMETER, "");
		break;
	case SMTP_PATH_VALUE:
		smtp_session_reply(s, SMTP_R_VALUE, "");
		break;
	case SMTP_PATH_8BIT:
		smtp_session_reply(s, SMTP_R_LINE_8BIT, "");
		break;
	}
}

static unsigned
known_parameters(struct smtp_session const *s)
{
	unsigned known = 0;

	if (s->is_extended)
		known |= EVERYBODY;
	/* RFC 8689 4.1: only under TLS. */
	if (s->is_extended && s->client.tls[0] != '\0')
		known |= SMTP_PARAMETER_TLS;
	if (s->mode == SMTP_MODE_OWNER)
		known |= USERS | (s->hold_max > 0 ? SMTP_PARAMETER_HOLD : 0);
	return known;
}

/* Whether a hold is within what EHLO says (RFC 4865 5.2). */
static bool
may_hold(struct smtp_session const *s, struct smtp_parameters const *p,
	uint64_t now)
{
	return p->hold_for <= s->hold_max && p->hold_until <= now + s->hold_max;
}

/* Whether the sender's address may be used: SMTP_R_SENDER, or why not. */
static enum smtp_reply
judge(struct smtp_session const *s, struct smtp_path const *path)
{
	int owned;

	if (s->size_max > 0 && path->parameters.size > s->size_max)
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
	uint64_t now = (uint64_t)time(NULL);
	enum smtp_reply verdict;
	struct smtp_load load;

	if (!smtp_path_parse(argument, len,
		    "FROM:", ADDR_ALLOW_EMPTY | ADDR_ALLOW_LONG,
		    known_parameters(s), &path, &error, &address_error)) {
		complain(s, error, address_error);
		return;
	}
	if (!may_hold(s, &path.parameters, now)) {
		smtp_session_reply(s, SMTP_R_VALUE, "");
		return;
	}
	smtp_transaction_mail(&s->mail, &path, now);
	s->state = SMTP_AT_MAIL;
	smtp_load_read(&load);
	smtp_session_pause(s, smtp_load_wait_ms(&load));
	verdict = load.is_full ? SMTP_R_QUEUE_FULL : judge(s, &path);
	if (verdict != SMTP_R_SENDER)
		smtp_session_refuse(s, verdict, "", NULL);
	else if (smtp_guard_stage(s, POLICING_MAIL, NULL, s->mail.size)) {
		smtp_session_reply(s, verdict, "");
		return;
	}
	smtp_session_reset(s);
}
