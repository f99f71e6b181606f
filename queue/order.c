/* What a command in the queue asks for. */
#include <string.h>
#include "common/addr.h"
#include "queue/order.h"

static struct {
	char const *name;
	enum order_verb verb;
} const verbs[] = {
	{"wake", ORDER_WAKE},
	{"hold", ORDER_HOLD},
	{"release", ORDER_RELEASE},
	{"drop", ORDER_DROP},
	{"bounce", ORDER_BOUNCE},
};

/* The next word; what is behind it stays in *s. */
static bool
take_word(char const **s, size_t *len, char const **word_r, size_t *word_len_r)
{
	char const *blank = memchr(*s, ' ', *len);
	size_t n = blank != NULL ? (size_t)(blank - *s) : *len;

	*word_r = *s;
	*word_len_r = n;
	*s += n + (blank != NULL);
	*len -= n + (blank != NULL);
	return n > 0;
}

static bool
is_word(char const *s, size_t len, char const *word)
{
	return strlen(word) == len && memcmp(s, word, len) == 0;
}

static bool
take_verb(char const **s, size_t *len, struct order *c)
{
	if (!take_word(s, len, &c->name, &c->name_len))
		return false;
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (is_word(c->name, c->name_len, verbs[i].name)) {
			c->verb = verbs[i].verb;
			return true;
		}
	return false;
}

static bool
take_ids(char const *s, size_t len, struct order *c)
{
	while (len > 0) {
		char const *word;
		size_t n;
		if (!take_word(&s, &len, &word, &n) || !id_valid(word, n) ||
			c->count == ORDER_IDS_MAX)
			return false;
		memcpy(c->ids[c->count++], word, ID_LEN);
	}
	return c->count > 0;
}

bool
order_parse(char const *s, size_t len, struct order *c)
{
	c->count = 0;
	c->domain = NULL;
	c->domain_len = 0;
	if (s == NULL || !take_verb(&s, &len, c))
		return false;
	if (c->verb != ORDER_WAKE || (len >= ID_LEN && id_valid(s, ID_LEN)))
		return take_ids(s, len, c);
	if (is_word(s, len, "all")) {
		c->verb = ORDER_WAKE_ALL;
		return true;
	}
	c->verb = ORDER_WAKE_DOMAIN;
	c->domain = s;
	c->domain_len = len;
	return addr_is_domain(s, len, 0);
}
