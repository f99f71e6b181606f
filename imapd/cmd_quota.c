/* GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208). The maildir as a whole is
 * the only root, and its limits are set by whoever runs the host. */
#include <stdio.h>
#include <string.h>

#include "imapd/commands.h"
#include "imapd/naming.h"
#include "imapd/permit.h"
#include "common/quota.h"

static void
tell(struct session *s, struct quota const *q)
{
	uint64_t const octets = q->octets > 0 ? (uint64_t)q->octets : 0;
	char storage[64] = "", messages[64] = "";

	if (q->max_octets > 0)
		(void)snprintf(storage, sizeof storage, "STORAGE %llu %llu",
			(unsigned long long)(octets + 1023) / 1024,
			(unsigned long long)q->max_octets / 1024);
	if (q->max_messages > 0)
		(void)snprintf(messages, sizeof messages, "%sMESSAGE %lld %llu",
			storage[0] != '\0' ? " " : "",
			(long long)(q->messages > 0 ? q->messages : 0),
			(unsigned long long)q->max_messages);
	session_printf(s, "* QUOTA \"%s\" (%s%s)\r\n", naming_prefix(), storage,
		messages);
}

/* Is the argument our root? False: answered. */
static bool
root(struct session *s, struct quota *q)
{
	struct lex_text name;
	int r;

	if (!lex_space(&s->command.lex) ||
		!lex_astring(&s->command.lex, &name)) {
		session_reply_syntax(s);
		return false;
	}
	r = name.len == strlen(naming_prefix()) &&
			    memcmp(name.s, naming_prefix(), name.len) == 0 &&
			    permit_rights(s, "INBOX") & RIGHT_LOOKUP
		    ? quota_read(s->root_fd, q)
		    : 0;
	if (r < 0)
		session_reply_errno(s, "quota");
	else if (r == 0)
		session_reply(s, "NO", "[NONEXISTENT] No such quota root");
	return r > 0;
}

void
cmd_getquota(struct session *s)
{
	struct quota q;

	if (!root(s, &q))
		return;
	if (!lex_end(&s->command.lex)) {
		session_reply_syntax(s);
		return;
	}
	tell(s, &q);
	session_reply(s, "OK", "GETQUOTA completed");
}

void
cmd_getquotaroot(struct session *s)
{
	char name[BOXNAME_MAX + 1];
	struct quota q;
	bool ok;
	int r;

	if (!session_mailbox_name(s, name))
		return;
	if (!lex_end(&s->command.lex)) {
		session_reply_syntax(s);
		return;
	}
	if (!permit(s, name, RIGHT_LOOKUP))
		return;
	r = quota_read(s->root_fd, &q);
	s->out.len = 0;
	ok = r >= 0 && stralloc_cats(&s->out, "* QUOTAROOT ") &&
	     naming_out(s->utf8, &s->out, name) &&
	     (r <= 0 || (stralloc_cats(&s->out, " \"") &&
				stralloc_cats(&s->out, naming_prefix()) &&
				stralloc_cats(&s->out, "\""))) &&
	     stralloc_cats(&s->out, "\r\n");
	if (!ok) {
		session_reply_errno(s, "quota");
		return;
	}
	session_send(s);
	if (r > 0)
		tell(s, &q);
	session_reply(s, "OK", "GETQUOTAROOT completed");
}

void
cmd_setquota(struct session *s)
{
	struct quota q;

	if (root(s, &q))
		session_reply(s, "NO", "[NOPERM] Limits are the host's to set");
}
