/* The addresses that we call from: see outgoing.h. */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include "remote/outgoing.h"

static bool
take_word(char const **s, size_t *len, char const **word_r, size_t *word_len_r)
{
	size_t n = 0;

	while (*len > 0 && **s == ' ') {
		++*s;
		--*len;
	}
	while (n < *len && (*s)[n] != ' ')
		n++;
	*word_r = *s;
	*word_len_r = n;
	*s += n;
	*len -= n;
	return n > 0;
}

static bool
read_address(char const *s, size_t len, struct mx_address *a)
{
	char text[INET6_ADDRSTRLEN];

	if (len >= sizeof text || memchr(s, '\0', len) != NULL)
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	a->len = 4;
	if (inet_pton(AF_INET, text, a->s) == 1)
		return true;
	a->len = 16;
	return inet_pton(AF_INET6, text, a->s) == 1;
}

static bool
read_line(char const *s, size_t len, struct outgoing_line *l)
{
	char const *word;
	size_t n;

	if (!take_word(&s, &len, &word, &n) ||
		!read_address(word, n, &l->address) ||
		!take_word(&s, &len, &word, &n) || n >= sizeof l->name ||
		memchr(word, '\0', n) != NULL)
		return false;
	memcpy(l->name, word, n);
	l->name[n] = '\0';
	l->domains = s;
	l->domains_len = len;
	return dns_name_valid(l->name);
}

bool
outgoing_parse(char const *s, size_t len, struct outgoing *o)
{
	o->count = 0;
	while (len > 0) {
		char const *lf = memchr(s, '\n', len);
		size_t n = lf != NULL ? (size_t)(lf - s) : len;
		if (o->count == OUTGOING_MAX ||
			!read_line(s, n, &o->list[o->count++]))
			return false;
		n += lf != NULL;
		s += n;
		len -= n;
	}
	return true;
}

static bool
is_kept_for(struct outgoing_line const *l, char const *domain, size_t len)
{
	char const *s = l->domains, *word;
	size_t left = l->domains_len, n;

	while (take_word(&s, &left, &word, &n))
		if (n == len && strncasecmp(word, domain, n) == 0)
			return true;
	return false;
}

static bool
is_kept(struct outgoing_line const *l)
{
	char const *s = l->domains, *word;
	size_t left = l->domains_len, n;

	return take_word(&s, &left, &word, &n);
}

/* The turn-th of a family that is kept for the domain, or (NULL) for nobody. */
static struct outgoing_line const *
pick(struct outgoing const *o, size_t address_len, char const *domain,
	size_t len, uint32_t turn)
{
	struct outgoing_line const *found[OUTGOING_MAX];
	size_t n = 0;

	for (size_t i = 0; i < o->count; i++) {
		struct outgoing_line const *l = &o->list[i];
		if (l->address.len == address_len &&
			(domain != NULL ? is_kept_for(l, domain, len)
					: !is_kept(l)))
			found[n++] = l;
	}
	return n > 0 ? found[turn % n] : NULL;
}

struct outgoing_choice
outgoing_choose(struct outgoing const *o, char const *sender, size_t sender_len,
	uint32_t turn)
{
	char const *at =
		sender_len > 0 ? memrchr(sender, '@', sender_len) : NULL;
	size_t len = at != NULL ? (size_t)(sender + sender_len - at - 1) : 0;
	struct outgoing_choice c = {NULL, NULL};

	if (at != NULL) {
		c.four = pick(o, 4, at + 1, len, turn);
		c.six = pick(o, 16, at + 1, len, turn);
	}
	/* A domain with an address of one family alone does not call from
	 * those of others over the other. */
	if (c.four == NULL && c.six == NULL) {
		c.four = pick(o, 4, NULL, 0, turn);
		c.six = pick(o, 16, NULL, 0, turn);
	}
	return c;
}

struct outgoing_line const *
outgoing_for(struct outgoing_choice const *c, size_t address_len)
{
	return address_len == 4 ? c->four : c->six;
}
