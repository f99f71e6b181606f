/* What may be done with a mailbox; see rights.h. */
#include <string.h>

#include "imapd/flag_args.h"
#include "imapd/rights.h"

/* By the position of the bit. */
static char const letters[] = "lrswipkxtea";

bool
rights_parse(char const *s, size_t len, unsigned *rights_r)
{
	*rights_r = 0;
	for (size_t i = 0; i < len; i++) {
		char const *const at =
			memchr(letters, s[i], sizeof letters - 1);

		if (at != NULL)
			*rights_r |= 1u << (at - letters);
		else if (s[i] == 'c')
			*rights_r |= RIGHT_CREATE | RIGHT_DELETE_BOX;
		else if (s[i] == 'd')
			*rights_r |= RIGHT_EXPUNGE | RIGHT_DELETE;
		else
			return false;
	}
	return true;
}

void
rights_plain(unsigned rights, char text_r[RIGHTS_TEXT_MAX])
{
	size_t len = 0;

	for (size_t i = 0; i < sizeof letters - 1; i++)
		if (rights >> i & 1)
			text_r[len++] = letters[i];
	text_r[len] = '\0';
}

void
rights_text(unsigned rights, char text_r[RIGHTS_TEXT_MAX])
{
	size_t len;

	rights_plain(rights, text_r);
	len = strlen(text_r);
	if (rights & (RIGHT_CREATE | RIGHT_DELETE_BOX))
		text_r[len++] = 'c';
	if (rights & (RIGHT_EXPUNGE | RIGHT_DELETE))
		text_r[len++] = 'd';
	text_r[len] = '\0';
}

unsigned
rights_flags(unsigned rights)
{
	return (rights & RIGHT_DELETE ? FLAG_DELETED : 0) |
	       (rights & RIGHT_SEEN ? FLAG_SEEN : 0) |
	       (rights & RIGHT_WRITE ? FLAG_ANSWERED | FLAG_FLAGGED | FLAG_DRAFT
				     : 0);
}
