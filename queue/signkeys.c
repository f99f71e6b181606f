/* What the signer knows: see signkeys.h. */
#include <stdio.h>
#include <string.h>
#include "queue/signkeys.h"

bool
signkeys_find(
	struct table const *t, char const *domain, struct signkeys_cursor *c_r)
{
	char key[DNS_NAME_SIZE + 1];
	int n = snprintf(key, sizeof key, "@%s", domain);

	return n > 0 && (size_t)n < sizeof key &&
	       table_find(t, key, (size_t)n, &c_r->s, &c_r->len) > 0 &&
	       c_r->len > 0;
}

/* The next octets up to a NUL, which ends each. */
static bool
cut(struct signkeys_cursor *c, char const **s_r, size_t *len_r)
{
	char const *end = memchr(c->s, '\0', c->len);

	if (end == NULL)
		return false;
	*s_r = c->s;
	*len_r = (size_t)(end - c->s);
	c->len -= *len_r + 1;
	c->s = end + 1;
	return true;
}

bool
signkeys_next(struct signkeys_cursor *c, struct signkey *key_r)
{
	char const *pem;
	size_t selector_len, pem_len;

	while (cut(c, &key_r->selector, &selector_len) &&
		cut(c, &pem, &pem_len))
		if (dkim_private_parse(pem, pem_len, &key_r->key))
			return true;
	return false;
}

bool
signkeys_owns(struct table const *t, uint32_t uid, char const *domain)
{
	char key[DNS_NAME_SIZE + 16];
	char const *value;
	size_t len;
	int n = snprintf(key, sizeof key, "%u@%s", (unsigned)uid, domain);

	return n > 0 && (size_t)n < sizeof key &&
	       table_find(t, key, (size_t)n, &value, &len) > 0;
}

char const *
signkeys_text(struct table const *t, char const *key)
{
	char const *value;
	size_t len;

	if (table_find(t, key, strlen(key), &value, &len) <= 0 || len == 0 ||
		value[len - 1] != '\0')
		return "";
	return value;
}
