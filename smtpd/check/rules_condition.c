/* Conditions of the rule table: the facts that there are. */
#include <string.h>
#include "smtpd/check/rules_text.h"

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
static bool
values_known(struct rules_text values, char const *known)
{
	struct rules_text one, all = {known, strlen(known)};

	if (values.len == 0 || values.s[values.len - 1] == ',')
		return false;
	while (rules_item(&values, &one)) {
		struct rules_text left = all, k;
		bool found = false;

		while (!found && rules_item(&left, &k))
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
		while (rules_item(&values, &one))
			if (!rules_answer_range(one, &low, &high, &mask))
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
		if (!rules_is(name, words[i].name))
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
		if (!rules_is(name, numbers[i]))
			continue;
		c->subject = RULES_IS_NUMBER;
		c->which = i;
		r->uses_bayes |= i == RULES_SPAMICITY;
		return (c->compare == RULES_AT_LEAST ||
			       c->compare == RULES_BELOW) &&
				       rules_number(c->values, true, &c->number)
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

char const *
rules_add_condition(
	struct rules *r, struct rules_statement *st, struct rules_text t)
{
	char const *why;

	if (st->condition_count == RULES_CONDITIONS_MAX)
		return "has too many conditions";
	why = condition(r, t, &st->conditions[st->condition_count]);
	if (why == NULL)
		st->condition_count++;
	return why;
}
