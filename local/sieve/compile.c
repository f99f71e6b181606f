/* From the text of a Sieve script to a program; see compile.h. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "local/sieve/compile.h"
#include "local/sieve/encoded.h"
#include "local/sieve/grammar.h"
#include "local/sieve/lex.h"
#include "local/sieve/name.h"
#include "local/sieve/variables.h"

/* Positional arguments of one command. */
#define POSITIONAL_MAX 4

struct compile {
	struct sieve_program *p;
	struct sieve_lex lex;
	struct sieve_loader const *loader;
	struct sieve_fault *fault;
	size_t unit;
	unsigned depth;
	bool has_begun; /* something else than require was there */
	stralloc scratch;
	stralloc texts[SIEVE_UNITS_MAX]; /* of included scripts */
};

/* An argument before it is known where it goes. */
struct argument {
	char type; /* s, L, n */
	struct sieve_list list;
	uint64_t number;
};

static bool fail(struct compile *c, char const *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool
fail(struct compile *c, char const *format, ...)
{
	va_list args;

	c->fault->line = c->lex.line;
	va_start(args, format);
	vsnprintf(c->fault->text, sizeof c->fault->text, format, args);
	va_end(args);
	for (char *s = c->fault->text; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
	return false;
}

static bool
fail_memory(struct compile *c)
{
	return fail(c, "the script is too long");
}

static uint64_t
capabilities(struct compile const *c)
{
	return c->p->units[c->unit].capabilities;
}

/* Whether one of the extensions in bits was required. */
static bool
check_required(struct compile *c, uint64_t bits, char const *what, size_t len)
{
	if (bits == 0 || (capabilities(c) & bits) != 0)
		return true;
	return fail(c, "%.*s needs: require \"%s\"", (int)len, what,
		sieve_grammar_name(bits));
}

static bool
is_mark(struct compile const *c, char mark)
{
	return c->lex.token == SIEVE_MARK && *c->lex.s == mark;
}

/* What stands at the cursor, for messages. */
static bool
fail_token(struct compile *c, char const *wanted)
{
	struct sieve_lex const *const l = &c->lex;

	if (l->token == SIEVE_BAD)
		return fail(c, "%s", l->why);
	if (l->token == SIEVE_END)
		return fail(c, "%s is missing at the end", wanted);
	return fail(c, "%s is missing before \"%.*s\"", wanted,
		l->len > 40 ? 40 : (int)l->len, l->s);
}

static bool
take_mark(struct compile *c, char mark)
{
	char const wanted[] = {'"', mark, '"', '\0'};

	if (!is_mark(c, mark))
		return fail_token(c, wanted);
	sieve_lex_next(&c->lex);
	return true;
}

/* References that a string may have (RFC 5229, 3; RFC 6609, 3.4.2). */
static bool
check_references(struct compile *c, char const *s, size_t len)
{
	struct sieve_reference r;
	size_t pos = 0;

	if (!(capabilities(c) & SIEVE_X_VARIABLES))
		return true;
	while (sieve_reference_next(s, len, &pos, &r)) {
		if (r.kind == SIEVE_FOREIGN ||
			(r.kind == SIEVE_GLOBAL_NAMED &&
				!(capabilities(c) & SIEVE_X_INCLUDE)))
			return fail(c, "there is no such namespace: %.*s",
				(int)(r.end - r.start > 60 ? 60
							   : r.end - r.start),
				s + r.start);
		if (r.kind == SIEVE_NUMBERED && r.number >= SIEVE_MATCHES_MAX)
			return fail(c, "there is no ${10} and beyond");
	}
	return true;
}

static bool
take_string(struct compile *c)
{
	struct sieve_lex *const l = &c->lex;
	size_t len;

	if (l->token != SIEVE_QUOTED && l->token != SIEVE_LINES)
		return fail_token(c, "a string");
	if (!stralloc_ready(&c->scratch, l->len + 1))
		return fail_memory(c);
	len = sieve_lex_string(l, c->scratch.s);
	if ((capabilities(c) & SIEVE_X_ENCODED) &&
		!sieve_encoded_decode(c->scratch.s, &len))
		return fail(c, "an encoded character does not exist");
	if (!check_references(c, c->scratch.s, len))
		return false;
	if (!sieve_program_string(c->p, c->scratch.s, len))
		return fail_memory(c);
	sieve_lex_next(l);
	return true;
}

/* A string, or a list of them. */
static bool
take_strings(struct compile *c, struct argument *a)
{
	*a = (struct argument){.type = 's',
		.list = {.first = (uint32_t)c->p->string_count, .count = 1}};
	if (!is_mark(c, '['))
		return take_string(c);
	a->type = 'L';
	sieve_lex_next(&c->lex);
	if (!take_string(c))
		return false;
	while (is_mark(c, ',')) {
		sieve_lex_next(&c->lex);
		if (!take_string(c))
			return false;
		a->list.count++;
	}
	return take_mark(c, ']');
}

static bool
take_argument(struct compile *c, struct argument *a)
{
	if (c->lex.token != SIEVE_NUMBER)
		return take_strings(c, a);
	*a = (struct argument){.type = 'n', .number = c->lex.number};
	sieve_lex_next(&c->lex);
	return true;
}

static char const *
type_name(char type)
{
	return type == 's' ? "one string"
			   : (type == 'L' ? "a string or a list" : "a number");
}

static bool
check_type(struct compile *c, struct argument const *a, char type,
	char const *what, size_t len)
{
	if (a->type == type || (type == 'L' && a->type == 's'))
		return true;
	return fail(c, "%.*s wants %s", (int)len, what, type_name(type));
}

/* Whether a string has nothing to be replaced when it is executed. */
static bool
is_constant(struct compile const *c, struct sieve_list list, uint32_t i)
{
	struct sieve_reference r;
	size_t pos = 0, len;
	char const *const s = sieve_text(c->p, list, i, &len);

	return !(capabilities(c) & SIEVE_X_VARIABLES) ||
	       !sieve_reference_next(s, len, &pos, &r);
}

static bool
text_is(struct compile const *c, struct sieve_list list, char const *word)
{
	size_t len;
	char const *const s = sieve_text(c->p, list, 0, &len);

	return strlen(word) == len && strncasecmp(s, word, len) == 0;
}

static bool
set_relation(struct compile *c, struct sieve_node *n, struct sieve_list list)
{
	static char const *const names[] = {"gt", "ge", "lt", "le", "eq", "ne"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (text_is(c, list, names[i])) {
			n->relation = (uint8_t)i;
			return true;
		}
	return fail(c, "a relation is gt, ge, lt, le, eq or ne");
}

static bool
set_comparator(struct compile *c, struct sieve_node *n, struct sieve_list list)
{
	if (text_is(c, list, "i;ascii-casemap"))
		n->comparator = SIEVE_CASEMAP;
	else if (text_is(c, list, "i;octet"))
		n->comparator = SIEVE_OCTET;
	else if (text_is(c, list, "i;ascii-numeric"))
		n->comparator = SIEVE_NUMERIC;
	else
		return fail(c, "the comparator is not known");
	return n->comparator != SIEVE_NUMERIC ||
	       check_required(c, SIEVE_X_NUMERIC, "i;ascii-numeric", 15);
}

/* What a tag of this word needs to have been required. */
static uint64_t
needed(struct sieve_grammar_word const *w, struct sieve_grammar_tag const *tag)
{
	if (tag->flag & (SIEVE_F_INDEX | SIEVE_F_LAST))
		return w->index_capability;
	if (tag->flag == SIEVE_F_SECONDS && w->op == SIEVE_VACATION)
		return SIEVE_X_VACATION_SECONDS;
	return tag->capability;
}

static bool
set_tag_argument(
	struct compile *c, struct sieve_grammar_tag const *tag, uint32_t node)
{
	char const type =
		tag->type == 'r' || tag->type == 'c' ? 's' : tag->type;
	struct sieve_node *n;
	struct argument a;

	if (!take_argument(c, &a) ||
		!check_type(c, &a, type, tag->name, strlen(tag->name)))
		return false;
	n = &c->p->nodes[node];
	if (tag->type == 'r')
		return set_relation(c, n, a.list);
	if (tag->type == 'c')
		return set_comparator(c, n, a.list);
	if (tag->type == 'n')
		n->number = a.number;
	else
		n->args[tag->value] = a.list;
	return true;
}

static bool
take_tag(struct compile *c, struct sieve_grammar_word const *w, uint32_t node)
{
	struct sieve_lex *const l = &c->lex;
	struct sieve_grammar_tag const *const tag =
		sieve_grammar_tag(l->s, l->len);
	struct sieve_node *const n = &c->p->nodes[node];

	if (tag == NULL || !(tag->flag & w->tags))
		return fail(c, "%s has no :%.*s", w->name,
			l->len > 40 ? 40 : (int)l->len, l->s);
	if (n->flags & (tag->flag | tag->excludes))
		return fail(c, "%s has :%s or another of its kind already",
			w->name, tag->name);
	if (!check_required(c, needed(w, tag), tag->name, strlen(tag->name)))
		return false;
	n->flags |= tag->flag;
	if (tag->type == 'm' || tag->type == 'r')
		n->match = tag->value;
	if (tag->type == 'p')
		n->part = tag->value;
	sieve_lex_next(l);
	return tag->type == 0 || tag->type == 'm' || tag->type == 'p' ||
	       set_tag_argument(c, tag, node);
}

/* Positional arguments to their places. */
static bool
place(struct compile *c, struct sieve_grammar_word const *w, uint32_t node,
	struct argument const *list, size_t count)
{
	char const *types = w->types, *slots = w->slots;
	size_t const max = types != NULL ? strlen(types) : 0;
	size_t const min = max - (w->optional != SIEVE_ALL_GIVEN);

	if (count < min || count > max)
		return fail(c, "%s has too %s arguments", w->name,
			count < min ? "few" : "many");
	if (count < max && w->optional == SIEVE_FIRST_MAY_LACK) {
		types++;
		slots++;
	}
	for (size_t i = 0; i < count; i++) {
		struct sieve_node *const n = &c->p->nodes[node];

		if (!check_type(
			    c, &list[i], types[i], w->name, strlen(w->name)))
			return false;
		if (types[i] == 'n')
			n->number = list[i].number;
		else
			n->args[slots[i] - '0'] = list[i].list;
	}
	return true;
}

static bool
take_arguments(
	struct compile *c, struct sieve_grammar_word const *w, uint32_t node)
{
	struct argument list[POSITIONAL_MAX];
	size_t count = 0;

	for (;;) {
		if (c->lex.token == SIEVE_TAG) {
			if (!take_tag(c, w, node))
				return false;
			continue;
		}
		if (c->lex.token != SIEVE_NUMBER &&
			c->lex.token != SIEVE_QUOTED &&
			c->lex.token != SIEVE_LINES && !is_mark(c, '['))
			return c->lex.token == SIEVE_BAD
				       ? fail(c, "%s", c->lex.why)
				       : place(c, w, node, list, count);
		if (count == POSITIONAL_MAX)
			return fail(c, "%s has too many arguments", w->name);
		if (!take_argument(c, &list[count++]))
			return false;
	}
}

/* Fields that have no addresses (RFC 5228, 5.1: address is restricted). */
static bool
has_addresses(char const *s, size_t len)
{
	static char const *const names[] = {"subject", "date", "message-id",
		"received", "comments", "keywords", "in-reply-to", "references",
		"mime-version", "content-type", "content-transfer-encoding"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i]) == len &&
			strncasecmp(names[i], s, len) == 0)
			return false;
	return true;
}

static bool
is_envelope_part(char const *s, size_t len)
{
	return (len == 4 && strncasecmp(s, "from", 4) == 0) ||
	       (len == 2 && strncasecmp(s, "to", 2) == 0);
}

static bool
is_date_part(char const *s, size_t len)
{
	static char const *const names[] = {"year", "month", "day", "date",
		"julian", "hour", "minute", "second", "time", "iso8601",
		"std11", "zone", "weekday"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i]) == len &&
			strncasecmp(names[i], s, len) == 0)
			return true;
	return false;
}

static bool
is_settable(char const *s, size_t len)
{
	return sieve_variable_name(s, len) ||
	       (len > 7 && strncasecmp(s, "global.", 7) == 0 &&
		       sieve_variable_name(s + 7, len - 7));
}

static bool
is_script_name(char const *s, size_t len)
{
	return sieve_name_script(s, len);
}

/* Whether all strings of an argument that are not made of variables pass. */
static bool
check_strings(struct compile *c, struct sieve_list list,
	bool (*good)(char const *s, size_t len), char const *what)
{
	for (uint32_t i = 0; i < list.count; i++) {
		size_t len;
		char const *const s = sieve_text(c->p, list, i, &len);

		if (is_constant(c, list, i) && !good(s, len))
			return fail(c, "\"%.*s\" is no %s",
				len > 60 ? 60 : (int)len, s, what);
	}
	return true;
}

static bool
check_constant(struct compile *c, struct sieve_list list, char const *what)
{
	for (uint32_t i = 0; i < list.count; i++)
		if (!is_constant(c, list, i))
			return fail(c, "%s can't be made of variables", what);
	return true;
}

/* What the types do not say of the arguments. */
static bool
check_meaning(struct compile *c, struct sieve_node const *n)
{
	switch ((enum sieve_op)n->op) {
	case SIEVE_FILEINTO:
		return check_strings(
			c, n->args[0], sieve_name_mailbox, "mailbox");
	case SIEVE_REDIRECT:
		return check_strings(
			c, n->args[0], sieve_name_address, "address");
	case SIEVE_VACATION:
		return check_strings(c, n->args[2], sieve_name_from, "address");
	case SIEVE_SETFLAG:
	case SIEVE_ADDFLAG:
	case SIEVE_REMOVEFLAG:
	case SIEVE_HASFLAG:
		if (n->args[0].count > 0 &&
			!check_required(c, SIEVE_X_VARIABLES,
				"the name of a variable", 22))
			return false;
		return check_strings(
			c, n->args[0], is_settable, "name of a variable");
	case SIEVE_SET:
	case SIEVE_GLOBAL:
		return check_constant(
			       c, n->args[0], "the name of a variable") &&
		       check_strings(c, n->args[0],
			       n->op == SIEVE_SET ? is_settable
						  : sieve_variable_name,
			       "name of a variable");
	case SIEVE_ADDHEADER:
	case SIEVE_DELETEHEADER:
		if (n->op == SIEVE_DELETEHEADER &&
			(n->flags & (SIEVE_F_LAST | SIEVE_F_INDEX)) ==
				SIEVE_F_LAST)
			return fail(c, ":last without :index");
		return check_strings(
			c, n->args[0], sieve_name_field, "header field");
	case SIEVE_HEADER:
	case SIEVE_EXISTS:
		return check_strings(
			c, n->args[0], sieve_name_field, "header field");
	case SIEVE_ADDRESS:
		return check_strings(c, n->args[0], sieve_name_field,
			       "header field") &&
		       check_strings(c, n->args[0], has_addresses,
			       "header field with addresses");
	case SIEVE_ENVELOPE:
		return check_strings(c, n->args[0], is_envelope_part,
			"part of the envelope that is known here");
	case SIEVE_DATE:
	case SIEVE_CURRENTDATE:
		return check_strings(
			c, n->args[2], is_date_part, "part of a date");
	case SIEVE_SIZE:
		return (n->flags & (SIEVE_F_OVER | SIEVE_F_UNDER)) != 0 ||
		       fail(c, "size has neither :over nor :under");
	default:
		return true;
	}
}

/* :last without :index, numeric with parts of a text, and so on. */
static bool
check_match(struct compile *c, struct sieve_grammar_word const *w,
	struct sieve_node const *n)
{
	if (n->comparator == SIEVE_NUMERIC &&
		(n->match == SIEVE_CONTAINS || n->match == SIEVE_MATCHES))
		return fail(c, "i;ascii-numeric has no :contains and :matches");
	if (w->index_capability != 0 &&
		(n->flags & (SIEVE_F_LAST | SIEVE_F_INDEX)) == SIEVE_F_LAST)
		return fail(c, ":last without :index");
	if ((n->flags & SIEVE_F_INDEX) && n->number == 0)
		return fail(c, ":index counts from 1");
	return true;
}

static bool take_test(struct compile *c, uint32_t *node_r);
static bool take_block(struct compile *c, uint32_t *first_r);

static bool
enter(struct compile *c)
{
	if (c->depth == SIEVE_DEPTH_MAX)
		return fail(c, "blocks and tests are nested too deep");
	c->depth++;
	return true;
}

static bool
take_tests(struct compile *c, uint32_t node)
{
	uint32_t previous = 0, test;

	if (!enter(c) || !take_mark(c, '('))
		return false;
	for (;;) {
		if (!take_test(c, &test))
			return false;
		if (previous == 0)
			c->p->nodes[node].test = test;
		else
			c->p->nodes[previous].next = test;
		previous = test;
		if (!is_mark(c, ','))
			break;
		sieve_lex_next(&c->lex);
	}
	c->depth--;
	return take_mark(c, ')');
}

static bool
take_one_test(struct compile *c, uint32_t node)
{
	uint32_t test;

	if (!enter(c) || !take_test(c, &test))
		return false;
	c->p->nodes[node].test = test;
	c->depth--;
	return true;
}

static uint32_t
new_node(struct compile *c, struct sieve_grammar_word const *w)
{
	uint32_t const node = sieve_program_node(c->p);

	if (node == 0) {
		(void)fail_memory(c);
		return 0;
	}
	c->p->nodes[node].op = (uint8_t)w->op;
	c->p->nodes[node].line = c->lex.line;
	return node;
}

/* A node and its arguments, whatever stands behind them. */
static uint32_t
take_head(struct compile *c, struct sieve_grammar_word const *w)
{
	uint32_t const node = new_node(c, w);

	if (node == 0 ||
		!check_required(c, w->capability, w->name, strlen(w->name)))
		return 0;
	sieve_lex_next(&c->lex);
	if (!take_arguments(c, w, node) ||
		!check_match(c, w, &c->p->nodes[node]) ||
		!check_meaning(c, &c->p->nodes[node]))
		return 0;
	return node;
}

static bool
take_test(struct compile *c, uint32_t *node_r)
{
	struct sieve_lex *const l = &c->lex;
	struct sieve_grammar_word const *w;

	if (l->token != SIEVE_WORD)
		return fail_token(c, "a test");
	w = sieve_grammar_test(l->s, l->len);
	if (w == NULL)
		return fail(c, "there is no test \"%.*s\"",
			l->len > 40 ? 40 : (int)l->len, l->s);
	*node_r = take_head(c, w);
	if (*node_r == 0)
		return false;
	c->p->reads_body = c->p->reads_body || w->op == SIEVE_BODY;
	c->p->reads_duplicates =
		c->p->reads_duplicates || w->op == SIEVE_DUPLICATE;
	if (w->shape == SIEVE_TESTS)
		return take_tests(c, *node_r);
	return w->shape != SIEVE_ONE_TEST || take_one_test(c, *node_r);
}

/* Only at the start of a script (RFC 5228, 3.2). */
static bool
require(struct compile *c, struct sieve_node const *n)
{
	if (c->has_begun || c->depth > 0)
		return fail(c, "require stands behind other commands");
	for (uint32_t i = 0; i < n->args[0].count; i++) {
		size_t len;
		char const *const s = sieve_text(c->p, n->args[0], i, &len);
		uint64_t bit;

		if (!sieve_grammar_capability(s, len, &bit))
			return fail(c, "the extension \"%.*s\" is not known",
				len > 60 ? 60 : (int)len, s);
		c->p->units[c->unit].capabilities |= bit;
	}
	return true;
}

/* The unit of an included script; 0: there is none. */
static bool
find_unit(struct compile *c, char const *name, bool is_global, uint8_t *unit_r)
{
	struct sieve_program *const p = c->p;
	size_t const next = p->unit_count;
	int found;

	*unit_r = 0;
	for (size_t i = 1; i < p->unit_count; i++)
		if (strcmp(p->units[i].name, name) == 0 &&
			p->units[i].is_global == is_global) {
			*unit_r = (uint8_t)i;
			return true;
		}
	if (c->loader == NULL)
		return true;
	if (next == SIEVE_UNITS_MAX)
		return fail(c, "too many scripts are included");
	found = c->loader->load(
		c->loader->data, name, is_global, &c->texts[next]);
	if (found < 0)
		return fail(c, "an included script can't be read");
	if (found == 0)
		return true;
	p->units[next] = (struct sieve_unit){
		.is_global = is_global, .name = strdup(name)};
	if (p->units[next].name == NULL)
		return fail_memory(c);
	p->unit_count++;
	*unit_r = (uint8_t)next;
	return true;
}

static bool
include(struct compile *c, uint32_t node)
{
	struct sieve_node *const n = &c->p->nodes[node];
	char name[SIEVE_NAME_SCRIPT_MAX + 1];
	size_t len;
	char const *const s = sieve_text(c->p, n->args[0], 0, &len);

	if (!check_constant(c, n->args[0], "the name of a script") ||
		!check_strings(
			c, n->args[0], is_script_name, "name of a script"))
		return false;
	memcpy(name, s, len);
	name[len] = '\0';
	return find_unit(c, name, (n->flags & SIEVE_F_GLOBAL) != 0, &n->unit);
}

/* previous: the command before it in its block; 0: none. */
static bool
take_command(struct compile *c, uint32_t previous, uint32_t *node_r)
{
	struct sieve_lex *const l = &c->lex;
	struct sieve_grammar_word const *w;
	uint32_t node, inner;
	uint8_t before;

	if (l->token != SIEVE_WORD)
		return fail_token(c, "a command");
	w = sieve_grammar_command(l->s, l->len);
	if (w == NULL)
		return fail(c, "there is no command \"%.*s\"",
			l->len > 40 ? 40 : (int)l->len, l->s);
	before = previous == 0 ? SIEVE_STOP : c->p->nodes[previous].op;
	if ((w->op == SIEVE_ELSIF || w->op == SIEVE_ELSE) &&
		before != SIEVE_IF && before != SIEVE_ELSIF)
		return fail(c, "%s without an if before it", w->name);
	node = *node_r = take_head(c, w);
	if (node == 0)
		return false;
	if (w->op == SIEVE_REQUIRE && !require(c, &c->p->nodes[node]))
		return false;
	c->has_begun = c->has_begun || w->op != SIEVE_REQUIRE;
	if (w->op == SIEVE_INCLUDE && !include(c, node))
		return false;
	if (w->shape == SIEVE_PLAIN)
		return take_mark(c, ';');
	if (w->shape == SIEVE_TEST_BLOCK && !take_one_test(c, node))
		return false;
	if (!take_block(c, &inner))
		return false;
	c->p->nodes[node].inner = inner;
	return true;
}

/* Commands up to what is none. */
static bool
take_commands(struct compile *c, uint32_t *first_r)
{
	uint32_t previous = 0, node = 0;

	*first_r = 0;
	while (c->lex.token != SIEVE_END && !is_mark(c, '}')) {
		if (!take_command(c, previous, &node))
			return false;
		if (previous == 0)
			*first_r = node;
		else
			c->p->nodes[previous].next = node;
		previous = node;
	}
	return true;
}

static bool
take_block(struct compile *c, uint32_t *first_r)
{
	if (!take_mark(c, '{') || !enter(c) || !take_commands(c, first_r))
		return false;
	c->depth--;
	return take_mark(c, '}');
}

static bool
compile_unit(struct compile *c, char const *s, size_t len)
{
	uint32_t first;

	if (len > SIEVE_SCRIPT_MAX)
		return fail_memory(c);
	c->has_begun = false;
	c->depth = 0;
	sieve_lex_init(&c->lex, s, len);
	if (!take_commands(c, &first))
		return false;
	if (c->lex.token != SIEVE_END)
		return fail_token(c, "a command");
	c->p->units[c->unit].first = first;
	return true;
}

bool
sieve_compile(struct sieve_program *p, char const *s, size_t len,
	struct sieve_loader const *loader, struct sieve_fault *fault_r)
{
	struct compile c = {.p = p, .loader = loader, .fault = fault_r};
	bool ok;

	*fault_r = (struct sieve_fault){0};
	p->unit_count = 1;
	ok = compile_unit(&c, s, len);
	for (c.unit = 1; ok && c.unit < p->unit_count; c.unit++) {
		stralloc const *const text = &c.texts[c.unit];

		ok = compile_unit(&c, text->len > 0 ? text->s : "", text->len);
		if (!ok)
			snprintf(fault_r->script, sizeof fault_r->script, "%s",
				p->units[c.unit].name);
	}
	stralloc_free(&c.scratch);
	for (size_t i = 0; i < SIEVE_UNITS_MAX; i++)
		stralloc_free(&c.texts[i]);
	return ok;
}
