/* SELECT, EXAMINE, CLOSE, UNSELECT and EXPUNGE (RFC 3501, 6.3.1, 6.3.2, 6.4.2,
 * 6.4.3; RFC 3691; RFC 4315). */
#include <errno.h>
#include <string.h>

#include "imapd/commands.h"
#include "imapd/naming.h"
#include "imapd/set.h"

static bool
has_room(struct keywords const *k)
{
	for (int i = 0; i < FLAG_KEYWORDS_MAX; i++)
		if (k->names[i][0] == '\0')
			return true;
	return false;
}

static void
flag_list(struct session *s)
{
	struct keywords const *const k = &s->mailbox.keywords;

	session_puts(s, "(\\Answered \\Flagged \\Deleted \\Seen \\Draft");
	for (int i = 0; i < FLAG_KEYWORDS_MAX; i++)
		if (k->names[i][0] != '\0')
			session_printf(s, " %s", k->names[i]);
}

void
cmd_select_flags(struct session *s)
{
	session_puts(s, "* FLAGS ");
	flag_list(s);
	session_puts(s, ")\r\n* OK [PERMANENTFLAGS ");
	if (s->mailbox.read_only) {
		session_puts(s, "()] Read-only\r\n");
		return;
	}
	flag_list(s);
	if (has_room(&s->mailbox.keywords))
		session_puts(s, " \\*");
	session_puts(s, ")] Limited\r\n");
}

static void
describe(struct session *s)
{
	struct mailbox const *const m = &s->mailbox;
	struct msgtable const *const v = &m->view;
	size_t unseen = 0;

	cmd_select_flags(s);
	s->told_exists = v->count;
	s->told_recent = 0;
	for (size_t i = 0; i < v->count; i++) {
		v->v[i].state &= (uint8_t)~MESSAGE_CHANGED;
		s->told_recent += v->v[i].state & MESSAGE_RECENT;
		if (unseen == 0 && !(v->v[i].system & FLAG_SEEN))
			unseen = i + 1;
	}
	session_printf(s, "* %zu EXISTS\r\n", s->told_exists);
	/* RFC 9051, appendix E: neither of them any more. */
	if (!s->rev2)
		session_printf(s, "* %zu RECENT\r\n", s->told_recent);
	if (unseen > 0 && !s->rev2 && !s->uid_only)
		session_printf(s, "* OK [UNSEEN %zu] First unseen\r\n", unseen);
	session_printf(s,
		"* OK [UIDVALIDITY %lu] UIDs valid\r\n"
		"* OK [UIDNEXT %lu] Predicted next UID\r\n",
		(unsigned long)m->validity, (unsigned long)m->next_uid);
	if (!s->rev2)
		return;
	s->out.len = 0;
	if (stralloc_cats(&s->out, "* LIST () \".\" ") &&
		naming_out(s->utf8, &s->out, s->name) &&
		stralloc_cats(&s->out, "\r\n"))
		session_send(s);
}

static void
open_mailbox(struct session *s, bool read_only)
{
	char name[BOXNAME_MAX + 1], dir[BOXNAME_MAX + 2];

	if (!session_mailbox_name(s, name))
		return;
	if (!lex_end(&s->command.lex)) {
		session_reply_syntax(s);
		return;
	}
	/* RFC 9051, 6.3.2: what comes now is the new one's. */
	if (s->selected)
		session_puts(s, "* OK [CLOSED] Previous mailbox closed\r\n");
	/* RFC 3501, 6.3.1: also when the new one cannot be opened. */
	session_unselect(s);
	boxname_dir(name, dir);
	if (!mailbox_open(&s->mailbox, s->root_fd, dir, read_only, true)) {
		session_reply_errno(s, "SELECT");
		return;
	}
	s->selected = true;
	memcpy(s->name, name, sizeof name);
	describe(s);
	if (read_only)
		session_reply(s, "OK", "[READ-ONLY] EXAMINE completed");
	else
		session_reply(s, "OK", "[READ-WRITE] SELECT completed");
}

void
cmd_select(struct session *s)
{
	open_mailbox(s, false);
}

void
cmd_examine(struct session *s)
{
	open_mailbox(s, true);
}

/* Remove the files of deleted messages, of those in the set if there is one. */
static bool
remove_deleted(struct session *s, bool in_set)
{
	struct mailbox *const m = &s->mailbox;

	if (!mailbox_sync(m))
		return false;
	for (size_t i = 0; i < s->told_exists; i++) {
		if (!(m->view.v[i].system & FLAG_DELETED) ||
			(in_set && !session_has(s, i)))
			continue;
		if (mailbox_unlink(m, i) < 0)
			return false;
	}
	return true;
}

void
cmd_expunge(struct session *s)
{
	struct lex *const l = &s->command.lex;
	struct lex_text set;

	if (s->command.uid && (!lex_space(l) || !set_lex(l, &set))) {
		session_reply_syntax(s);
		return;
	}
	if (!lex_end(l)) {
		session_reply_syntax(s);
		return;
	}
	if (s->mailbox.read_only) {
		session_reply(s, "NO", "Mailbox is read-only");
		return;
	}
	if (s->command.uid && !session_set(s, &set, true))
		return;
	if (remove_deleted(s, s->command.uid))
		session_reply(s, "OK", "EXPUNGE completed");
	else
		session_reply_errno(s, "EXPUNGE");
}

void
cmd_close(struct session *s)
{
	if (!lex_end(&s->command.lex)) {
		session_reply_syntax(s);
		return;
	}
	if (!s->mailbox.read_only && !remove_deleted(s, false)) {
		session_reply_errno(s, "CLOSE");
		return;
	}
	session_unselect(s);
	session_reply(s, "OK", "CLOSE completed");
}

void
cmd_unselect(struct session *s)
{
	if (!lex_end(&s->command.lex)) {
		session_reply_syntax(s);
		return;
	}
	session_unselect(s);
	session_reply(s, "OK", "UNSELECT completed");
}
