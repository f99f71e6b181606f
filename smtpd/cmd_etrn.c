/* ETRN (RFC 1985): try a domain's waiting mail now. */
#include <errno.h>
#include <string.h>
#include "common/log.h"
#include "smtpd/cmd.h"

static char const wake[] = "wake ";

/* A queue file without recipients is a command to the manager. */
static bool
drop_command(struct smtp_session *s, char const *domain, size_t len)
{
	char command[sizeof wake + ADDR_DOMAIN_MAX];
	size_t n = sizeof wake - 1;
	struct drop *d = &s->intake.drop;
	struct drop_envelope envelope = {.origin = "smtp etrn",
		.origin_len = 9,
		.sender = "",
		.flags = QUEUEFILE_COMMAND,
		.command = command};

	memcpy(command, wake, n);
	memcpy(command + n, domain, len);
	envelope.command_len = n + len;
	return drop_begin(d, FRONT_TMP_FD, FRONT_NEW_FD, DROP_SYNC_FOLDER,
		       &envelope) &&
	       drop_commit(d);
}

void
smtp_cmd_etrn(struct smtp_session *s, char const *argument, size_t len)
{
	char domain[ADDR_DOMAIN_MAX + 1];

	if (s->mode == SMTP_MODE_HOSTED) {
		smtp_session_refuse(s, SMTP_R_WAKE_DENIED, "", NULL);
		return;
	}
	/* `@domain` is the domain and all below it; those are tried by their
	 * own names here. */
	if (len > 0 && *argument == '@') {
		argument++;
		len--;
	}
	if (len > ADDR_DOMAIN_MAX || !addr_is_domain(argument, len, 0) ||
		*argument == '[') {
		smtp_session_reply(s, SMTP_R_SYNTAX, "ETRN domain");
		return;
	}
	memcpy(domain, argument, len);
	domain[len] = '\0';
	if (drop_command(s, domain, len)) {
		log_event("woken", s->intake.drop.q.id, "client",
			s->front->client, "domain", domain, (char *)0);
		smtp_session_reply(s, SMTP_R_WOKEN, domain);
		return;
	}
	log_error("queue-failed", NULL, (char *)0);
	smtp_session_reply(s, SMTP_R_WAKE_LATER, "");
}
