/* Lists of mailboxes in a setting. */
#include <string.h>
#include "common/addr.h"
#include "common/namelist.h"

bool
namelist_is_item(char const *s, size_t len)
{
	char const *at = memrchr(s, '@', len);

	if (at == NULL)
		return len == 1 && *s == '*';
	return len <= 320 && at[1] != '[' &&
	       addr_is_domain(at + 1, len - (size_t)(at + 1 - s), 0);
}

bool
namelist_holds(char const *list, char const *address, size_t len)
{
	char const *at = memrchr(address, '@', len);
	size_t const domain_len = at != NULL ? len - (size_t)(at - address) : 0;

	while (list != NULL && *list != '\0') {
		size_t const n = strcspn(list, " ");

		if ((n == 1 && *list == '*') ||
			(n == len && memcmp(list, address, n) == 0) ||
			(domain_len > 0 && *list == '@' && n == domain_len &&
				memcmp(list, at, n) == 0))
			return true;
		list += n + (list[n] == ' ');
	}
	return false;
}
