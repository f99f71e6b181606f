/* STORE (RFC 3501, 6.4.6; UNCHANGEDSINCE: RFC 7162, 3.1.3). All files get their
 * new names first, then the changes are written down together, and told with
 * the MODSEQ that they have by that. */
#include <errno.h>

#include "imapd/commands.h"
#include "imapd/rights.h"
#include "imapd/select_args.h"
#include "imapd/set.h"
#include "imapd/vanished.h"

#define START "[MODIFIED "
#define START_LEN (sizeof START - 1)

struct store {
	struct lex_text set;
	bool conditional;
	uint64_t unchanged_since;
	enum flag_store how;
	bool silent;
	struct flag_args flags;
	uint32_t keywords;
	/* What the user may not change (RFC 4314), and so stays. */
	unsigned kept_system;
	bool keeps_keywords;
};

/* store-modifiers (RFC 4466, 2.5) */
static bool
modifiers(struct lex *l, struct store *a)
{
	struct lex_text word;

	a->conditional = lex_char(l, '(');
	return !a->conditional ||
	       (lex_atom(l, &word) && lex_is(&word, "UNCHANGEDSINCE") &&
		       lex_space(l) &&
		       select_args_modseq(l, &a->unchanged_since) &&
		       lex_char(l, ')') && lex_space(l));
}

static bool
arguments(struct lex *l, struct store *a)
{
	return lex_space(l) && set_lex(l, &a->set) && lex_space(l) &&
	       modifiers(l, a) &&
	       flag_args_store(l, &a->how, &a->silent, &a->flags) && lex_end(l);
}

static void
leave_out(struct session *s, size_t i)
{
	s->bits.s[i / 8] &= (char)~(1u << i % 8);
}

static void
tell(struct session *s, size_t i, bool flags)
{
	stralloc *const out = &s->out;

	out->len = 0;
	if (!session_fetch(s, i, out) ||
		!session_modseq(s, i, s->command.uid, out))
		return;
	if (flags) {
		msgtable_unmark(&s->mailbox.view, i, MESSAGE_CHANGED);
		if (!stralloc_cats(out, "FLAGS ") || !session_flags(s, i, out))
			return;
	} else {
		out->len--;
	}
	if (stralloc_cats(out, ")\r\n"))
		session_send(s);
}

/* Messages that could not be changed, as a set. */
struct refused {
	stralloc set;
	uint32_t first, last;
};

static bool
refuse(struct session *s, struct refused *r, size_t i)
{
	uint32_t const n =
		s->command.uid ? s->mailbox.view.v[i].uid : (uint32_t)i + 1;

	leave_out(s, i);
	if (r->first != 0 && n == r->last + 1) {
		r->last = n;
		return true;
	}
	if (r->first != 0 &&
		!vanished_add_range(&r->set, START_LEN, r->first, r->last))
		return false;
	r->first = r->last = n;
	return true;
}

/* What is to be stored for message i. */
static unsigned
system_of(struct session const *s, struct store const *a, size_t i)
{
	unsigned const kept = a->how == FLAG_STORE_SET ? a->kept_system : 0;

	return a->flags.system | (s->mailbox.view.v[i].system & kept);
}

static uint32_t
keywords_of(struct session const *s, struct store const *a, size_t i)
{
	return a->how == FLAG_STORE_SET && a->keeps_keywords
		       ? s->mailbox.view.v[i].keywords
		       : a->keywords;
}

/* The flags of message i when it has been stored, if nobody else changes
 * them. */
static uint32_t
expected(struct session const *s, struct store const *a, size_t i)
{
	struct message want = s->mailbox.view.v[i];

	if (a->how == FLAG_STORE_ADD) {
		want.system |= (uint8_t)a->flags.system;
		want.keywords |= a->keywords;
	} else if (a->how == FLAG_STORE_REMOVE) {
		want.system &= (uint8_t)~a->flags.system;
		want.keywords &= ~a->keywords;
	} else {
		want.system = (uint8_t)system_of(s, a, i);
		want.keywords = keywords_of(s, a, i);
	}
	return msgtable_flags(&want);
}

/* Give the files their names. What was not done is left out of s->bits. */
static bool
store_all(struct session *s, struct store const *a, struct refused *refused,
	size_t *gone_r)
{
	struct mailbox *const m = &s->mailbox;

	for (size_t i = 0; i < s->told_exists; i++) {
		/* What others have changed is told all the same. */
		bool const told = !(m->view.v[i].state & MESSAGE_CHANGED);
		uint32_t const flags = expected(s, a, i);
		int r = 2;

		if (!session_has(s, i))
			continue;
		if (!a->conditional)
			r = mailbox_store(m, i, a->how, system_of(s, a, i),
				keywords_of(s, a, i));
		else if (m->view.v[i].modseq <= a->unchanged_since)
			r = mailbox_store_if_same(m, i, a->how,
				system_of(s, a, i), keywords_of(s, a, i));
		if (r < 0)
			return false;
		if (r == 0) {
			++*gone_r;
			leave_out(s, i);
		} else if (r == 2 && !refuse(s, refused, i)) {
			return false;
		} else if (r == 1 && told &&
			   flags == msgtable_flags(&m->view.v[i])) {
			msgtable_unmark(&m->view, i, MESSAGE_CHANGED);
		}
	}
	return true;
}

static void
tell_all(struct session *s, struct store const *a, uint64_t before)
{
	struct msgtable const *const t = &s->mailbox.view;

	for (size_t i = 0; i < s->told_exists; i++) {
		if (!session_has(s, i) || t->v[i].state & MESSAGE_GONE)
			continue;
		if (!a->silent)
			tell(s, i, true);
		else if (s->condstore && !(t->v[i].state & MESSAGE_CHANGED) &&
			 (a->conditional || t->v[i].modseq > before))
			tell(s, i, false);
	}
}

static void
store(struct session *s, struct store const *a)
{
	static struct refused refused;
	uint64_t const before = mailbox_highest(&s->mailbox);
	size_t gone = 0;

	refused.set.len = 0;
	refused.first = 0;
	if (!stralloc_cats(&refused.set, START)) {
		session_reply_errno(s, "memory");
		return;
	}
	if (!store_all(s, a, &refused, &gone) || !mailbox_sync(&s->mailbox)) {
		session_reply_errno(s, "STORE");
		return;
	}
	tell_all(s, a, before);
	/* RFC 2180, 4.2: those that are left were changed. */
	if (gone > 0 && !s->command.uid)
		session_reply(s, "NO",
			"[EXPUNGEISSUED] Some of the messages are gone");
	else
		session_reply(s, "OK", "STORE completed");
	if (refused.first == 0)
		return;
	if (!vanished_add_range(
		    &refused.set, START_LEN, refused.first, refused.last) ||
		!stralloc_cats(&refused.set, "] ") ||
		!stralloc_0(&refused.set)) {
		session_reply_errno(s, "memory");
		return;
	}
	session_reply(s, gone > 0 && !s->command.uid ? "NO" : "OK",
		"Some have been changed by others");
	s->code = refused.set.s;
}

/*
 * RFC 4314, 4: it changes what the user may change, and fails only if that is
 * nothing. False: answered.
 */
static bool
allowed(struct session *s, struct store *a)
{
	unsigned const may = rights_flags(s->rights);
	bool const keywords = s->rights & RIGHT_WRITE;
	bool const wants_none =
		a->flags.system == 0 && a->flags.keywords_count == 0;

	a->kept_system = ~may;
	a->keeps_keywords = !keywords;
	a->flags.system &= may;
	if (!keywords)
		a->flags.keywords_count = 0;
	if (a->flags.system != 0 || a->flags.keywords_count > 0 ||
		(wants_none &&
			s->rights & (RIGHT_SEEN | RIGHT_WRITE | RIGHT_DELETE)))
		return true;
	session_reply(s, "NO", "[NOPERM] Permission denied");
	return false;
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
	if (!allowed(s, &a))
		return;
	if (a.conditional)
		session_condstore(s);
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
