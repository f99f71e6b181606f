/* CANCELUPDATE (RFC 5267, 4.3.5). */
#include "imapd/commands.h"
#include "imapd/context.h"

void
cmd_cancelupdate(struct session *s)
{
	struct lex *const l = &s->command.lex;
	struct lex_text tag;
	bool all = true, ok;

	do {
		ok = lex_space(l) && lex_string(l, &tag);
		if (ok)
			all = context_cancel(&tag) && all;
	} while (ok && lex_peek(l) == ' ');
	if (!ok || !lex_end(l))
		session_reply_syntax(s);
	else if (!all)
		session_reply(s, "NO", "No such search");
	else
		session_reply(s, "OK", "No further updates");
}
