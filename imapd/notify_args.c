/* What NOTIFY asks for; see notify_args.h. */
#include <string.h>

#include "imapd/fetch_args.h"
#include "imapd/naming.h"
#include "imapd/notify_args.h"

static struct {
	char const *name;
	unsigned event;
} const events[] = {
	{"MessageNew", NOTIFY_NEW},
	{"MessageExpunge", NOTIFY_EXPUNGE},
	{"FlagChange", NOTIFY_FLAGS},
	{"MailboxName", NOTIFY_NAME},
	{"SubscriptionChange", NOTIFY_SUBSCRIPTION},
	{"MailboxMetadataChange", NOTIFY_METADATA},
	{"ServerMetadataChange", NOTIFY_SERVER},
};

/* A name that cannot be one is of no mailbox, and passed over. */
static bool
add_name(struct lex *l, bool utf8, struct notify_args *args,
	struct notify_group *group)
{
	char name[BOXNAME_MAX + 1];
	struct lex_text text;
	size_t len;

	if (!lex_astring(l, &text))
		return false;
	if (!naming_in(utf8, text.s, text.len, name))
		return true;
	len = strlen(name) + 1;
	if (len > sizeof args->text - args->used)
		return false;
	memcpy(args->text + args->used, name, len);
	args->used += len;
	group->names_count++;
	return true;
}

static bool
names(struct lex *l, bool utf8, struct notify_args *args,
	struct notify_group *group)
{
	bool list;

	if (!lex_space(l))
		return false;
	list = lex_char(l, '(');
	group->names_start = args->used;
	do
		if (!add_name(l, utf8, args, group))
			return false;
	while (list && lex_char(l, ' '));
	return !list || lex_char(l, ')');
}

static bool
filter(struct lex *l, bool utf8, struct notify_args *args,
	struct notify_group *group)
{
	struct lex_text word;

	if (!lex_atom(l, &word))
		return false;
	args->delayed |= lex_is(&word, "SELECTED-DELAYED");
	if (lex_is(&word, "SELECTED") || lex_is(&word, "SELECTED-DELAYED")) {
		group->filter = NOTIFY_SELECTED;
		return true;
	}
	/* RFC 5465, 6.3: mail may be delivered into any of them. */
	if (lex_is(&word, "INBOXES") || lex_is(&word, "PERSONAL")) {
		group->filter = NOTIFY_PERSONAL;
		return true;
	}
	if (lex_is(&word, "SUBSCRIBED")) {
		group->filter = NOTIFY_SUBSCRIBED;
		return true;
	}
	group->filter = NOTIFY_SUBTREE;
	if (lex_is(&word, "MAILBOXES"))
		group->filter = NOTIFY_MAILBOXES;
	else if (!lex_is(&word, "SUBTREE"))
		return false;
	return names(l, utf8, args, group);
}

/* "(UID FLAGS)", kept as it is. */
static bool
fetch(struct lex *l, struct notify_args *args)
{
	static struct fetch_args items;
	size_t const start = l->pos;

	if (!fetch_args_lex(l, &items) || l->pos - start > sizeof args->fetch)
		return false;
	args->fetch_len = l->pos - start;
	memcpy(args->fetch, l->s + start, args->fetch_len);
	return true;
}

static bool
event(struct lex *l, struct notify_args *args, struct notify_group *group)
{
	struct lex_text word;
	size_t i = 0;

	if (!lex_atom(l, &word))
		return false;
	while (i < sizeof events / sizeof *events &&
		!lex_is(&word, events[i].name))
		i++;
	if (i == sizeof events / sizeof *events) {
		args->unsupported = true;
		return true;
	}
	group->events |= events[i].event;
	if (events[i].event != NOTIFY_NEW || lex_peek(l) != ' ' ||
		l->pos + 1 >= l->len || l->s[l->pos + 1] != '(')
		return true;
	l->pos++;
	return group->filter == NOTIFY_SELECTED && fetch(l, args);
}

/* RFC 5465, 5 and 6.1: what may stand together. */
static bool
fits(struct notify_group const *group)
{
	bool const new = group->events &NOTIFY_NEW;
	bool const expunge = group->events & NOTIFY_EXPUNGE;

	return new == expunge && (new || !(group->events & NOTIFY_FLAGS)) &&
	       (group->filter != NOTIFY_SELECTED ||
		       !(group->events & ~NOTIFY_MESSAGES));
}

static bool
group(struct lex *l, bool utf8, struct notify_args *args)
{
	struct notify_group *const g = &args->groups[args->count];
	struct lex_text word;

	if (args->count == NOTIFY_GROUPS_MAX)
		return false;
	*g = (struct notify_group){0};
	if (!lex_char(l, '(') || !filter(l, utf8, args, g) || !lex_space(l))
		return false;
	if (lex_char(l, '(')) {
		do
			if (!event(l, args, g))
				return false;
		while (lex_char(l, ' '));
		if (!lex_char(l, ')'))
			return false;
	} else if (!lex_atom(l, &word) || !lex_is(&word, "NONE")) {
		return false;
	}
	if (!lex_char(l, ')') || !fits(g))
		return false;
	args->count++;
	if (g->filter != NOTIFY_SELECTED) {
		args->all |= g->events;
		return true;
	}
	for (size_t i = 0; i + 1 < args->count; i++)
		if (args->groups[i].filter == NOTIFY_SELECTED)
			return false;
	args->selected = g->events;
	return true;
}

bool
notify_args_lex(struct lex *l, bool utf8, struct notify_args *args_r)
{
	struct lex_text word;

	args_r->on = args_r->status = args_r->unsupported = false;
	args_r->delayed = false;
	args_r->selected = args_r->all = 0;
	args_r->count = args_r->used = args_r->fetch_len = 0;
	if (!lex_space(l) || !lex_atom(l, &word))
		return false;
	if (lex_is(&word, "NONE"))
		return lex_end(l);
	if (!lex_is(&word, "SET") || !lex_space(l))
		return false;
	args_r->on = true;
	if (lex_peek(l) != '(') {
		args_r->status = true;
		if (!lex_atom(l, &word) || !lex_is(&word, "STATUS") ||
			!lex_space(l))
			return false;
	}
	do
		if (!group(l, utf8, args_r))
			return false;
	while (lex_char(l, ' '));
	return lex_end(l);
}

static bool
is_named(struct notify_args const *args, struct notify_group const *g,
	char const *name)
{
	char const *p = args->text + g->names_start;

	for (size_t i = 0; i < g->names_count; i++, p += strlen(p) + 1) {
		size_t const len = strlen(p);

		if (strcmp(p, name) == 0 ||
			(g->filter == NOTIFY_SUBTREE &&
				strncmp(p, name, len) == 0 &&
				name[len] == BOXNAME_SEPARATOR))
			return true;
	}
	return false;
}

unsigned
notify_args_events(
	struct notify_args const *args, char const *name, bool subscribed)
{
	unsigned all = 0;

	for (size_t i = 0; i < args->count; i++) {
		struct notify_group const *const g = &args->groups[i];
		bool match = false;

		switch (g->filter) {
		case NOTIFY_SELECTED:
			break;
		case NOTIFY_PERSONAL:
			match = true;
			break;
		case NOTIFY_SUBSCRIBED:
			match = subscribed;
			break;
		case NOTIFY_SUBTREE:
		case NOTIFY_MAILBOXES:
			match = is_named(args, g, name);
			break;
		}
		if (match)
			all |= g->events;
	}
	return all;
}
