/* Names of mailboxes as a session writes them; see naming.h. */
#include <string.h>

#include "imapd/naming.h"
#include "common/utf7.h"
#include "mime/imap.h"

bool
naming_in(bool utf8, char const *s, size_t len, char *name_r)
{
	char name[UTF7_ROOM(BOXNAME_MAX)];

	if (!utf8)
		return boxname_check(s, len, name_r);
	return len <= BOXNAME_MAX && utf7_encode(s, len, name, &len) &&
	       boxname_check(name, len, name_r);
}

bool
naming_pattern(bool utf8, char const *s, size_t len, char *out, size_t max,
	size_t *len_r)
{
	*len_r = len;
	if (!utf8) {
		if (len <= max)
			memcpy(out, s, len);
		return len <= max;
	}
	return UTF7_ROOM(len) <= max && utf7_encode(s, len, out, len_r);
}

bool
naming_out(bool utf8, stralloc *out, char const *name)
{
	char text[UTF7_ROOM(BOXNAME_MAX)];
	size_t const len = strlen(name);
	size_t n;

	if (!utf8 || len > BOXNAME_MAX)
		return imap_string(out, name, len);
	/* A name holds neither controls nor what only a literal could. */
	n = utf7_decode(name, len, text);
	if (!stralloc_catb(out, "\"", 1))
		return false;
	for (size_t i = 0; i < n; i++)
		if (((text[i] == '"' || text[i] == '\\') &&
			    !stralloc_catb(out, "\\", 1)) ||
			!stralloc_catb(out, text + i, 1))
			return false;
	return stralloc_catb(out, "\"", 1);
}
