/* mime imap: a message as the IMAP server describes it. */
#include "mime/command.h"
#include "mime/imap.h"

bool
mime_imap(struct message const *m, struct request *r, stralloc *out)
{
	struct structure_part const *const whole = &m->parts[0];

	(void)r;
	return stralloc_cats(out, "RFC822.SIZE ") &&
	       command_put_number(out, whole->header_size + whole->body_size) &&
	       stralloc_cats(out, " ENVELOPE ") &&
	       imap_envelope(out, m->text.s, m->parts[0].header_len) &&
	       stralloc_cats(out, " BODYSTRUCTURE ") &&
	       imap_bodystructure(out, m->text.s, m->parts, m->count, true) &&
	       stralloc_cats(out, " BODY ") &&
	       imap_bodystructure(out, m->text.s, m->parts, m->count, false) &&
	       stralloc_cats(out, "\n");
}
