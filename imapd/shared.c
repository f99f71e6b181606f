/* Shared mailboxes in a user's session; see shared.h. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "imapd/commands.h"
#include "imapd/naming.h"
#include "imapd/relay.h"
#include "imapd/set.h"
#include "imapd/shared.h"
#include "imapd/shared_copy.h"
#include "imapd/shared_idle.h"
#include "imapd/shared_append.h"

/* Names that are taken from one of them. */
#define NAMES_MAX 20000

static bool
next(struct session const *s, size_t *pos, struct share *share_r)
{
	if (s->shared == NULL)
		return false;
	while (share_next(s->shared, pos, s->owner, share_r))
		/* Nobody shares his own with himself. */
		if (share_r->takes_part &&
			strcmp(share_r->mailbox, s->owner) != 0)
			return true;
	return false;
}

bool
shared_any(struct session const *s)
{
	struct share share;
	size_t pos = 0;

	return next(s, &pos, &share);
}

bool
shared_find(struct session const *s, char const *name, struct share *share_r)
{
	size_t pos = 0;

	if (strncmp(name, SHARE_ROOT, sizeof SHARE_ROOT - 1) != 0)
		return false;
	while (next(s, &pos, share_r))
		if (share_holds(share_r, name))
			return true;
	return false;
}

/* Send the command in hand as it came. */
static bool
send_command(struct relay *r, struct reader const *in)
{
	static stralloc text = STRALLOC_ZERO;

	text.len = 0;
	if (!relay_line_command(&text, in->s, in->len))
		return false;
	relay_write(r, text.s, text.len);
	return true;
}

/* RFC 7162, 3.1: what is told to one of our processes holds in all. */
static void
note_condstore(struct session *s)
{
	static char const *const words[] = {
		"CONDSTORE", "MODSEQ", "CHANGEDSINCE", "UNCHANGEDSINCE"};
	struct reader const *const in = &s->reader;

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t const len = strlen(words[i]);

		for (size_t at = 0; at + len <= in->len; at++)
			if (strncasecmp(in->s + at, words[i], len) == 0)
				s->condstore = true;
	}
}

/* Relay the command in hand, and its responses. False: r is closed; answered
 * in either case. */
static bool
relay_command(struct session *s, struct relay *r)
{
	if (r == NULL || !send_command(r, &s->reader) ||
		!relay_finish(s, r, NULL, NULL)) {
		relay_failed(s);
		return false;
	}
	if (relay_is_ok(r) && !s->condstore)
		note_condstore(s);
	relay_answer(s, r);
	s->just_told = true;
	return true;
}

static enum relay_taken
drop(void *data, struct relay *r)
{
	(void)data;
	(void)r;
	return RELAY_DROP;
}

void
shared_unselect(struct session *s)
{
	struct relay *const r = s->remote;

	s->remote = NULL;
	if (r == NULL)
		return;
	relay_puts(r, RELAY_TAG " UNSELECT\r\n");
	(void)!relay_finish(s, r, drop, NULL);
}

static void
select_shared(struct session *s, struct share const *share, char const *name)
{
	static char const read_only[] = "[READ-ONLY]";
	struct relay *r;

	/* Where it is another one that is selected there, that imapd says so
	 * itself. */
	if (s->remote == NULL ||
		strcmp(s->remote->share.mailbox, share->mailbox) != 0) {
		if (s->selected || s->remote != NULL)
			session_puts(
				s, "* OK [CLOSED] Previous mailbox closed\r\n");
		session_unselect(s);
	}
	r = relay_get(s, share);
	s->remote = r;
	if (!relay_command(s, r) || !relay_is_ok(r)) {
		s->remote = NULL;
		return;
	}
	r->read_only =
		r->parsed.rest.len > sizeof read_only - 1 &&
		memcmp(r->parsed.rest.s, read_only, sizeof read_only - 1) == 0;
	strcpy(s->name, name);
}

/* RENAME's other name. */
static bool
second_name(struct session const *s, struct lex l, char *name_r)
{
	struct lex_text text;

	return lex_space(&l) && lex_astring(&l, &text) &&
	       naming_in(s->utf8, text.s, text.len, name_r);
}

/* The name in the command, wherever it stands. l is moved behind it. */
static bool
first_name(struct session const *s, struct lex *l, char *name_r)
{
	struct lex_text text;

	if (!lex_space(l))
		return false;
	/* GETMETADATA (DEPTH 1) name */
	if (lex_peek(l) == '(') {
		char const *const end =
			memchr(l->s + l->pos, ')', l->len - l->pos);

		if (end == NULL)
			return false;
		l->pos = (size_t)(end - l->s) + 1;
		if (!lex_space(l))
			return false;
	}
	if (!lex_astring(l, &text))
		return false;
	/* CREATE: children will come. */
	if (text.len > 1 && text.s[text.len - 1] == BOXNAME_SEPARATOR)
		text.len--;
	return naming_in(s->utf8, text.s, text.len, name_r);
}

static bool
is_below_root(char const *name)
{
	size_t const len = sizeof SHARE_ROOT - 1;

	return strncmp(name, SHARE_ROOT, len) == 0 &&
	       (name[len] == '\0' || name[len] == BOXNAME_SEPARATOR);
}

/* Names there that are nobody's are not for the user to take. */
static bool
refuse_new(struct session *s)
{
	session_reply(s, "NO", "[NOPERM] That is where others share theirs");
	return true;
}

static bool
takes_rename(struct session *s, struct lex const *l, char const *from)
{
	char to[BOXNAME_MAX + 1];
	struct share a, b;
	bool const has_a = shared_find(s, from, &a);
	bool has_b;

	if (!second_name(s, *l, to))
		return false;
	has_b = shared_find(s, to, &b);
	if (!has_a && !has_b)
		return is_below_root(to) && shared_any(s) && refuse_new(s);
	if (has_a && has_b && strcmp(a.mailbox, b.mailbox) == 0)
		(void)relay_command(s, relay_get(s, &a));
	else
		session_reply(s, "NO",
			"[CANNOT] Not from one owner's to "
			"another's");
	return true;
}

/* Commands about a mailbox by its name. */
static bool
takes_named(struct session *s)
{
	enum command_verb const verb = s->command.verb;
	struct lex l = s->command.lex;
	char name[BOXNAME_MAX + 1];
	struct share share;

	if (!first_name(s, &l, name))
		return false;
	if (verb == COMMAND_RENAME)
		return takes_rename(s, &l, name);
	if (!shared_find(s, name, &share))
		return verb == COMMAND_CREATE && is_below_root(name) &&
		       shared_any(s) && refuse_new(s);
	if (verb == COMMAND_SELECT || verb == COMMAND_EXAMINE)
		select_shared(s, &share, name);
	else
		(void)relay_command(s, relay_get(s, &share));
	return true;
}

/* Commands about the selected mailbox, which is a shared one. */
static bool
takes_selected(struct session *s)
{
	struct relay *const r = relay_selected(s);
	bool const ends = s->command.verb == COMMAND_CLOSE ||
			  s->command.verb == COMMAND_UNSELECT;

	if (relay_command(s, r) && ends && relay_is_ok(r))
		s->remote = NULL;
	return true;
}

bool
shared_takes(struct session *s)
{
	bool const remote = s->remote != NULL;

	if (s->shared == NULL)
		return false;
	switch (s->command.verb) {
	case COMMAND_CREATE:
	case COMMAND_DELETE:
	case COMMAND_DELETEACL:
	case COMMAND_EXAMINE:
	case COMMAND_GETACL:
	case COMMAND_GETMETADATA:
	case COMMAND_GETQUOTA:
	case COMMAND_GETQUOTAROOT:
	case COMMAND_LISTRIGHTS:
	case COMMAND_MYRIGHTS:
	case COMMAND_RENAME:
	case COMMAND_SELECT:
	case COMMAND_SETACL:
	case COMMAND_SETMETADATA:
	case COMMAND_SETQUOTA:
	case COMMAND_STATUS:
		return takes_named(s);
	case COMMAND_COPY:
	case COMMAND_MOVE:
		return shared_copy(s) || (remote && takes_selected(s));
	case COMMAND_IDLE:
		return remote && shared_idle(s);
	case COMMAND_CANCELUPDATE:
	case COMMAND_CHECK:
	case COMMAND_CLOSE:
	case COMMAND_EXPUNGE:
	case COMMAND_FETCH:
	case COMMAND_NOOP:
	case COMMAND_SEARCH:
	case COMMAND_SORT:
	case COMMAND_STORE:
	case COMMAND_THREAD:
	case COMMAND_UNSELECT:
		return remote && takes_selected(s);
	case COMMAND_APPEND:
	case COMMAND_AUTHENTICATE:
	case COMMAND_CAPABILITY:
	case COMMAND_COMPRESS:
	case COMMAND_ENABLE:
	case COMMAND_ID:
	case COMMAND_LIST:
	case COMMAND_LOGIN:
	case COMMAND_LOGOUT:
	case COMMAND_LSUB:
	case COMMAND_NAMESPACE:
	case COMMAND_NOTIFY:
	case COMMAND_REPLACE:
	case COMMAND_STARTTLS:
	case COMMAND_SUBSCRIBE:
	case COMMAND_UNSUBSCRIBE:
	case COMMAND_UNKNOWN:
		break;
	}
	return false;
}

/* REPLACE: a message of the selected mailbox, by one in another. */
static bool
takes_replace(struct session *s, struct lex *l)
{
	char name[BOXNAME_MAX + 1];
	struct lex_text set;
	struct share share;
	bool to_shared;

	if (!lex_space(l) || !set_lex(l, &set) || !first_name(s, l, name))
		return false;
	to_shared = shared_find(s, name, &share);
	if (!to_shared && s->remote == NULL)
		return false;
	if (to_shared && s->remote != NULL &&
		strcmp(s->remote->share.mailbox, share.mailbox) == 0) {
		shared_append(s, relay_selected(s));
		return true;
	}
	shared_append(s, NULL);
	if (!s->ended)
		session_reply(
			s, "NO", "[CANNOT] Not from one owner's to another's");
	return true;
}

bool
shared_takes_append(struct session *s)
{
	struct lex l = s->command.lex;
	char name[BOXNAME_MAX + 1];
	struct share share;

	if (s->shared == NULL)
		return false;
	if (s->command.verb == COMMAND_REPLACE)
		return takes_replace(s, &l);
	if (!first_name(s, &l, name) || !shared_find(s, name, &share))
		return false;
	shared_append(s, relay_get(s, &share));
	return true;
}

/* What a LIST response tells goes into a list. */
struct listing {
	struct session *s;
	struct boxlist *b;
	size_t count;
	bool failed;
};

static bool
has_flag(struct lex_text const *flags, char const *flag)
{
	size_t const len = strlen(flag);

	for (size_t i = 0; i + len <= flags->len; i++)
		if (strncasecmp(flags->s + i, flag, len) == 0)
			return true;
	return false;
}

static enum relay_taken
add_name(void *data, struct relay *r)
{
	struct listing *const l = data;
	struct relay_line const *const line = &r->parsed;
	char name[BOXNAME_MAX + 1];
	unsigned flags = 0;

	if (line->kind != RELAY_NAMED || !lex_is(&line->word, "LIST") ||
		l->count++ >= NAMES_MAX ||
		!naming_in(l->s->utf8, line->name.s, line->name.len, name))
		return RELAY_DROP;
	if (has_flag(&line->rest, "\\Noselect") ||
		has_flag(&line->rest, "\\NonExistent"))
		flags = BOXLIST_MISSING;
	l->failed |= !boxlist_add(l->b, name, strlen(name), flags);
	return RELAY_DROP;
}

/* Could a pattern match a name of this mailbox or below it? */
static bool
is_asked_for(struct list_args const *args, struct share const *share)
{
	for (size_t i = 0; i < args->count; i++)
		if (boxname_may_match(args->text + args->patterns[i].start,
			    args->patterns[i].len, share->prefix,
			    strlen(share->prefix)))
			return true;
	return false;
}

bool
shared_list(struct session *s, struct list_args const *args, struct boxlist *b)
{
	struct listing l = {.s = s, .b = b};
	bool any = false, asked = false;
	struct share share;
	size_t pos = 0;

	while (next(s, &pos, &share)) {
		struct relay *r;

		any = true;
		if (!is_asked_for(args, &share))
			continue;
		asked = true;
		r = relay_get(s, &share);
		if (r == NULL)
			continue;
		l.count = 0;
		relay_puts(r, RELAY_TAG " LIST \"\" *\r\n");
		(void)!relay_finish(s, r, add_name, &l);
	}
	/* For those who ask for one level it is there, though nobody was asked
	 * whether there is one that they may see. */
	if (any && !asked &&
		!boxlist_add(b, SHARE_ROOT, sizeof SHARE_ROOT - 1,
			BOXLIST_MISSING | BOXLIST_CHILDREN))
		return false;
	return !l.failed;
}

void
shared_tell(struct session *s, struct share const *share, char const *verb,
	char const *name, char const *more)
{
	struct relay *const r = relay_get(s, share);
	stralloc out = STRALLOC_ZERO;

	if (r != NULL && stralloc_cats(&out, RELAY_TAG " ") &&
		stralloc_cats(&out, verb) && stralloc_cats(&out, " ") &&
		naming_out(s->utf8, &out, name) && stralloc_cats(&out, more) &&
		stralloc_cats(&out, "\r\n")) {
		relay_write(r, out.s, out.len);
		(void)!relay_finish(s, r, NULL, NULL);
	}
	stralloc_free(&out);
}
