/* STORE (RFC 3501, 6.4.6). */
#include <errno.h>

#include "imapd/commands.h"
#include "imapd/set.h"

struct store {
	struct lex_text set;
	enum flag_store how;
	bool silent;
	struct flag_args flags;
	uint32_t keywords;
};

static bool
arguments(struct lex *l, struct store *a)
{
	return lex_space(l) && set_lex(l, &a->set) && lex_space(l) &&
	       flag_args_store(l, &a->how, &a->silent, &a->flags) && lex_end(l);
}

static void
tell(struct session *s, size_t i)
{
	s->mailbox.view.v[i].state &= (uint8_t)~MESSAGE_CHANGED;
	s->out.len = 0;
	if (!session_fetch(s, i, &s->out))
		return;
	session_send(s);
	if (s->command.uid && !s->uid_only)
		session_printf(
			s, "UID %lu ", (unsigned long)s->mailbox.view.v[i].uid);
	session_puts(s, "FLAGS ");
	if (session_flags(s, i, &s->out))
		session_send(s);
	session_puts(s, ")\r\n");
}

static void
store(struct session *s, struct store const *a)
{
	size_t gone = 0;

	for (size_t i = 0; i < s->told_exists; i++) {
		struct message const *const v = &s->mailbox.view.v[i];
		bool const told = !(v->state & MESSAGE_CHANGED);
		int r;

		if (!session_has(s, i))
			continue;
		r = mailbox_store(
			&s->mailbox, i, a->how, a->flags.system, a->keywords);
		if (r < 0) {
			session_reply_errno(s, "STORE");
			return;
		}
		if (r == 0)
			gone++;
		else if (!a->silent)
			tell(s, i);
		else if (told)
			/* What others have changed is told all the same. */
			s->mailbox.view.v[i].state &= (uint8_t)~MESSAGE_CHANGED;
	}
	/* RFC 2180, 4.2: those that are left were changed. */
	if (gone > 0 && !s->command.uid)
		session_reply(s, "NO",
			"[EXPUNGEISSUED] Some of the messages are gone");
	else
		session_reply(s, "OK", "STORE completed");
}

void
cmd_store(struct session *s)
{
	static struct store a;
	bool added;

	if (!arguments(&s->command.lex, &a)) {
		session_reply_syntax(s);
		return;
	}
	if (s->mailbox.read_only) {
		session_reply(s, "NO", "Mailbox is read-only");
		return;
	}
	if (!session_set(s, &a.set, s->command.uid))
		return;
	if (!keywords_bits(&s->mailbox.keywords, s->mailbox.folder_fd, &a.flags,
		    a.how != FLAG_STORE_REMOVE, &a.keywords, &added)) {
		if (errno == ENOSPC)
			session_reply(s, "NO", "[LIMIT] Too many keywords");
		else
			session_reply_errno(s, "keywords");
		return;
	}
	if (added)
		cmd_select_flags(s);
	if (!mailbox_sync(&s->mailbox)) {
		session_reply_errno(s, "STORE");
		return;
	}
	store(s, &a);
}
