/* COPY and MOVE (RFC 3501, 6.4.7; RFC 6851; RFC 4315, 3). Copies are further
 * names of the same file, which nobody changes: date and octets stay, and no
 * space is used. All messages are copied or none. */
#include <stdio.h>
#include <string.h>

#include "imapd/commands.h"
#include "imapd/junk.h"
#include "imapd/permit.h"
#include "imapd/set.h"
#include "imapd/transfer.h"

static bool
add_range(stralloc *sa, uint32_t first, uint32_t last, bool *any)
{
	char text[32];

	if (first == last)
		(void)snprintf(text, sizeof text, "%s%lu", *any ? "," : "",
			(unsigned long)first);
	else
		(void)snprintf(text, sizeof text, "%s%lu:%lu", *any ? "," : "",
			(unsigned long)first, (unsigned long)last);
	*any = true;
	return stralloc_cats(sa, text);
}

/* "[COPYUID 38505 304,319:320 3956:3958] " */
static bool
copyuid(struct session *s, struct transfer const *t)
{
	struct message const *const v = s->mailbox.view.v;
	uint32_t first = 0, last = 0;
	bool any = false, ok;
	char text[64];

	s->out.len = 0;
	(void)snprintf(
		text, sizeof text, "[COPYUID %lu ", (unsigned long)t->validity);
	ok = stralloc_cats(&s->out, text);
	for (size_t k = 0; ok && k < t->count; k++) {
		uint32_t const uid = v[t->items[k].index].uid;

		if (first != 0 && uid == last + 1) {
			last = uid;
			continue;
		}
		if (first != 0)
			ok = add_range(&s->out, first, last, &any);
		first = last = uid;
	}
	any = any && ok;
	ok = ok && add_range(&s->out, first, last, &any);
	any = false;
	return ok && stralloc_catb(&s->out, " ", 1) &&
	       add_range(&s->out, t->first_uid,
		       t->first_uid + (uint32_t)t->count - 1, &any) &&
	       stralloc_cats(&s->out, "] ") && stralloc_0(&s->out);
}

/* The messages that were moved go; told by the answer's EXPUNGE. */
static bool
remove_sources(struct session *s, struct transfer const *t)
{
	for (size_t k = 0; k < t->count; k++)
		if (mailbox_unlink(&s->mailbox, t->items[k].index) < 0)
			return false;
	return true;
}

static void
finish(struct session *s, struct transfer const *t, bool move)
{
	char const *const verb = move ? "MOVE" : "COPY";

	if (t->count == 0) {
		session_reply(s, "OK", "%s completed, nothing found", verb);
		return;
	}
	if (!copyuid(s, t)) {
		session_reply_errno(s, "memory");
		return;
	}
	if (!move) {
		session_reply(s, "OK", "COPY completed");
		s->code = s->out.s;
		return;
	}
	/* RFC 6851, 4.3: before the EXPUNGEs. */
	session_puts(s, "* OK ");
	session_puts(s, s->out.s);
	session_puts(s, "Moved\r\n");
	if (remove_sources(s, t))
		session_reply(s, "OK", "MOVE completed");
	else
		session_reply_errno(s, "MOVE");
}

static void
copy(struct session *s, bool move)
{
	struct lex *const l = &s->command.lex;
	char name[BOXNAME_MAX + 1], dir[BOXNAME_MAX + 2];
	struct transfer t = TRANSFER_ZERO;
	struct lex_text set;

	if (!lex_space(l) || !set_lex(l, &set)) {
		session_reply_syntax(s);
		return;
	}
	if (!session_mailbox_name(s, name))
		return;
	if (!lex_end(l)) {
		session_reply_syntax(s);
		return;
	}
	if (move && s->mailbox.read_only) {
		session_reply(s, "NO", "Mailbox is read-only");
		return;
	}
	/* RFC 6851, 4.4 */
	if (move && (~s->rights & (RIGHT_DELETE | RIGHT_EXPUNGE))) {
		session_reply(s, "NO", "[NOPERM] Permission denied");
		return;
	}
	if (!permit(s, name, RIGHT_INSERT))
		return;
	t.rights = permit_rights(s, name);
	if (!session_set(s, &set, s->command.uid))
		return;
	boxname_dir(name, dir);
	for (size_t i = 0; i < s->told_exists; i++)
		if (session_has(s, i) && !transfer_add(&t, i)) {
			session_reply_errno(s, "memory");
			goto out;
		}
	/* What is moved takes no more than it did. */
	if (!move && t.count > 0 &&
		!transfer_allowed(&t, &s->mailbox, s->root_fd)) {
		session_reply(s, "NO", "[OVERQUOTA] Quota exceeded");
		goto out;
	}
	switch (transfer_run(&t, &s->mailbox, s->root_fd, dir, s->host)) {
	case TRANSFER_DONE:
		junk_copied(s, name, &t);
		finish(s, &t, move);
		break;
	case TRANSFER_NO_FOLDER:
		session_reply(s, "NO", "[TRYCREATE] No such mailbox");
		break;
	case TRANSFER_GONE:
		session_reply(s, "NO",
			"[EXPUNGEISSUED] Some of the messages are gone");
		break;
	case TRANSFER_FAILED:
		session_reply_errno(s, move ? "MOVE" : "COPY");
		break;
	}
out:
	transfer_free(&t);
}

void
cmd_copy(struct session *s)
{
	copy(s, false);
}

void
cmd_move(struct session *s)
{
	copy(s, true);
}
