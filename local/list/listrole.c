/* Which of a list's addresses mail came to; see listrole.h. */
#include "local/list/listrole.h"
#include <string.h>
#include <strings.h>

static char const *const suffixes[LISTROLE_COUNT] = {"", "-request", "-owner",
	"-subscribe", "-unsubscribe", "-confirm", "-bounces"};

char const *
listrole_suffix(enum listrole role)
{
	return suffixes[role];
}

enum listrole
listrole_find(struct listset const *set, char const *address, size_t len,
	struct listset_text *detail)
{
	char const *const at = memrchr(address, '@', len);
	size_t const local_len = at != NULL ? (size_t)(at - address) : len;
	char const *const plus = memchr(address, '+', local_len);
	size_t const n = plus != NULL ? (size_t)(plus - address) : local_len;

	*detail = (struct listset_text){"", 0};
	if (n < set->local_len ||
		strncasecmp(address, set->address.s, set->local_len) != 0)
		return LISTROLE_POST;
	if (plus != NULL)
		*detail = (struct listset_text){plus + 1, local_len - n - 1};
	for (int i = 1; i < LISTROLE_COUNT; i++)
		if (strlen(suffixes[i]) == n - set->local_len &&
			strncasecmp(address + set->local_len, suffixes[i],
				n - set->local_len) == 0)
			return (enum listrole)i;
	return LISTROLE_POST;
}

bool
listrole_address(stralloc *out, struct listset const *set, enum listrole role,
	char const *detail)
{
	size_t const n = set->local_len;

	return stralloc_catb(out, set->address.s, n) &&
	       stralloc_cats(out, suffixes[role]) &&
	       (*detail == '\0' || (stralloc_append(out, '+') &&
					   stralloc_cats(out, detail))) &&
	       stralloc_catb(out, set->address.s + n, set->address.len - n);
}

bool
listrole_id(stralloc *out, struct listset const *set)
{
	size_t const n = set->local_len;

	return stralloc_catb(out, set->address.s, n) &&
	       stralloc_append(out, '.') &&
	       stralloc_catb(
		       out, set->address.s + n + 1, set->address.len - n - 1);
}
