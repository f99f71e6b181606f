/* What the imapd of a shared mailbox says; see relay_line.h. */
#include <string.h>

#include "imapd/relay_line.h"
#include "imapd/set.h"

static char const *const statuses[] = {"OK", "NO", "BAD"};
/* With a mailbox's name right behind the word. */
static char const *const named[] = {"STATUS", "METADATA", "ACL", "LISTRIGHTS",
	"MYRIGHTS", "QUOTAROOT", "QUOTA"};
static char const *const of_selected[] = {
	"FLAGS", "SEARCH", "SORT", "THREAD", "ESEARCH", "VANISHED"};
static char const *const of_message[] = {
	"EXISTS", "RECENT", "EXPUNGE", "FETCH", "UIDFETCH"};

static bool
is_one_of(struct lex_text const *word, char const *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (lex_is(word, list[i]))
			return true;
	return false;
}
#define IS_ONE_OF(word, list)                                                  \
	is_one_of((word), (list), sizeof(list) / sizeof *(list))

static struct lex_text
rest_of(struct lex const *l)
{
	return (struct lex_text){l->s + l->pos, l->len - l->pos};
}

/* Codes that are about the session, the server or the person. */
static bool
is_far_reaching(struct lex_text const *text)
{
	static char const *const codes[] = {"ALERT", "CAPABILITY",
		"COMPRESSIONACTIVE", "NEWNAME", "NOTIFICATIONOVERFLOW",
		"REFERRAL", "WEBALERT"};
	struct lex_text word;
	struct lex l;

	lex_init(&l, text->s, text->len, NULL);
	return lex_char(&l, '[') && lex_atom(&l, &word) &&
	       IS_ONE_OF(&word, codes);
}

static bool
status(struct lex *l, struct relay_line *line)
{
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
		if (lex_is(&line->word, statuses[i])) {
			line->status = statuses[i];
			(void)!lex_space(l);
			line->said = line->rest = rest_of(l);
			if (is_far_reaching(&line->said))
				line->rest = (struct lex_text){"Completed", 9};
			return true;
		}
	return false;
}

/* "(\HasChildren) "." name" */
static bool
list(struct lex *l, struct relay_line *line)
{
	char const *const start = l->s + l->pos;
	char const *const end = memchr(start, ')', l->len - l->pos);
	struct lex_text separator;

	if (end == NULL || *start != '(')
		return false;
	l->pos += (size_t)(end - start) + 1;
	line->rest = (struct lex_text){start, (size_t)(end - start) + 1};
	return lex_space(l) && lex_value(l, &separator) && lex_space(l) &&
	       lex_astring(l, &line->name);
}

static enum relay_kind
untagged(struct lex *l, struct relay_line *line)
{
	uint64_t number;

	if (lex_peek(l) >= '0' && lex_peek(l) <= '9')
		return lex_number(l, UINT32_MAX, &number) && lex_space(l) &&
				       lex_atom(l, &line->word) &&
				       IS_ONE_OF(&line->word, of_message)
			       ? RELAY_MESSAGE
			       : RELAY_OTHER;
	if (!lex_atom(l, &line->word))
		return RELAY_OTHER;
	if (status(l, line))
		return is_far_reaching(&line->said) ? RELAY_OTHER
						    : RELAY_STATUS;
	if (lex_is(&line->word, "BYE"))
		return RELAY_BYE;
	if (IS_ONE_OF(&line->word, of_selected))
		return RELAY_MESSAGE;
	if (!lex_space(l))
		return RELAY_OTHER;
	if (lex_is(&line->word, "LIST"))
		return list(l, line) ? RELAY_NAMED : RELAY_OTHER;
	if (!IS_ONE_OF(&line->word, named) || !lex_astring(l, &line->name))
		return RELAY_OTHER;
	line->rest = rest_of(l);
	return RELAY_NAMED;
}

void
relay_line_parse(
	char const *s, size_t len, char *text, struct relay_line *line_r)
{
	struct lex_text tag;
	struct lex l;

	*line_r = (struct relay_line){.kind = RELAY_OTHER};
	lex_init(&l, s, len, text);
	if (lex_char(&l, '+')) {
		line_r->kind = RELAY_MORE;
	} else if (lex_char(&l, '*')) {
		if (lex_space(&l))
			line_r->kind = untagged(&l, line_r);
	} else if (lex_tag(&l, &tag) && lex_is(&tag, RELAY_TAG) &&
		   lex_space(&l) && lex_atom(&l, &line_r->word) &&
		   status(&l, line_r)) {
		line_r->kind = RELAY_DONE;
	}
}

bool
relay_line_sound(char const *s, size_t len, bool *literal_r, uint64_t *size_r)
{
	bool quoted = false, escaped = false, synchronizing;

	*size_r = 0;
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\r' || s[i] == '\n' || s[i] == '\0')
			return false;
		if (escaped)
			escaped = false;
		else if (quoted && s[i] == '\\')
			escaped = true;
		else if (s[i] == '"')
			quoted = !quoted;
	}
	if (quoted)
		return false;
	*literal_r = lex_literal(s, len, size_r, &synchronizing);
	return !*literal_r || (synchronizing && *size_r <= UINT32_MAX);
}

bool
relay_line_number(
	struct lex_text const *s, char const *code, uint32_t *number_r)
{
	struct lex_text word;
	uint64_t number;
	struct lex l;

	lex_init(&l, s->s, s->len, NULL);
	if (!lex_char(&l, '[') || !lex_atom(&l, &word) ||
		!lex_is(&word, code) || !lex_space(&l) ||
		!lex_number(&l, UINT32_MAX, &number) || !lex_char(&l, ']'))
		return false;
	*number_r = (uint32_t)number;
	return true;
}

bool
relay_line_appenduid(
	struct lex_text const *s, uint32_t *validity_r, struct lex_text *set_r)
{
	struct lex_text word;
	uint64_t number;
	struct lex l;

	lex_init(&l, s->s, s->len, NULL);
	if (!lex_char(&l, '[') || !lex_atom(&l, &word) ||
		!lex_is(&word, "APPENDUID") || !lex_space(&l) ||
		!lex_number(&l, UINT32_MAX, &number) || !lex_space(&l) ||
		!set_lex(&l, set_r) || !lex_char(&l, ']'))
		return false;
	*validity_r = (uint32_t)number;
	return memchr(set_r->s, '*', set_r->len) == NULL &&
	       memchr(set_r->s, '$', set_r->len) == NULL;
}

static bool
item(struct lex *l, struct relay_message *m, bool *body_r)
{
	struct lex_text word;
	bool synchronizing;
	uint64_t number;

	*body_r = false;
	if (!lex_atom(l, &word))
		return false;
	if (lex_is(&word, "UID")) {
		if (!lex_space(l) || !lex_number(l, UINT32_MAX, &number))
			return false;
		m->uid = (uint32_t)number;
		return true;
	}
	if (lex_is(&word, "FLAGS")) {
		m->has_flags = true;
		return lex_space(l) && flag_args_lex(l, false, &m->flags);
	}
	if (lex_is(&word, "INTERNALDATE")) {
		m->has_date = true;
		return lex_space(l) && lex_date_time(l, &m->date);
	}
	if (!lex_is(&word, "BODY[") && !lex_is(&word, "BODY"))
		return false;
	if (word.len == 4 && !lex_char(l, '['))
		return false;
	*body_r = true;
	return lex_char(l, ']') && lex_space(l) &&
	       lex_literal(l->s + l->pos, l->len - l->pos, &m->size,
		       &synchronizing) &&
	       lex_peek(l) == '{' && synchronizing && m->size <= UINT32_MAX;
}

bool
relay_line_message(char const *s, size_t len, struct relay_message *message_r)
{
	struct relay_message *const m = message_r;
	struct lex_text word;
	uint64_t number;
	bool body;
	struct lex l;

	*m = (struct relay_message){0};
	lex_init(&l, s, len, NULL);
	if (!lex_char(&l, '*') || !lex_space(&l) ||
		!lex_number(&l, UINT32_MAX, &number) || !lex_space(&l) ||
		!lex_atom(&l, &word) || !lex_space(&l) || !lex_char(&l, '('))
		return false;
	if (lex_is(&word, "UIDFETCH"))
		m->uid = (uint32_t)number;
	else if (!lex_is(&word, "FETCH"))
		return false;
	do
		if (!item(&l, m, &body))
			return false;
	while (!body && lex_char(&l, ' '));
	return body && m->uid != 0 && m->has_flags && m->has_date;
}

/* A line of the command, and the literal behind it, from s on. */
static bool
line(stralloc *out, char const *s, size_t len, size_t *used_r)
{
	char const *const lf = memchr(s, '\n', len);
	size_t n = lf != NULL ? (size_t)(lf - s) : len;
	bool synchronizing;
	uint64_t size = 0;
	size_t text;

	*used_r = n + (lf != NULL);
	if (n > 0 && s[n - 1] == '\r')
		n--;
	text = n;
	if (!lex_literal(s, n, &size, &synchronizing))
		return stralloc_catb(out, s, n) && stralloc_cats(out, "\r\n");
	if (size > len - *used_r)
		size = len - *used_r;
	if (synchronizing)
		text--;
	n = *used_r;
	*used_r += (size_t)size;
	return stralloc_catb(out, s, text) &&
	       stralloc_cats(out, synchronizing ? "+}\r\n" : "\r\n") &&
	       stralloc_catb(out, s + n, (size_t)size);
}

bool
relay_line_command(stralloc *out, char const *s, size_t len)
{
	struct lex_text tag;
	size_t pos, used;
	struct lex l;

	lex_init(&l, s, len, NULL);
	if (!lex_tag(&l, &tag) || !stralloc_cats(out, RELAY_TAG))
		return false;
	for (pos = tag.len; pos < len; pos += used)
		if (!line(out, s + pos, len - pos, &used))
			return false;
	return true;
}
