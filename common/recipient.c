/* Which entry of recipients.cdb an address has. */
#include <string.h>
#include "common/addr.h"
#include "common/recipient.h"
#include "common/srs.h"

bool
recipient_is_catch_all(char const *key, size_t len)
{
	return len > 2 && key[0] == '*' && key[1] == '@';
}

bool
recipient_is_refused(char const *value, size_t len)
{
	return memmem(value, len, RECIPIENT_REFUSED,
		       sizeof RECIPIENT_REFUSED - 1) != NULL;
}

/* The key of the catch-all in place; 0: none is asked for this address. */
static size_t
catch_all_key(char *key, size_t len)
{
	/* The last @: one in a quoted local part means nothing. */
	char *const at = memrchr(key, '@', len);
	size_t const rest = at != NULL ? (size_t)(key + len - at) : 0;

	if (at == NULL || at == key || srs_is_form(key, (size_t)(at - key)))
		return 0;
	*key = '*';
	memmove(key + 1, at, rest);
	return 1 + rest;
}

int
recipient_find(struct table const *recipients, char *key, size_t *len,
	char const **value_r, size_t *value_len_r)
{
	static size_t (*const others[])(char *key, size_t len) = {
		addr_key_base, catch_all_key};
	size_t const count = sizeof others / sizeof *others;
	char other[ADDR_KEY_MAX];
	int found = table_find(recipients, key, *len, value_r, value_len_r);

	if (*len > sizeof other)
		return found;
	for (size_t i = 0; found == 0 && i < count; i++) {
		size_t n;

		memcpy(other, key, *len);
		n = others[i](other, *len);
		if (n == 0)
			continue;
		found = table_find(recipients, other, n, value_r, value_len_r);
		if (found > 0) {
			memcpy(key, other, n);
			*len = n;
		}
	}
	return found;
}
