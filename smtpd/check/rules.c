/* The rule table: what becomes of a message. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "smtpd/check/rules.h"

static struct {
	char const *name;
	char const *values; /* with commas between, as a condition has them */
} const words[RULES_WORDS] = {
#define AUTH_RESULTS "pass,fail,none,neutral,policy,temperror,permerror"
	[RULES_SPF] = {"spf",
		"pass,fail,softfail,neutral,none,temperror,permerror"},
	[RULES_SPF_HELO] = {"spf-helo",
		"pass,fail,softfail,neutral,none,temperror,permerror"},
	[RULES_DKIM] = {"dkim", AUTH_RESULTS},
	[RULES_ARC] = {"arc", AUTH_RESULTS},
	[RULES_DMARC] = {"dmarc", AUTH_RESULTS},
	[RULES_DMARC_POLICY] = {"dmarc-policy", "none,quarantine,reject"},
	[RULES_BAYES] = {"bayes", "spam,ham,unsure,none"},
	[RULES_GTUBE] = {"gtube", "yes,no"},
	[RULES_LOGIN] = {"login", "yes,no"},
	[RULES_TLS] = {"tls", "yes,no"},
	[RULES_SENDER] = {"sender", "empty,given"},
	[RULES_HELO] = {"helo", "name,literal,address,unqualified,ours"},
	[RULES_REVERSE] = {"reverse", "none,name,helo"},
	[RULES_EARLY] = {"early", "yes,no"},
};
static char const *const numbers[RULES_NUMBERS] = {
	[RULES_SCORE] = "score",
	[RULES_SIZE] = "size",
	[RULES_RECIPIENTS] = "recipients",
	[RULES_SPAMICITY] = "spamicity",
	[RULES_RATE] = "rate",
};
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
is(struct rules_text t, char const *word)
{
	return t.len == strlen(word) && memcmp(t.s, word, t.len) == 0;
}

/* Cut the next field off; false: there is none. */
static bool
field(struct rules_text *rest, struct rules_text *field_r)
{
	while (rest->len > 0 && (*rest->s == ' ' || *rest->s == '\t')) {
		rest->s++;
		rest->len--;
	}
	field_r->s = rest->s;
	field_r->len = 0;
	while (field_r->len < rest->len && field_r->s[field_r->len] != ' ' &&
		field_r->s[field_r->len] != '\t')
		field_r->len++;
	rest->s += field_r->len;
	rest->len -= field_r->len;
	return field_r->len > 0;
}

/* Cut the next of a list with commas off. */
static bool
item(struct rules_text *rest, struct rules_text *item_r)
{
	char const *comma;

	if (rest->len == 0)
		return false;
	comma = memchr(rest->s, ',', rest->len);
	item_r->s = rest->s;
	item_r->len = comma != NULL ? (size_t)(comma - rest->s) : rest->len;
	rest->s += item_r->len + (comma != NULL);
	rest->len -= item_r->len + (comma != NULL);
	return true;
}

/* A decimal number with at most two places, in hundredths. */
static bool
number(struct rules_text t, bool may_be_negative, int64_t *n_r)
{
	int64_t n = 0;
	size_t i = 0, places = 0;
	bool is_negative = false, in_places = false;

	if (may_be_negative && t.len > 0 && (t.s[0] == '-' || t.s[0] == '+'))
		is_negative = t.s[i++] == '-';
	if (i == t.len || t.s[i] < '0' || t.s[i] > '9')
		return false;
	for (; i < t.len; i++) {
		if (t.s[i] == '.' && !in_places && i + 1 < t.len) {
			in_places = true;
			continue;
		}
		if (t.s[i] < '0' || t.s[i] > '9' || places == 2 ||
			n > RULES_NUMBER_MAX / 100)
			return false;
		n = n * 10 + (t.s[i] - '0');
		places += in_places;
	}
	for (; places < 2; places++)
		n *= 10;
	*n_r = is_negative ? -n : n;
	return n <= RULES_NUMBER_MAX;
}

static bool
address(struct rules_text t, uint32_t *n_r)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr a;

	if (t.len == 0 || t.len >= sizeof text)
		return false;
	memcpy(text, t.s, t.len);
	text[t.len] = '\0';
	if (inet_pton(AF_INET, text, &a) != 1)
		return false;
	*n_r = ntohl(a.s_addr);
	return true;
}

/* ADDRESS, ADDRESS-ADDRESS, or &BITS: any of these bits in the last octets. */
static bool
answer_range(struct rules_text t, uint32_t *low_r, uint32_t *high_r,
	uint32_t *mask_r)
{
	char const *dash = memchr(t.s, '-', t.len);
	struct rules_text second = t;
	int64_t n;

	*mask_r = 0;
	if (t.len > 1 && t.s[0] == '&') {
		t.s++;
		t.len--;
		if (!number(t, false, &n) || n % RULES_UNIT != 0 ||
			n / RULES_UNIT > 0xffffff || n == 0)
			return false;
		*mask_r = (uint32_t)(n / RULES_UNIT);
		return true;
	}
	if (dash != NULL) {
		second.s = dash + 1;
		second.len = t.len - (size_t)(dash - t.s) - 1;
		t.len = (size_t)(dash - t.s);
	}
	return address(t, low_r) && address(second, high_r) &&
	       *low_r <= *high_r && *low_r >> 24 == 127 && *high_r >> 24 == 127;
}

static bool
in_list(struct rules_text list, char const *word)
{
	struct rules_text one;

	while (item(&list, &one))
		if (is(one, word))
			return true;
	return false;
}

static bool
values_known(struct rules_text values, char const *known)
{
	struct rules_text one, all = {known, strlen(known)};

	if (values.len == 0 || values.s[values.len - 1] == ',')
		return false;
	while (item(&values, &one)) {
		struct rules_text left = all, k;
		bool found = false;

		while (!found && item(&left, &k))
			found = k.len == one.len &&
				memcmp(k.s, one.s, k.len) == 0;
		if (!found)
			return false;
	}
	return true;
}

static bool
is_zone_name(struct rules_text t)
{
	bool has_dot = false;

	if (t.len == 0 || t.len > RULES_ZONE_MAX || t.s[0] == '.' ||
		t.s[t.len - 1] == '.')
		return false;
	for (size_t i = 0; i < t.len; i++) {
		char c = t.s[i];

		if (c == '.' && t.s[i - 1] == '.')
			return false;
		has_dot |= c == '.';
		if (c != '.' && c != '-' && c != '_' &&
			!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
			return false;
	}
	return has_dot;
}

/* The number of a zone, added if it is new; or RULES_ZONES_MAX. */
static unsigned
add_zone(struct rules *r, struct rules_text name, bool is_url)
{
	size_t i;

	for (i = 0; i < r->zone_count; i++)
		if (r->zones[i].is_url == is_url &&
			r->zones[i].name.len == name.len &&
			memcmp(r->zones[i].name.s, name.s, name.len) == 0)
			return (unsigned)i;
	if (i < RULES_ZONES_MAX)
		r->zones[r->zone_count++] =
			(struct rules_zone){.name = name, .is_url = is_url};
	return (unsigned)i;
}

static char const *
zone_condition(struct rules *r, struct rules_condition *c,
	struct rules_text name, bool is_url)
{
	struct rules_text values = c->values, one;
	uint32_t low, high, mask;

	c->subject = RULES_IS_ZONE;
	if (!is_zone_name(name))
		return "names no zone, such as list:zen.example.org";
	if (c->compare == RULES_EQUAL) {
		if (values.len == 0 || values.s[values.len - 1] == ',')
			return "has no answers behind =";
		while (item(&values, &one))
			if (!answer_range(one, &low, &high, &mask))
				return "has an answer that is neither "
				       "127.x.y.z, a range of them, nor &BITS";
	} else if (c->compare != RULES_ANY) {
		return "compares a list as if it were a number";
	}
	c->which = add_zone(r, name, is_url);
	return c->which < RULES_ZONES_MAX ? NULL : "is of too many zones";
}

static char const *
word_or_number(
	struct rules *r, struct rules_condition *c, struct rules_text name)
{
	for (unsigned i = 0; i < RULES_WORDS; i++) {
		if (!is(name, words[i].name))
			continue;
		c->subject = RULES_IS_WORD;
		c->which = i;
		r->uses_bayes |= i == RULES_BAYES;
		return c->compare == RULES_EQUAL &&
				       values_known(c->values, words[i].values)
			       ? NULL
			       : "has a value that this fact never has";
	}
	for (unsigned i = 0; i < RULES_NUMBERS; i++) {
		if (!is(name, numbers[i]))
			continue;
		c->subject = RULES_IS_NUMBER;
		c->which = i;
		r->uses_bayes |= i == RULES_SPAMICITY;
		return (c->compare == RULES_AT_LEAST ||
			       c->compare == RULES_BELOW) &&
				       number(c->values, true, &c->number)
			       ? NULL
			       : "has no number behind >= or <";
	}
	return "has a condition on a fact that there is not";
}

/* !NAME=VALUES, NAME>=NUMBER, NAME<NUMBER, list:ZONE. */
static char const *
condition(struct rules *r, struct rules_text t, struct rules_condition *c)
{
	struct rules_text name = t;
	size_t at = 0, operator_len = 0;

	*c = (struct rules_condition){.compare = RULES_ANY};
	if (t.s[0] == '!') {
		c->is_negated = true;
		t.s++;
		t.len--;
		name = t;
	}
	while (at < t.len && t.s[at] != '=' && t.s[at] != '>' && t.s[at] != '<')
		at++;
	if (at < t.len && t.s[at] == '=') {
		c->compare = RULES_EQUAL;
		operator_len = 1;
	} else if (at + 1 < t.len && t.s[at] == '>' && t.s[at + 1] == '=') {
		c->compare = RULES_AT_LEAST;
		operator_len = 2;
	} else if (at < t.len && t.s[at] == '<') {
		c->compare = RULES_BELOW;
		operator_len = 1;
	} else if (at < t.len) {
		return "has a comparison that is none of =, >= and <";
	}
	name.len = at;
	c->values.s = t.s + at + operator_len;
	c->values.len = t.len - at - operator_len;
	if (name.len > 5 && memcmp(name.s, "list:", 5) == 0)
		return zone_condition(r, c,
			(struct rules_text){name.s + 5, name.len - 5}, false);
	if (name.len > 4 && memcmp(name.s, "url:", 4) == 0)
		return zone_condition(r, c,
			(struct rules_text){name.s + 4, name.len - 4}, true);
	return word_or_number(r, c, name);
}

static char const *
add_condition(struct rules *r, struct rules_statement *st, struct rules_text t)
{
	char const *why;

	if (st->condition_count == RULES_CONDITIONS_MAX)
		return "has too many conditions";
	why = condition(r, t, &st->conditions[st->condition_count]);
	if (why == NULL)
		st->condition_count++;
	return why;
}

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
		return field(&rest, &f) && number(f, true, &st->weight) &&
				       !field(&rest, &f)
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

	while (field(&rest, &f)) {
		char const *why;

		for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
			if (is(f, actions[i].name))
				return take_action(st, actions[i].action, rest);
		why = add_condition(r, st, f);
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

	if (!field(&rest, &st->where))
		return "does not say where";
	if (st->kind == RULES_HOOK &&
		(st->where.s[0] != '/' || st->where.len > 255))
		return "is not an absolute path";
	if (st->kind == RULES_MILTER && !is_milter_address(st->where))
		return "is neither inet:ADDRESS:PORT nor unix:/PATH";
	while (field(&rest, &f)) {
		char const *why;

		if (is(f, "skip") || is(f, "tempfail")) {
			st->may_fail = f.s[0] == 's';
			continue;
		}
		why = add_condition(r, st, f);
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
	if (!field(&rest, &verb))
		return true;
	if (is(verb, "rule")) {
		st.kind = RULES_RULE;
	} else if (is(verb, "hook")) {
		st.kind = RULES_HOOK;
	} else if (is(verb, "milter")) {
		st.kind = RULES_MILTER;
	} else {
		*why_r = "begins with none of rule, hook and milter";
		return false;
	}
	if (r->count == RULES_STATEMENTS_MAX)
		*why_r = "is one too many";
	else if (!field(&rest, &st.name) || !is_name(st.name))
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
	while (item(&values, &one)) {
		if (!answer_range(one, &low, &high, &mask))
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
		return word != NULL && in_list(c->values, word);
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
		if (is(r->zones[i].name, name))
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
