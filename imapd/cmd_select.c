/* SELECT, EXAMINE, CLOSE, UNSELECT and EXPUNGE (RFC 3501, 6.3.1, 6.3.2, 6.4.2,
 * 6.4.3; RFC 3691; RFC 4315). */
#include <errno.h>
#include <string.h>

#include "imapd/commands.h"
#include "imapd/objectid.h"
#include "imapd/select_args.h"
#include "imapd/naming.h"
#include "imapd/permit.h"
#include "imapd/set.h"
#include "imapd/vanished.h"

static bool
has_room(struct keywords const *k)
{
	for (int i = 0; i < FLAG_KEYWORDS_MAX; i++)
		if (k->names[i][0] == '\0')
			return true;
	return false;
}

/* Those that somebody with these rights may change. */
static void
flag_list(struct session *s, unsigned rights, bool any)
{
	struct keywords const *const k = &s->mailbox.keywords;
	unsigned const system = rights_flags(rights);
	bool const keywords = rights & RIGHT_WRITE;
	char const *blank = "(";

	for (int i = 0; i < FLAG_COUNT; i++)
		if (system >> i & 1) {
			session_printf(s, "%s%s", blank, flag_names[i]);
			blank = " ";
		}
	for (int i = 0; keywords && i < FLAG_KEYWORDS_MAX; i++)
		if (k->names[i][0] != '\0')
			session_printf(s, " %s", k->names[i]);
	if (keywords && any && has_room(k))
		session_puts(s, " \\*");
	session_puts(s, *blank == '(' ? "()" : ")");
}

void
cmd_select_flags(struct session *s)
{
	bool const read_only = s->mailbox.read_only;

	session_puts(s, "* FLAGS ");
	flag_list(s, RIGHTS_ALL, false);
	session_puts(s, "\r\n* OK [PERMANENTFLAGS ");
	flag_list(s, read_only ? 0 : s->rights, true);
	session_puts(s, read_only ? "] Read-only\r\n" : "] Limited\r\n");
}

static void
describe(struct session *s)
{
	struct mailbox *const m = &s->mailbox;
	char id[OBJECTID_MAX + 1];
	size_t unseen = 0, count;

	/* That is a look at all messages only where some have come or
	 * changed. */
	if (!s->rev2 && !s->uid_only && !mailbox_unseen(m, &count, &unseen))
		unseen = 0;
	cmd_select_flags(s);
	s->told_exists = m->view.count;
	s->told_recent = m->recent;
	m->told = true;
	m->tells_modseq = s->condstore;
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
	session_printf(s, "* OK [HIGHESTMODSEQ %llu] Highest\r\n",
		(unsigned long long)mailbox_highest(m));
	objectid_mailbox(m, id);
	session_printf(s, "* OK [MAILBOXID (%s)] Its id\r\n", id);
	if (!s->rev2)
		return;
	s->out.len = 0;
	if (stralloc_cats(&s->out, "* LIST () \".\" ") &&
		naming_out(s->utf8, &s->out, s->name) &&
		stralloc_cats(&s->out, "\r\n"))
		session_send(s);
}

/* RFC 7162, 3.2.5: what has changed since the client knew it. */
static bool
resynchronize(struct session *s, struct select_args const *args)
{
	struct mailbox *const m = &s->mailbox;
	uint32_t above;

	if (!args->qresync || args->validity != m->validity)
		return true;
	/* Nothing has. */
	if (args->modseq == m->memory.highest)
		return true;
	if (!mailbox_ready(m))
		return false;
	above = vanished_known(m, &args->match_numbers, &args->match_uids);
	s->out.len = 0;
	if (!vanished_earlier(&s->out, m, &args->known, args->modseq, above))
		return false;
	session_send(s);
	return cmd_fetch_changed(s, &args->known, args->modseq);
}

static void
open_mailbox(struct session *s, bool read_only)
{
	struct select_args args;
	char name[BOXNAME_MAX + 1], dir[BOXNAME_MAX + 2];

	if (!session_mailbox_name(s, name))
		return;
	if (!select_args_lex(&s->command.lex, &args) ||
		(args.qresync && !s->qresync)) {
		session_reply_syntax(s);
		return;
	}
	/* RFC 9051, 6.3.2: what comes now is the new one's. */
	if (s->selected || s->remote != NULL)
		session_puts(s, "* OK [CLOSED] Previous mailbox closed\r\n");
	/* RFC 3501, 6.3.1: also when the new one cannot be opened. */
	session_unselect(s);
	if (!permit(s, name, RIGHT_READ))
		return;
	s->rights = permit_rights(s, name);
	/* RFC 4314, 5.2 */
	if (!(s->rights & RIGHTS_CHANGE))
		read_only = true;
	boxname_dir(name, dir);
	if (!mailbox_open_quick(
		    &s->mailbox, s->root_fd, dir, read_only, true)) {
		session_reply_errno(s, "SELECT");
		return;
	}
	s->selected = true;
	memcpy(s->name, name, sizeof name);
	s->condstore = s->condstore || args.condstore;
	describe(s);
	s->just_told = true;
	if (!resynchronize(s, &args)) {
		session_unselect(s);
		session_reply_errno(s, "SELECT");
		return;
	}
	if (read_only)
		session_reply(s, "OK", "[READ-ONLY] %s completed",
			s->command.verb == COMMAND_SELECT ? "SELECT"
							  : "EXAMINE");
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
remove_deleted(struct session *s, bool in_set, size_t *removed_r)
{
	struct mailbox *const m = &s->mailbox;

	*removed_r = 0;
	if (!mailbox_sync(m))
		return false;
	for (size_t i = 0; i < s->told_exists; i++) {
		if (!(m->view.v[i].system & FLAG_DELETED) ||
			(in_set && !session_has(s, i)))
			continue;
		if (mailbox_unlink(m, i) < 0)
			return false;
		++*removed_r;
	}
	/* So that they have their MODSEQ. */
	return *removed_r == 0 || mailbox_sync(m);
}

void
cmd_expunge(struct session *s)
{
	struct lex *const l = &s->command.lex;
	struct lex_text set;
	size_t removed;

	if (s->command.uid && (!lex_space(l) || !set_lex(l, &set))) {
		session_reply_syntax(s);
		return;
	}
	if (!lex_end(l)) {
		session_reply_syntax(s);
		return;
	}
	if (s->mailbox.read_only || !(s->rights & RIGHT_EXPUNGE)) {
		session_reply(s, "NO",
			s->mailbox.read_only ? "Mailbox is read-only"
					     : "[NOPERM] Permission denied");
		return;
	}
	if (s->command.uid && !session_set(s, &set, true))
		return;
	if (!remove_deleted(s, s->command.uid, &removed))
		session_reply_errno(s, "EXPUNGE");
	else if (removed > 0 && s->condstore)
		session_reply(s, "OK", "[HIGHESTMODSEQ %llu] EXPUNGE completed",
			(unsigned long long)mailbox_highest(&s->mailbox));
	else
		session_reply(s, "OK", "EXPUNGE completed");
}

void
cmd_close(struct session *s)
{
	size_t removed;

	if (!lex_end(&s->command.lex)) {
		session_reply_syntax(s);
		return;
	}
	/* RFC 4314, 4: without the right it is closed all the same. */
	if (!s->mailbox.read_only && s->rights & RIGHT_EXPUNGE &&
		!remove_deleted(s, false, &removed)) {
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
