/* Fields of a header added and taken away; see edit.h. */
#include <string.h>
#include <strings.h>
#include "local/sieve/edit.h"
#include "mime/encode.h"

bool
sieve_edit_allowed(char const *name, size_t len)
{
	static char const *const names[] = {
		"received", "auto-submitted", "return-path", "delivered-to"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i]) == len &&
			strncasecmp(names[i], name, len) == 0)
			return false;
	return true;
}

/* A value on one line, cut at a character. */
static bool
flatten(stralloc *out, char const *s, size_t len)
{
	if (len > SIEVE_EDIT_VALUE_MAX) {
		len = SIEVE_EDIT_VALUE_MAX;
		while (len > 0 && ((unsigned char)s[len] & 0xc0) == 0x80)
			len--;
	}
	if (!stralloc_copyb(out, len > 0 ? s : "", len))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)out->s[i] < ' ' || out->s[i] == 127)
			out->s[i] = ' ';
	return true;
}

bool
sieve_edit_add(stralloc *header, bool last, char const *name, size_t name_len,
	char const *value, size_t len)
{
	stralloc field = STRALLOC_ZERO, flat = STRALLOC_ZERO;
	size_t column = name_len + 2;
	bool ok;

	ok = stralloc_catb(&field, name, name_len) &&
	     stralloc_catb(&field, ": ", 2) && flatten(&flat, value, len) &&
	     encode_words(&field, flat.s, flat.len, &column) &&
	     stralloc_catb(&field, "\n", 1) &&
	     stralloc_readyplus(header, field.len + 1);
	if (ok && last && header->len > 0 && header->s[header->len - 1] != '\n')
		ok = stralloc_catb(header, "\n", 1);
	if (ok && last)
		ok = stralloc_catb(header, field.s, field.len);
	else if (ok)
		ok = stralloc_insertb(header, 0, field.s, field.len);
	stralloc_free(&field);
	stralloc_free(&flat);
	return ok;
}
