/* mime imap: a message as the IMAP server describes it. */
#include <string.h>

#include "mime/command.h"
#include "mime/imap.h"

static bool
put_size(struct message const *m, stralloc *out)
{
	char digits[24];
	size_t i = sizeof digits;
	size_t n = m->parts[0].header_size + m->parts[0].body_size;

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return stralloc_catb(out, digits + i, sizeof digits - i);
}

bool
cmd_imap(struct message const *m, stralloc *out)
{
	return stralloc_cats(out, "RFC822.SIZE ") && put_size(m, out) &&
	       stralloc_cats(out, " ENVELOPE ") &&
	       imap_envelope(out, m->text.s, m->parts[0].header_len) &&
	       stralloc_cats(out, " BODYSTRUCTURE ") &&
	       imap_bodystructure(out, m->text.s, m->parts, m->count, true) &&
	       stralloc_cats(out, " BODY ") &&
	       imap_bodystructure(out, m->text.s, m->parts, m->count, false) &&
	       stralloc_cats(out, "\n");
}
