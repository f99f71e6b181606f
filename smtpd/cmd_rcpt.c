/* RCPT (RFC 5321 4.1.1.3). */
#include <string.h>
#include "common/srs.h"
#include "smtpd/cmd.h"
#include "smtpd/guard.h"
#include "smtpd/load.h"
#include "smtpd/lookup.h"

static char const syntax[] = "RCPT TO:<address> parameters";

/* Refused recipients of a session that are answered at once. Who knows a name
 * that is gone has few of them; who guesses has many. */
#define REFUSED_FREE 10

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
			smtp_session_refuse(s, SMTP_R_UTF8_RECIPIENT, "", NULL);
		else
			smtp_session_refuse(s, SMTP_R_BAD_RECIPIENT,
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

/* Whether the recipient is taken: SMTP_R_RECIPIENT, or why not. */
static enum smtp_reply
judge(struct smtp_session const *s, struct addr const *a)
{
	int found;

	switch (smtp_lookup_domain(&s->recipients, a)) {
	case SMTP_DOMAIN_LOCAL:
		found = smtp_lookup_mailbox(&s->recipients, a);
		if (found < 0)
			return SMTP_R_TROUBLE;
		if (found == 2)
			return SMTP_R_TAKES_NONE;
		/* A report to an address that was made for forwarding: whether
		 * it is one the manager knows. */
		if (!found && s->mail.sender_len == 0 &&
			srs_is_form(a->local, a->local_len))
			return SMTP_R_RECIPIENT;
		return found ? SMTP_R_RECIPIENT : SMTP_R_NO_MAILBOX;
	case SMTP_DOMAIN_BACKUP:
		return SMTP_R_RECIPIENT;
	case SMTP_DOMAIN_FOREIGN:
		return s->mode == SMTP_MODE_HOSTED ? SMTP_R_NO_RELAY
						   : SMTP_R_RECIPIENT;
	case SMTP_DOMAIN_TROUBLE:
		break;
	}
	return SMTP_R_TROUBLE;
}

/* `<Postmaster>` (RFC 5321 4.5.1) is this host's. whole has room for it. */
static bool
qualify(struct smtp_session const *s, struct addr *a,
	char whole[ADDR_PATH_MAX + 1])
{
	static char const name[] = "postmaster@";
	size_t host_len = strlen(s->front->hostname);
	enum addr_error ignored;

	if (a->domain_len > 0)
		return true;
	if (host_len > ADDR_PATH_MAX - (sizeof name - 1))
		return false;
	memcpy(whole, name, sizeof name - 1);
	memcpy(whole + sizeof name - 1, s->front->hostname, host_len);
	return addr_parse(whole, sizeof name - 1 + host_len, 0, a, &ignored);
}

/* Somebody tries names: each answer takes its time, and in the end there is
 * none. False: the session is over. */
static bool
slow_down(struct smtp_session *s)
{
	if (s->mode == SMTP_MODE_OWNER)
		return true;
	s->refused++;
	if (s->refused > s->refused_max) {
		smtp_session_end(s, SMTP_R_MANY_REFUSED, "many-refused");
		return false;
	}
	if (s->refused > REFUSED_FREE)
		smtp_session_pause(s, s->tarpit_ms);
	return true;
}

static void
refuse(struct smtp_session *s, enum smtp_reply verdict, struct addr const *a)
{
	s->mail.refused_count++;
	if (verdict == SMTP_R_NO_MAILBOX || verdict == SMTP_R_NO_RELAY) {
		if (!slow_down(s) ||
			!smtp_guard_stage(s, POLICING_UNKNOWN, a, 0))
			return;
	}
	smtp_session_refuse(s, verdict, "", a);
}

static void
take(struct smtp_session *s, struct addr const *a,
	struct smtp_parameters const *p)
{
	enum smtp_reply verdict = s->mail.to_count >= s->recipients_max
					  ? SMTP_R_TOO_MANY_RECIPIENTS
					  : judge(s, a);

	if (verdict == SMTP_R_RECIPIENT && smtp_load_is_full())
		verdict = SMTP_R_QUEUE_FULL;
	if (verdict == SMTP_R_RECIPIENT && smtp_load_mailbox_is_full(a))
		verdict = SMTP_R_MAILBOX_FULL;
	if (verdict != SMTP_R_RECIPIENT) {
		refuse(s, verdict, a);
		return;
	}
	if (!smtp_guard_stage(s, POLICING_RCPT, a, s->mail.size)) {
		s->mail.refused_count++;
		return;
	}
	if (!smtp_transaction_rcpt(&s->mail, a, p)) {
		refuse(s, SMTP_R_TROUBLE, a);
		return;
	}
	s->state = SMTP_AT_RCPT;
	smtp_session_reply(s, SMTP_R_RECIPIENT, "");
}

void
smtp_cmd_rcpt(struct smtp_session *s, char const *argument, size_t len)
{
	struct smtp_path path;
	enum smtp_path_error error;
	enum addr_error address_error = ADDR_ERR_SYNTAX;
	unsigned known = s->is_extended
				 ? SMTP_PARAMETER_NOTIFY | SMTP_PARAMETER_ORCPT
				 : 0;
	unsigned flags = ADDR_ALLOW_POSTMASTER | ADDR_ALLOW_LONG;
	char whole[ADDR_PATH_MAX + 1];

	if (s->mail.flags & QUEUEFILE_UTF8)
		flags |= ADDR_ALLOW_UTF8;
	if (!smtp_path_parse(argument, len, "TO:", flags, known, &path, &error,
		    &address_error)) {
		s->mail.refused_count++;
		complain(s, error, address_error);
	} else if (qualify(s, &path.address, whole)) {
		take(s, &path.address, &path.parameters);
	} else {
		refuse(s, SMTP_R_TROUBLE, &path.address);
	}
}
