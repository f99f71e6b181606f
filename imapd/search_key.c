/* What SEARCH asks for; see search_key.h. */
#include "imapd/flag_args.h"
#include "imapd/search_key.h"
#include "imapd/set.h"

enum argument {
	NOTHING,
	STRING,	 /* astring */
	NAMED,	 /* the field is named by the key */
	FIELD,	 /* name and astring */
	KEYWORD, /* atom */
	DATE,
	NUMBER,
	SECONDS, /* not zero */
	UIDS,
	OBJECT, /* id of RFC 8474 */
	MODSEQ, /* perhaps with an entry's name and type */
	ONE,	/* a key */
	TWO
};

static struct {
	char const *name;
	enum search_kind kind;
	enum argument argument;
	unsigned system;
} const table[] = {
	{"ALL", SEARCH_AND, NOTHING, 0},
	{"ANSWERED", SEARCH_FLAGS, NOTHING, FLAG_ANSWERED},
	{"BCC", SEARCH_HEADER, NAMED, 0},
	{"BEFORE", SEARCH_BEFORE, DATE, 0},
	{"BODY", SEARCH_BODY, STRING, 0},
	{"CC", SEARCH_HEADER, NAMED, 0},
	{"DELETED", SEARCH_FLAGS, NOTHING, FLAG_DELETED},
	{"DRAFT", SEARCH_FLAGS, NOTHING, FLAG_DRAFT},
	{"EMAILID", SEARCH_EMAILID, OBJECT, 0},
	{"FLAGGED", SEARCH_FLAGS, NOTHING, FLAG_FLAGGED},
	{"FROM", SEARCH_HEADER, NAMED, 0},
	{"HEADER", SEARCH_HEADER, FIELD, 0},
	{"KEYWORD", SEARCH_KEYWORD, KEYWORD, 0},
	{"LARGER", SEARCH_LARGER, NUMBER, 0},
	{"MODSEQ", SEARCH_MODSEQ, MODSEQ, 0},
	{"NEW", SEARCH_NEW, NOTHING, 0},
	{"NOT", SEARCH_NOT, ONE, 0},
	{"OLD", SEARCH_OLD, NOTHING, 0},
	{"OLDER", SEARCH_OLDER, SECONDS, 0},
	{"ON", SEARCH_ON, DATE, 0},
	{"OR", SEARCH_OR, TWO, 0},
	{"RECENT", SEARCH_RECENT, NOTHING, 0},
	/* RFC 8514, 4.3: it matches where there is a date; everywhere. */
	{"SAVEDATESUPPORTED", SEARCH_AND, NOTHING, 0},
	{"SAVEDBEFORE", SEARCH_SAVEDBEFORE, DATE, 0},
	{"SAVEDON", SEARCH_SAVEDON, DATE, 0},
	{"SAVEDSINCE", SEARCH_SAVEDSINCE, DATE, 0},
	{"SEEN", SEARCH_FLAGS, NOTHING, FLAG_SEEN},
	{"SENTBEFORE", SEARCH_SENTBEFORE, DATE, 0},
	{"SENTON", SEARCH_SENTON, DATE, 0},
	{"SENTSINCE", SEARCH_SENTSINCE, DATE, 0},
	{"SINCE", SEARCH_SINCE, DATE, 0},
	{"SMALLER", SEARCH_SMALLER, NUMBER, 0},
	{"SUBJECT", SEARCH_HEADER, NAMED, 0},
	{"TEXT", SEARCH_TEXT, STRING, 0},
	{"THREADID", SEARCH_THREADID, OBJECT, 0},
	{"TO", SEARCH_HEADER, NAMED, 0},
	{"UID", SEARCH_UID, UIDS, 0},
	{"UNANSWERED", SEARCH_UNFLAGS, NOTHING, FLAG_ANSWERED},
	{"UNDELETED", SEARCH_UNFLAGS, NOTHING, FLAG_DELETED},
	{"UNDRAFT", SEARCH_UNFLAGS, NOTHING, FLAG_DRAFT},
	{"UNFLAGGED", SEARCH_UNFLAGS, NOTHING, FLAG_FLAGGED},
	{"UNKEYWORD", SEARCH_KEYWORD, KEYWORD, 1},
	{"UNSEEN", SEARCH_UNFLAGS, NOTHING, FLAG_SEEN},
	{"YOUNGER", SEARCH_YOUNGER, SECONDS, 0},
};

static uint16_t
add(struct search_args *args, enum search_kind kind)
{
	if (args->keys_count == SEARCH_KEYS_MAX)
		return SEARCH_NONE;
	args->keys[args->keys_count] = (struct search_key){
		.kind = kind, .child = SEARCH_NONE, .next = SEARCH_NONE};
	return (uint16_t)args->keys_count++;
}

static uint16_t key(struct lex *, struct search_args *, unsigned depth);

/* Keys with blanks between them, as children of parent. */
static bool
keys(struct lex *l, struct search_args *args, uint16_t parent, unsigned depth,
	unsigned exactly)
{
	uint16_t last = SEARCH_NONE;
	unsigned n = 0;

	do {
		uint16_t const k = key(l, args, depth);

		if (k == SEARCH_NONE)
			return false;
		if (last == SEARCH_NONE)
			args->keys[parent].child = k;
		else
			args->keys[last].next = k;
		last = k;
	} while (++n != exactly && lex_char(l, ' '));
	return exactly == 0 || n == exactly;
}

/* search-modseq-ext (RFC 7162, 3.1.5). All metadata have one mod-sequence, so
 * that the entry does not matter. */
static bool
modseq(struct lex *l, uint64_t *number_r)
{
	struct lex_text name;

	if (lex_peek(l) == '"' && (!lex_string(l, &name) || !lex_space(l) ||
					  !lex_atom(l, &name) || !lex_space(l)))
		return false;
	return lex_number(l, INT64_MAX, number_r);
}

static bool
argument(struct lex *l, struct search_args *args, uint16_t k,
	enum argument what, unsigned depth)
{
	struct search_key *const s = &args->keys[k];

	if (what == NOTHING)
		return true;
	if (!lex_space(l))
		return false;
	switch (what) {
	case NOTHING:
	case NAMED:
	case STRING:
		return lex_astring(l, &s->text);
	case FIELD:
		return lex_astring(l, &s->name) && lex_space(l) &&
		       lex_astring(l, &s->text);
	case KEYWORD:
		return lex_atom(l, &s->text);
	case DATE:
		return lex_date(l, &s->day);
	case NUMBER:
		return lex_number(l, UINT32_MAX, &s->number);
	case SECONDS:
		return lex_number(l, UINT32_MAX, &s->number) && s->number > 0;
	case OBJECT:
		return lex_astring(l, &s->text);
	case MODSEQ:
		return modseq(l, &s->number);
	case UIDS:
		return set_lex(l, &s->text);
	case ONE:
		return keys(l, args, k, depth + 1, 1);
	case TWO:
		return keys(l, args, k, depth + 1, 2);
	}
	return false;
}

static uint16_t
named(struct lex *l, struct search_args *args, unsigned depth)
{
	struct lex_text word;

	if (!lex_atom(l, &word))
		return SEARCH_NONE;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		uint16_t k, k_not;

		if (!lex_is(&word, table[i].name))
			continue;
		k = add(args, table[i].kind);
		if (k == SEARCH_NONE)
			return k;
		args->keys[k].system = table[i].system;
		args->keys[k].name = word;
		if (!argument(l, args, k, table[i].argument, depth))
			return SEARCH_NONE;
		if (table[i].kind != SEARCH_KEYWORD || table[i].system == 0)
			return k;
		k_not = add(args, SEARCH_NOT);
		if (k_not != SEARCH_NONE)
			args->keys[k_not].child = k;
		return k_not;
	}
	return SEARCH_NONE;
}

static uint16_t
key(struct lex *l, struct search_args *args, unsigned depth)
{
	char const c = lex_peek(l);
	uint16_t k;

	if (depth > SEARCH_DEPTH_MAX)
		return SEARCH_NONE;
	if (c == '(') {
		l->pos++;
		k = add(args, SEARCH_AND);
		if (k == SEARCH_NONE || !keys(l, args, k, depth + 1, 0) ||
			!lex_char(l, ')'))
			return SEARCH_NONE;
		return k;
	}
	if (c == '*' || c == '$' || (c >= '0' && c <= '9')) {
		k = add(args, SEARCH_SET);
		if (k == SEARCH_NONE || !set_lex(l, &args->keys[k].text))
			return SEARCH_NONE;
		return k;
	}
	return named(l, args, depth);
}

static bool
charset_name(struct lex *l, struct search_args *args)
{
	struct lex_text word;

	if (!lex_astring(l, &word) || !lex_space(l))
		return false;
	args->charset = SEARCH_BADCHARSET;
	if (lex_is(&word, "UTF-8"))
		args->charset = SEARCH_UTF8;
	else if (lex_is(&word, "US-ASCII"))
		args->charset = SEARCH_ASCII;
	return true;
}

static bool
charset(struct lex *l, struct search_args *args)
{
	struct lex probe = *l;
	struct lex_text word;

	args->charset = SEARCH_ASCII;
	if (!lex_atom(&probe, &word) || !lex_is(&word, "CHARSET"))
		return true;
	*l = probe;
	return lex_space(l) && charset_name(l, args);
}

bool
search_args_lex(struct lex *l, struct search_args *args_r)
{
	args_r->keys_count = 0;
	(void)add(args_r, SEARCH_AND);
	return charset(l, args_r) && keys(l, args_r, 0, 0, 0);
}

bool
search_args_lex_charset(struct lex *l, struct search_args *args_r)
{
	args_r->keys_count = 0;
	(void)add(args_r, SEARCH_AND);
	return charset_name(l, args_r) && keys(l, args_r, 0, 0, 0);
}
