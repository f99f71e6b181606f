/* LIST, LSUB and NAMESPACE (RFC 9051, 6.3.9 and 6.3.10; RFC 3501, 6.3.9; RFC
 * 5258 LIST-EXTENDED; RFC 5819 LIST-STATUS; RFC 6154 SPECIAL-USE; RFC 3348
 * CHILDREN; RFC 2342). */
#include <string.h>

#include "common/log.h"
#include "imapd/boxlist.h"
#include "imapd/commands.h"
#include "imapd/list_args.h"
#include "imapd/naming.h"
#include "imapd/permit.h"
#include "imapd/shared.h"
#include "imapd/status.h"
#include "imapd/subscriptions.h"
#include "common/use.h"

struct list {
	struct session *s;
	struct list_args args;
	struct boxlist b;
	bool lsub;
};

/* Append " word" or, as the first in a list, "word". */
static bool
add_word(stralloc *out, char const *word)
{
	return (out->s[out->len - 1] == '(' || stralloc_catb(out, " ", 1)) &&
	       stralloc_cats(out, word);
}

static bool
attributes(struct list const *list, unsigned flags, char const *use)
{
	stralloc *const out = &list->s->out;
	bool ok = true;

	/* A client that knows RFC 5258 or 9051 is told that there is nothing,
	 * another one that it cannot be selected, which follows from it. */
	if (flags & BOXLIST_MISSING)
		ok = add_word(out, list->args.extended || list->s->rev2
					   ? "\\NonExistent"
					   : "\\Noselect");
	if (ok && !list->lsub)
		ok = add_word(out, flags & BOXLIST_CHILDREN
					   ? "\\HasChildren"
					   : "\\HasNoChildren");
	if (ok && !list->lsub && *use != '\0')
		ok = add_word(out, use);
	if (ok && list->args.returns & LIST_SUBSCRIBED &&
		flags & BOXLIST_SUBSCRIBED)
		ok = add_word(out, "\\Subscribed");
	return ok;
}

static bool
child_info(struct list const *list)
{
	stralloc *const out = &list->s->out;

	return stralloc_cats(out, " (\"CHILDINFO\" (") &&
	       (!(list->args.select & LIST_SUBSCRIBED) ||
		       add_word(out, "\"SUBSCRIBED\"")) &&
	       (!(list->args.select & LIST_SPECIAL_USE) ||
		       add_word(out, "\"SPECIAL-USE\"")) &&
	       stralloc_cats(out, "))");
}

static void
tell_shared(
	struct list const *list, struct share const *share, char const *name)
{
	char items[STATUS_TEXT_MAX];

	status_text(list->args.status, items);
	if (list->args.returns & LIST_STATUS)
		shared_tell(list->s, share, "STATUS", name, items);
	if (list->args.returns & LIST_MYRIGHTS)
		shared_tell(list->s, share, "MYRIGHTS", name, "");
}

static void
tell(struct list const *list, char const *name, unsigned flags, char const *use,
	bool has_child)
{
	struct session *const s = list->s;
	struct share share;
	bool ok;

	s->out.len = 0;
	ok = stralloc_cats(&s->out, list->lsub ? "* LSUB (" : "* LIST (") &&
	     attributes(list, flags, use) &&
	     stralloc_cats(&s->out, ") \".\" ") &&
	     naming_out(s->utf8, &s->out, name) &&
	     (!has_child || child_info(list)) && stralloc_cats(&s->out, "\r\n");
	if (!ok)
		return;
	session_send(s);
	/* RFC 5819, 2: one whose state cannot be told has none. */
	if (flags & BOXLIST_MISSING)
		return;
	if (shared_find(s, name, &share)) {
		tell_shared(list, &share, name);
		return;
	}
	if (list->args.returns & LIST_STATUS &&
		permit_rights(s, name) & RIGHT_READ &&
		!status_tell(s, name, list->args.status))
		log_error("status-failed", NULL, "mailbox", name, (char *)0);
	if (list->args.returns & LIST_MYRIGHTS && !cmd_acl_tell(s, name))
		log_error("rights-failed", NULL, "mailbox", name, (char *)0);
}

/* Is it one that is listed, by its rights and by its name? */
static bool
matches(struct list const *list, size_t i)
{
	char const *const name = boxlist_name(&list->b, i);
	char full[NAMING_MAX];

	naming_full(name, full);
	return list_args_match(&list->args, full) &&
	       permit_rights(list->s, name) & RIGHT_LOOKUP;
}

/* Does mailbox i meet the selection options? */
static bool
is_selected(struct list const *list, size_t i, char *use)
{
	struct boxlist_entry const *const e = &list->b.v[i];
	unsigned const select = list->args.select;
	struct share share;

	use[0] = '\0';
	if (select & LIST_SUBSCRIBED && !(e->flags & BOXLIST_SUBSCRIBED))
		return false;
	if (!(e->flags & BOXLIST_MISSING) && !list->lsub &&
		!shared_find(list->s, boxlist_name(&list->b, i), &share))
		use_of(list->s->root_fd, boxlist_name(&list->b, i), use);
	return !(select & LIST_SPECIAL_USE) || *use != '\0';
}

/*
 * CHILDINFO (RFC 5258, 3.5): is there one below mailbox i that meets the
 * options? One that is not met itself is told for it only if that one is not.
 */
static bool
has_selected_child(struct list const *list, size_t i, bool met)
{
	char const *const parent = boxlist_name(&list->b, i);
	size_t const len = strlen(parent);
	char use[USE_MAX];

	for (size_t k = i + 1; k < list->b.count; k++) {
		char const *const name = boxlist_name(&list->b, k);

		if (strncmp(name, parent, len) != 0 ||
			name[len] != BOXNAME_SEPARATOR)
			return false;
		if (is_selected(list, k, use) &&
			(met || !list_args_match(&list->args, name)))
			return true;
	}
	return false;
}

static void
tell_matches(struct list const *list)
{
	bool parents = !list->lsub;
	char use[USE_MAX];

	/* LSUB tells parents to those alone who ask for one level. */
	if (memchr(list->args.text, '%', list->args.used) != NULL)
		parents = true;
	for (size_t i = 0; i < list->b.count; i++) {
		char const *const name = boxlist_name(&list->b, i);
		unsigned const flags = list->b.v[i].flags;
		bool met, child = false;

		if ((flags & BOXLIST_MISSING && !parents) || !matches(list, i))
			continue;
		met = is_selected(list, i, use);
		if (list->args.select & LIST_RECURSIVE)
			child = has_selected_child(list, i, met);
		if (met || child)
			tell(list, name, flags, use, child);
	}
}

static void
answer_list(struct list *list, char const *word)
{
	struct session *const s = list->s;
	bool const subscribed = list->args.returns & LIST_SUBSCRIBED;
	bool ok;

	list->b = (struct boxlist)BOXLIST_ZERO;
	if (list->args.count == 0)
		session_printf(s, "* %s (\\Noselect) \".\" \"\"\r\n", word);
	if (list->lsub)
		ok = subscriptions_read(&list->b, s->root_fd, 0);
	else
		/* What is subscribed to need not exist. */
		ok = boxlist_read(&list->b, s->root_fd) &&
		     shared_list(s, &list->args, &list->b) &&
		     (!subscribed ||
			     subscriptions_read(&list->b, s->root_fd,
				     BOXLIST_SUBSCRIBED | BOXLIST_MISSING));
	if (ok && boxlist_finish(&list->b)) {
		tell_matches(list);
		session_reply(s, "OK", "%s completed", word);
	} else {
		session_reply_errno(s, word);
	}
	boxlist_free(&list->b);
}

static void
run(struct session *s, bool lsub)
{
	static struct list list;

	list.s = s;
	list.lsub = lsub;
	if (list_args_lex(
		    &s->command.lex, lsub, s->utf8, status_lex, &list.args))
		answer_list(&list, lsub ? "LSUB" : "LIST");
	else
		session_reply_syntax(s);
}

void
cmd_list(struct session *s)
{
	run(s, false);
}

void
cmd_lsub(struct session *s)
{
	run(s, true);
}

void
cmd_namespace(struct session *s)
{
	if (!lex_end(&s->command.lex)) {
		session_reply_syntax(s);
		return;
	}
	session_puts(s, shared_any(s) ? "* NAMESPACE ((\"\" \".\")) NIL "
					"((\"" SHARE_ROOT ".\" \".\"))\r\n"
				      : "* NAMESPACE ((\"\" \".\")) NIL "
					"NIL\r\n");
	session_reply(s, "OK", "NAMESPACE completed");
}
