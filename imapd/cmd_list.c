/* LIST, LSUB, STATUS and NAMESPACE (RFC 3501, 6.3.8 to 6.3.10; RFC 2342;
 * RFC 3348 CHILDREN; RFC 6154 SPECIAL-USE). */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "imapd/boxlist.h"
#include "imapd/commands.h"
#include "imapd/subscriptions.h"
#include "mime/imap.h"

/* What a folder is for is told by its name, as most clients make them. */
static struct {
	char const *name;
	char const *attribute;
} const uses[] = {
	{"Archive", "\\Archive"},
	{"Archives", "\\Archive"},
	{"Drafts", "\\Drafts"},
	{"Junk", "\\Junk"},
	{"Spam", "\\Junk"},
	{"Sent", "\\Sent"},
	{"Sent Messages", "\\Sent"},
	{"Trash", "\\Trash"},
};

struct list {
	char const *word; /* LIST or LSUB */
	bool only_special, only_subscribed, tell_subscribed;
	char pattern[BOXNAME_PATTERN_MAX];
	size_t pattern_len;
};

static char const *
special_use(char const *name)
{
	for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
		if (strcasecmp(name, uses[i].name) == 0)
			return uses[i].attribute;
	return NULL;
}

static void
tell(struct session *s, struct list const *list, char const *name,
	unsigned flags)
{
	char const *const use = special_use(name);
	bool const full = strcmp(list->word, "LIST") == 0;
	bool ok;

	s->out.len = 0;
	ok = stralloc_cats(&s->out, "* ") &&
	     stralloc_cats(&s->out, list->word) && stralloc_cats(&s->out, " (");
	if (ok && flags & BOXLIST_MISSING)
		ok = stralloc_cats(&s->out, "\\Noselect ");
	if (ok && full)
		ok = stralloc_cats(&s->out, flags & BOXLIST_CHILDREN
						    ? "\\HasChildren "
						    : "\\HasNoChildren ");
	if (ok && full && use != NULL && !(flags & BOXLIST_MISSING))
		ok = stralloc_cats(&s->out, use) &&
		     stralloc_catb(&s->out, " ", 1);
	if (ok && list->tell_subscribed && flags & BOXLIST_SUBSCRIBED)
		ok = stralloc_cats(&s->out, "\\Subscribed ");
	if (ok && s->out.s[s->out.len - 1] == ' ')
		s->out.len--;
	ok = ok && stralloc_cats(&s->out, ") \".\" ") &&
	     imap_string(&s->out, name, strlen(name)) &&
	     stralloc_cats(&s->out, "\r\n");
	if (ok)
		session_send(s);
}

static void
tell_matches(struct session *s, struct list const *list, struct boxlist *b)
{
	bool const parents =
		strcmp(list->word, "LIST") == 0 ||
		memchr(list->pattern, '%', list->pattern_len) != NULL;

	for (size_t i = 0; i < b->count; i++) {
		char const *const name = boxlist_name(b, i);
		unsigned const flags = b->v[i].flags;

		if ((flags & BOXLIST_MISSING && !parents) ||
			(list->only_special && special_use(name) == NULL) ||
			(list->only_subscribed &&
				!(flags & BOXLIST_SUBSCRIBED)) ||
			!boxname_match(list->pattern, list->pattern_len, name,
				strlen(name)))
			continue;
		tell(s, list, name, flags);
	}
}

static bool
reference_and_pattern(struct lex *l, struct list *list)
{
	struct lex_text reference, pattern;

	if (!lex_astring(l, &reference) || !lex_space(l) ||
		!lex_list_mailbox(l, &pattern) ||
		reference.len + pattern.len > sizeof list->pattern)
		return false;
	memcpy(list->pattern, reference.s, reference.len);
	memcpy(list->pattern + reference.len, pattern.s, pattern.len);
	/* LIST "" "" asks for the separator alone. */
	list->pattern_len = pattern.len == 0 ? 0 : reference.len + pattern.len;
	return true;
}

/* The options of RFC 5258 that SPECIAL-USE and some clients need: selection in
 * front, RETURN behind. */
static bool
options(struct lex *l, struct list *list, bool selection)
{
	struct lex_text word;

	if (!lex_char(l, '('))
		return false;
	if (lex_char(l, ')'))
		return true;
	do {
		if (!lex_atom(l, &word))
			return false;
		if (lex_is(&word, "SPECIAL-USE"))
			list->only_special |= selection;
		else if (lex_is(&word, "SUBSCRIBED")) {
			list->only_subscribed |= selection;
			list->tell_subscribed = true;
		} else if (!lex_is(&word, "CHILDREN") || selection) {
			return false;
		}
	} while (lex_space(l));
	return lex_char(l, ')');
}

static bool
list_arguments(struct lex *l, struct list *list)
{
	struct lex_text word;

	if (!lex_space(l))
		return false;
	if (lex_peek(l) == '(' && (!options(l, list, true) || !lex_space(l)))
		return false;
	if (!reference_and_pattern(l, list))
		return false;
	if (lex_end(l))
		return true;
	/* lex_end takes blanks away only in front of the end. */
	return lex_atom(l, &word) && lex_is(&word, "RETURN") && lex_space(l) &&
	       options(l, list, false) && lex_end(l);
}

void
cmd_list(struct session *s)
{
	struct list list = {.word = "LIST"};
	struct boxlist b = BOXLIST_ZERO;

	if (!list_arguments(&s->command.lex, &list)) {
		session_reply_syntax(s);
		return;
	}
	if (list.pattern_len == 0) {
		session_puts(s, "* LIST (\\Noselect) \".\" \"\"\r\n");
		session_reply(s, "OK", "LIST completed");
		return;
	}
	/* What is subscribed to need not exist. */
	if (boxlist_read(&b, s->root_fd) &&
		(!list.tell_subscribed ||
			subscriptions_read(&b, s->root_fd,
				BOXLIST_SUBSCRIBED | BOXLIST_MISSING)) &&
		boxlist_finish(&b)) {
		tell_matches(s, &list, &b);
		session_reply(s, "OK", "LIST completed");
	} else {
		session_reply_errno(s, "LIST");
	}
	boxlist_free(&b);
}

void
cmd_lsub(struct session *s)
{
	struct list list = {.word = "LSUB"};
	struct boxlist b = BOXLIST_ZERO;

	if (!lex_space(&s->command.lex) ||
		!reference_and_pattern(&s->command.lex, &list) ||
		!lex_end(&s->command.lex)) {
		session_reply_syntax(s);
		return;
	}
	if (list.pattern_len == 0)
		session_puts(s, "* LSUB (\\Noselect) \".\" \"\"\r\n");
	if (subscriptions_read(&b, s->root_fd, 0) && boxlist_finish(&b)) {
		tell_matches(s, &list, &b);
		session_reply(s, "OK", "LSUB completed");
	} else {
		session_reply_errno(s, "LSUB");
	}
	boxlist_free(&b);
}

void
cmd_namespace(struct session *s)
{
	if (!lex_end(&s->command.lex)) {
		session_reply_syntax(s);
		return;
	}
	session_puts(s, "* NAMESPACE ((\"\" \".\")) NIL NIL\r\n");
	session_reply(s, "OK", "NAMESPACE completed");
}

static char const *const items[] = {
	"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN"};
#define ITEMS (sizeof items / sizeof *items)

static bool
status_items(struct lex *l, unsigned *wanted_r)
{
	struct lex_text word;

	*wanted_r = 0;
	if (!lex_space(l) || !lex_char(l, '('))
		return false;
	do {
		size_t i = 0;

		if (!lex_atom(l, &word))
			return false;
		while (i < ITEMS && !lex_is(&word, items[i]))
			i++;
		if (i == ITEMS)
			return false;
		*wanted_r |= 1u << i;
	} while (lex_space(l));
	return lex_char(l, ')') && lex_end(l);
}

static bool
status_text(stralloc *out, struct mailbox const *m, char const *name,
	unsigned wanted)
{
	uint64_t values[ITEMS] = {m->view.count, 0, m->next_uid, m->validity};
	char number[48];
	bool ok = stralloc_cats(out, "* STATUS ") &&
		  imap_string(out, name, strlen(name)) &&
		  stralloc_cats(out, " (");

	for (size_t i = 0; i < m->view.count; i++) {
		values[1] += m->view.v[i].state & MESSAGE_RECENT;
		values[4] += !(m->view.v[i].system & FLAG_SEEN);
	}
	for (size_t i = 0; ok && i < ITEMS; i++) {
		if (!(wanted >> i & 1))
			continue;
		(void)snprintf(number, sizeof number, "%s %llu ", items[i],
			(unsigned long long)values[i]);
		ok = stralloc_cats(out, number);
	}
	if (ok)
		out->len--;
	return ok && stralloc_cats(out, ")\r\n");
}

void
cmd_status(struct session *s)
{
	char name[BOXNAME_MAX + 1], dir[BOXNAME_MAX + 2];
	struct mailbox m;
	unsigned wanted;

	if (!session_mailbox_name(s, name))
		return;
	if (!status_items(&s->command.lex, &wanted)) {
		session_reply_syntax(s);
		return;
	}
	boxname_dir(name, dir);
	if (!mailbox_open(&m, s->root_fd, dir, true, false)) {
		session_reply_errno(s, "STATUS");
		return;
	}
	s->out.len = 0;
	if (status_text(&s->out, &m, name, wanted)) {
		session_send(s);
		session_reply(s, "OK", "STATUS completed");
	} else {
		session_reply_errno(s, "memory");
	}
	mailbox_close(&m);
}
