/* RCPT (RFC 5321 4.1.1.3). */
#include <string.h>
#include "smtpd/cmd.h"
#include "smtpd/lookup.h"

static char const syntax[] = "RCPT TO:<address>";

static void
complain(struct smtp_session *s, enum smtp_path_error error,
	enum addr_error address_error)
{
	switch (error) {
	case SMTP_PATH_SYNTAX:
		smtp_session_reply(s, SMTP_R_SYNTAX, syntax);
		break;
	case SMTP_PATH_ADDRESS:
		smtp_session_refuse(s, SMTP_R_BAD_RECIPIENT,
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

static enum smtp_reply
take(struct smtp_session *s, struct addr const *a)
{
	enum smtp_reply verdict;

	if (s->to_count >= s->recipients_max)
		return SMTP_R_TOO_MANY_RECIPIENTS;
	verdict = judge(s, a);
	if (verdict != SMTP_R_RECIPIENT)
		return verdict;
	if (!stralloc_readyplus(&s->to, a->whole_len + 1))
		return SMTP_R_TROUBLE;
	memcpy(s->to.s + s->to.len, a->whole, a->whole_len);
	s->to.len += a->whole_len;
	s->to.s[s->to.len++] = '\0';
	s->to_count++;
	s->state = SMTP_AT_RCPT;
	return SMTP_R_RECIPIENT;
}

void
smtp_cmd_rcpt(struct smtp_session *s, char const *argument, size_t len)
{
	struct smtp_path path;
	enum smtp_path_error error;
	enum addr_error address_error = ADDR_ERR_SYNTAX;
	enum smtp_reply verdict;
	char whole[ADDR_PATH_MAX + 1];

	if (!smtp_path_parse(argument, len,
		    "TO:", ADDR_ALLOW_POSTMASTER | ADDR_ALLOW_LONG, 0, &path,
		    &error, &address_error)) {
		s->refused_count++;
		complain(s, error, address_error);
		return;
	}
	verdict = qualify(s, &path.address, whole) ? take(s, &path.address)
						   : SMTP_R_TROUBLE;
	if (verdict == SMTP_R_RECIPIENT) {
		smtp_session_reply(s, verdict, "");
		return;
	}
	s->refused_count++;
	smtp_session_refuse(s, verdict, "", &path.address);
}
