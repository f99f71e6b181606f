/* What FETCH asks for; see fetch_args.h. */
#include <string.h>
#include <strings.h>

#include "imapd/fetch_args.h"

static struct {
	char const *name;
	enum fetch_kind kind;
} const simple[] = {
	{"FLAGS", FETCH_FLAGS},
	{"UID", FETCH_UID},
	{"MODSEQ", FETCH_MODSEQ},
	{"EMAILID", FETCH_EMAILID},
	{"THREADID", FETCH_THREADID},
	{"SAVEDATE", FETCH_SAVEDATE},
	{"INTERNALDATE", FETCH_INTERNALDATE},
	{"RFC822.SIZE", FETCH_RFC822_SIZE},
	{"ENVELOPE", FETCH_ENVELOPE},
	{"BODY", FETCH_BODY},
	{"BODYSTRUCTURE", FETCH_BODYSTRUCTURE},
	{"RFC822", FETCH_RFC822},
	{"RFC822.HEADER", FETCH_RFC822_HEADER},
	{"RFC822.TEXT", FETCH_RFC822_TEXT},
};

/* With a section in brackets behind them. */
static struct {
	char const *name;
	enum fetch_kind kind;
	bool peek;
} const sections[] = {
	{"BODY", FETCH_SECTION, false},
	{"BODY.PEEK", FETCH_SECTION, true},
	{"BINARY", FETCH_BINARY, false},
	{"BINARY.PEEK", FETCH_BINARY, true},
	{"BINARY.SIZE", FETCH_BINARY_SIZE, true},
};

static struct {
	char const *name;
	size_t count;
	enum fetch_kind kinds[5];
} const macros[] = {
	{"FAST", 3, {FETCH_FLAGS, FETCH_INTERNALDATE, FETCH_RFC822_SIZE}},
	{"ALL", 4,
		{FETCH_FLAGS, FETCH_INTERNALDATE, FETCH_RFC822_SIZE,
			FETCH_ENVELOPE}},
	{"FULL", 5,
		{FETCH_FLAGS, FETCH_INTERNALDATE, FETCH_RFC822_SIZE,
			FETCH_ENVELOPE, FETCH_BODY}},
};

static struct fetch_item *
add(struct fetch_args *args, enum fetch_kind kind)
{
	struct fetch_item *item;

	if (args->items_count == FETCH_ITEMS_MAX)
		return NULL;
	item = &args->items[args->items_count++];
	item->kind = kind;
	item->sets_seen = kind == FETCH_RFC822 || kind == FETCH_RFC822_TEXT;
	item->section.path_len = 0;
	item->section.kind = kind == FETCH_RFC822_HEADER ? SECTION_HEADER
			     : kind == FETCH_RFC822_TEXT ? SECTION_TEXT
							 : SECTION_ALL;
	item->names_start = item->names_count = 0;
	item->partial = false;
	item->origin = item->length = 0;
	return item;
}

static bool
names(struct lex *l, struct fetch_args *args, struct fetch_item *item)
{
	struct lex_text name;

	item->names_start = args->names_count;
	if (!lex_space(l) || !lex_char(l, '('))
		return false;
	do {
		if (args->names_count == FETCH_NAMES_MAX ||
			!lex_astring(l, &name))
			return false;
		args->names[args->names_count++] =
			(struct section_name){name.s, name.len};
		item->names_count++;
	} while (lex_char(l, ' '));
	return lex_char(l, ')');
}

static bool
partial(struct lex *l, struct fetch_item *item)
{
	uint64_t origin, length;

	if (!lex_char(l, '<'))
		return true;
	if (!lex_number(l, UINT32_MAX, &origin) || !lex_char(l, '.') ||
		!lex_number(l, UINT32_MAX, &length) || length == 0 ||
		!lex_char(l, '>'))
		return false;
	item->partial = true;
	item->origin = (uint32_t)origin;
	item->length = (uint32_t)length;
	return true;
}

static bool
section(struct lex *l, struct fetch_args *args, enum fetch_kind kind, bool peek)
{
	struct fetch_item *const item = add(args, kind);
	size_t used;

	if (item == NULL || !lex_char(l, '[') ||
		!section_parse(
			l->s + l->pos, l->len - l->pos, &item->section, &used))
		return false;
	item->sets_seen = !peek;
	l->pos += used;
	if ((item->section.kind == SECTION_FIELDS ||
		    item->section.kind == SECTION_FIELDS_NOT) &&
		!names(l, args, item))
		return false;
	/* RFC 3516, 4.2: a part, or all, and not what is in front of it. */
	if (kind != FETCH_SECTION && item->section.kind != SECTION_ALL)
		return false;
	return lex_char(l, ']') &&
	       (kind == FETCH_BINARY_SIZE || partial(l, item));
}

/* PREVIEW's modifier (RFC 8970, 4): we are never too slow for it. */
static bool
lazy(struct lex *l)
{
	struct lex_text name;

	if (lex_peek(l) != ' ' || l->pos + 1 >= l->len ||
		l->s[l->pos + 1] != '(')
		return true;
	l->pos += 2;
	return lex_atom(l, &name) && lex_is(&name, "LAZY") && lex_char(l, ')');
}

/* The letters and dots of an item's name; `BODY[` ends before the bracket,
 * which an atom may hold. */
static struct lex_text
word(struct lex *l)
{
	size_t const start = l->pos;

	while (l->pos < l->len && l->s[l->pos] != '\0' &&
		strchr(" ()[<\r\n", l->s[l->pos]) == NULL)
		l->pos++;
	return (struct lex_text){l->s + start, l->pos - start};
}

static bool
item(struct lex *l, struct fetch_args *args)
{
	struct lex_text const name = word(l);

	for (size_t i = 0;
		lex_peek(l) == '[' && i < sizeof sections / sizeof *sections;
		i++)
		if (lex_is(&name, sections[i].name))
			return section(
				l, args, sections[i].kind, sections[i].peek);
	if (lex_peek(l) == '[')
		return false;
	if (lex_is(&name, "PREVIEW"))
		return add(args, FETCH_PREVIEW) != NULL && lazy(l);
	for (size_t i = 0; i < sizeof simple / sizeof *simple; i++)
		if (lex_is(&name, simple[i].name))
			return add(args, simple[i].kind) != NULL;
	return false;
}

static bool
macro(struct lex *l, struct fetch_args *args)
{
	size_t const start = l->pos;
	struct lex_text const name = word(l);

	for (size_t i = 0; i < sizeof macros / sizeof *macros; i++)
		if (lex_is(&name, macros[i].name)) {
			for (size_t k = 0; k < macros[i].count; k++)
				(void)add(args, macros[i].kinds[k]);
			return true;
		}
	l->pos = start;
	return false;
}

bool
fetch_args_lex(struct lex *l, struct fetch_args *args_r)
{
	args_r->items_count = args_r->names_count = 0;
	if (macro(l, args_r))
		return true;
	if (!lex_char(l, '('))
		return item(l, args_r);
	do
		if (!macro(l, args_r) && !item(l, args_r))
			return false;
	while (lex_char(l, ' '));
	return lex_char(l, ')');
}

bool
fetch_args_modifiers(struct lex *l, struct fetch_args *args)
{
	bool const blank = lex_peek(l) == ' ';
	struct lex_text word;

	args->conditional = args->vanished = false;
	args->changed_since = 0;
	args->window = (struct search_return){0};
	/* That goes over the blank. */
	if (lex_end(l))
		return true;
	if (!blank || !lex_char(l, '('))
		return false;
	do {
		if (!lex_atom(l, &word))
			return false;
		if (lex_is(&word, "VANISHED")) {
			args->vanished = true;
			continue;
		}
		if (lex_is(&word, "PARTIAL")) {
			if (args->window.partial || !lex_space(l) ||
				!search_return_range(l, &args->window.from_end,
					&args->window.first,
					&args->window.last))
				return false;
			args->window.partial = true;
			continue;
		}
		args->conditional = true;
		if (!lex_is(&word, "CHANGEDSINCE") || !lex_space(l) ||
			!lex_number(l, INT64_MAX, &args->changed_since))
			return false;
	} while (lex_space(l));
	/* VANISHED is not allowed alone. */
	return lex_char(l, ')') && (args->conditional || !args->vanished);
}
