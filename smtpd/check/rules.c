/* The rule table: what becomes of a message. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "smtpd/check/rules_text.h"

static struct {
	char const *name;
	enum rules_action action;
} const actions[] = {
	{"nothing", RULES_NOTHING},
	{"weight", RULES_WEIGHT},
	{"tag", RULES_TAG},
	{"junk", RULES_JUNK},
	{"accept", RULES_ACCEPT},
	{"reject", RULES_REJECT},
	{"tempfail", RULES_TEMPFAIL},
	{"discard", RULES_DISCARD},
};

static bool
is_name(struct rules_text t)
{
	if (t.len == 0 || t.len > RULES_NAME_MAX)
		return false;
	for (size_t i = 0; i < t.len; i++) {
		char c = t.s[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
			!(c >= '0' && c <= '9') && c != '_' && c != '-')
			return false;
	}
	return true;
}

/* An enhanced code of the class, `5.7.1 ` (RFC 3463), may begin a text. */
static bool
is_reply_text(struct rules_text t, char class)
{
	if (t.len > RULES_TEXT_MAX)
		return false;
	for (size_t i = 0; i < t.len; i++)
		if (t.s[i] < ' ' || t.s[i] > '~')
			return false;
	return t.len < 2 || t.s[1] != '.' || t.s[0] < '0' || t.s[0] > '9' ||
	       t.s[0] == class;
}

static char const *
take_action(struct rules_statement *st, enum rules_action action,
	struct rules_text rest)
{
	struct rules_text f;

	st->action = action;
	while (rest.len > 0 && (*rest.s == ' ' || *rest.s == '\t')) {
		rest.s++;
		rest.len--;
	}
	if (action == RULES_WEIGHT)
		return rules_field(&rest, &f) &&
				       rules_number(f, true, &st->weight) &&
				       !rules_field(&rest, &f)
			       ? NULL
			       : "has no number behind weight, or more than "
				 "one";
	if (action == RULES_REJECT || action == RULES_TEMPFAIL) {
		st->text = rest;
		return is_reply_text(rest, action == RULES_REJECT ? '5' : '4')
			       ? NULL
			       : "has a text that is too long, not ASCII, or "
				 "begins "
				 "with the code of another class";
	}
	return rest.len == 0 ? NULL : "has something behind its action";
}

static char const *
take_rule(struct rules *r, struct rules_statement *st, struct rules_text rest)
{
	struct rules_text f;

	while (rules_field(&rest, &f)) {
		char const *why;

		for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
			if (rules_is(f, actions[i].name))
				return take_action(st, actions[i].action, rest);
		why = rules_add_condition(r, st, f);
		if (why != NULL)
			return why;
	}
	return "has no action";
}

static bool
is_milter_address(struct rules_text t)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char raw[16];
	char const *colon;
	size_t len;
	unsigned port = 0;

	if (t.len > 6 && memcmp(t.s, "unix:/", 6) == 0)
		return t.len < 100;
	if (t.len < 6 || memcmp(t.s, "inet:", 5) != 0)
		return false;
	t.s += 5;
	t.len -= 5;
	colon = memrchr(t.s, ':', t.len);
	if (colon == NULL || colon + 1 == t.s + t.len)
		return false;
	for (char const *p = colon + 1; p < t.s + t.len; p++) {
		if (*p < '0' || *p > '9' || port > 6553)
			return false;
		port = port * 10 + (unsigned)(*p - '0');
	}
	len = (size_t)(colon - t.s);
	if (len > 2 && t.s[0] == '[' && t.s[len - 1] == ']') {
		t.s++;
		len -= 2;
	}
	if (port == 0 || port > 65535 || len == 0 || len >= sizeof text)
		return false;
	memcpy(text, t.s, len);
	text[len] = '\0';
	return inet_pton(AF_INET, text, raw) == 1 ||
	       inet_pton(AF_INET6, text, raw) == 1;
}

/* WHERE [skip|tempfail] CONDITION... */
static char const *
take_program(
	struct rules *r, struct rules_statement *st, struct rules_text rest)
{
	struct rules_text f;

	if (!rules_field(&rest, &st->where))
		return "does not say where";
	if (st->kind == RULES_HOOK &&
		(st->where.s[0] != '/' || st->where.len > 255))
		return "is not an absolute path";
	if (st->kind == RULES_MILTER && !is_milter_address(st->where))
		return "is neither inet:ADDRESS:PORT nor unix:/PATH";
	while (rules_field(&rest, &f)) {
		char const *why;

		if (rules_is(f, "skip") || rules_is(f, "tempfail")) {
			st->may_fail = f.s[0] == 's';
			continue;
		}
		why = rules_add_condition(r, st, f);
		if (why != NULL)
			return why;
	}
	return NULL;
}

bool
rules_line(struct rules *r, char const *s, size_t len, unsigned line,
	char const **why_r)
{
	struct rules_text rest = {s, len}, verb;
	struct rules_statement st = {.line = line};
	size_t zone_count = r->zone_count;
	bool uses_bayes = r->uses_bayes;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '#' &&
			(i == 0 || s[i - 1] == ' ' || s[i - 1] == '\t')) {
			rest.len = i;
			break;
		}
		if ((s[i] > '\0' && s[i] < ' ' && s[i] != '\t') ||
			s[i] == '\0' || s[i] == 0x7f) {
			*why_r = "has a control character";
			return false;
		}
	}
	while (rest.len > 0 &&
		(rest.s[rest.len - 1] == ' ' || rest.s[rest.len - 1] == '\t'))
		rest.len--;
	if (!rules_field(&rest, &verb))
		return true;
	if (rules_is(verb, "rule")) {
		st.kind = RULES_RULE;
	} else if (rules_is(verb, "hook")) {
		st.kind = RULES_HOOK;
	} else if (rules_is(verb, "milter")) {
		st.kind = RULES_MILTER;
	} else {
		*why_r = "begins with none of rule, hook and milter";
		return false;
	}
	if (r->count == RULES_STATEMENTS_MAX)
		*why_r = "is one too many";
	else if (!rules_field(&rest, &st.name) || !is_name(st.name))
		*why_r = "has no name of letters, digits, _ and -";
	else
		*why_r = st.kind == RULES_RULE ? take_rule(r, &st, rest)
					       : take_program(r, &st, rest);
	if (*why_r != NULL) {
		r->zone_count = zone_count;
		r->uses_bayes = uses_bayes;
		return false;
	}
	r->statements[r->count++] = st;
	return true;
}

bool
rules_parse(struct rules *r, char const *s, size_t len, unsigned *line_r,
	char const **why_r)
{
	unsigned line = 1;

	r->count = 0;
	r->zone_count = 0;
	r->uses_bayes = false;
	for (size_t at = 0; at < len; line++) {
		char const *end = memchr(s + at, '\n', len - at);
		size_t n = end != NULL ? (size_t)(end - (s + at)) : len - at;

		if (!rules_line(r, s + at, n, line, why_r)) {
			*line_r = line;
			return false;
		}
		at += n + (end != NULL);
	}
	return true;
}

static bool
zone_holds(struct rules_zone const *z, struct rules_condition const *c)
{
	struct rules_text values = c->values, one;
	uint32_t low = 0, high = 0, mask;

	if (c->compare == RULES_ANY)
		return z->answer_count > 0;
	while (rules_item(&values, &one)) {
		if (!rules_answer_range(one, &low, &high, &mask))
			continue;
		for (size_t i = 0; i < z->answer_count; i++) {
			uint32_t a = z->answers[i];

			if (mask != 0 ? (a & 0xffffff & mask) != 0
				      : a >= low && a <= high)
				return true;
		}
	}
	return false;
}

static bool
holds(struct rules const *r, struct rules_condition const *c,
	struct rules_facts const *facts)
{
	char const *word;
	int64_t n;

	switch (c->subject) {
	case RULES_IS_WORD:
		word = facts->words[c->which];
		return word != NULL && rules_in_list(c->values, word);
	case RULES_IS_NUMBER:
		if (c->which == RULES_SPAMICITY && !facts->has_spamicity)
			return false;
		n = facts->numbers[c->which];
		return c->compare == RULES_BELOW ? n < c->number
						 : n >= c->number;
	case RULES_IS_ZONE:
		return zone_holds(&r->zones[c->which], c);
	}
	return false;
}

bool
rules_hold(struct rules const *r, struct rules_statement const *st,
	struct rules_facts const *facts)
{
	for (size_t i = 0; i < st->condition_count; i++)
		if (holds(r, &st->conditions[i], facts) ==
			st->conditions[i].is_negated)
			return false;
	return true;
}

struct rules_zone *
rules_zone(struct rules *r, char const *name)
{
	for (size_t i = 0; i < r->zone_count; i++)
		if (rules_is(r->zones[i].name, name))
			return &r->zones[i];
	return NULL;
}

void
rules_format(int64_t n, char out[RULES_NUMBER_SIZE])
{
	int64_t whole = n / RULES_UNIT, places = n % RULES_UNIT;

	if (places < 0)
		places = -places;
	if (places == 0)
		snprintf(out, RULES_NUMBER_SIZE, "%lld", (long long)whole);
	else
		snprintf(out, RULES_NUMBER_SIZE,
			places % 10 == 0 ? "%s%lld.%01lld" : "%s%lld.%02lld",
			n < 0 && whole == 0 ? "-" : "", (long long)whole,
			(long long)(places % 10 == 0 ? places / 10 : places));
}
