/* Words, numbers and answers of the rule table. */
#include <arpa/inet.h>
#include <string.h>
#include "smtpd/check/rules_text.h"

bool
rules_is(struct rules_text t, char const *word)
{
	return t.len == strlen(word) && memcmp(t.s, word, t.len) == 0;
}

bool
rules_field(struct rules_text *rest, struct rules_text *field_r)
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

bool
rules_item(struct rules_text *rest, struct rules_text *item_r)
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

bool
rules_number(struct rules_text t, bool may_be_negative, int64_t *n_r)
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

bool
rules_answer_range(struct rules_text t, uint32_t *low_r, uint32_t *high_r,
	uint32_t *mask_r)
{
	char const *dash = memchr(t.s, '-', t.len);
	struct rules_text second = t;
	int64_t n;

	*mask_r = 0;
	if (t.len > 1 && t.s[0] == '&') {
		t.s++;
		t.len--;
		if (!rules_number(t, false, &n) || n % RULES_UNIT != 0 ||
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

bool
rules_in_list(struct rules_text list, char const *word)
{
	struct rules_text one;

	while (rules_item(&list, &one))
		if (rules_is(one, word))
			return true;
	return false;
}
