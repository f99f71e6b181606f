/* Names of mailboxes as a session writes them; see naming.h. */
#include <stdio.h>
#include <string.h>

#include "imapd/naming.h"
#include "common/utf7.h"
#include "mime/imap.h"

static char const *prefix = "";

void
naming_share(char const *as)
{
	prefix = as;
}

char const *
naming_prefix(void)
{
	return prefix;
}

void
naming_full(char const *name, char *out)
{
	size_t const len = strlen(prefix);

	if (len == 0)
		strcpy(out, name);
	else if (boxname_is_inbox(name))
		strcpy(out, prefix);
	else
		(void)snprintf(out, NAMING_MAX, "%s%c%s", prefix,
			BOXNAME_SEPARATOR, name);
}

static bool
is_ours(char const *s, size_t len, char *name_r)
{
	size_t const skip = strlen(prefix);

	if (!boxname_check(s, len, name_r) ||
		strncmp(name_r, prefix, skip) != 0)
		return false;
	if (skip == 0)
		return true;
	if (len == skip) {
		strcpy(name_r, "INBOX");
		return true;
	}
	/* `Shared.team.INBOX` would be a second name of the same. */
	return s[skip] == BOXNAME_SEPARATOR &&
	       boxname_check(s + skip + 1, len - skip - 1, name_r) &&
	       !boxname_is_inbox(name_r);
}

bool
naming_in(bool utf8, char const *s, size_t len, char *name_r)
{
	char name[UTF7_ROOM(BOXNAME_MAX)];

	if (!utf8)
		return is_ours(s, len, name_r);
	return len <= BOXNAME_MAX && utf7_encode(s, len, name, &len) &&
	       is_ours(name, len, name_r);
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
	char full[NAMING_MAX], text[UTF7_ROOM(NAMING_MAX)];
	size_t len, n;

	naming_full(name, full);
	name = full;
	len = strlen(name);
	if (!utf8)
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
