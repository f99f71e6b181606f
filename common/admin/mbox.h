/*
 * mbox.h - the messages of an mbox file
 *
 * All variants: a message begins behind a line `From sender date` at the start
 * of the file or behind an empty line. Where a Content-Length leads exactly to
 * such a place (mboxcl, mboxcl2), it holds; so a From in the middle of a text
 * divides nothing there. `>From ` loses a `>` (mboxo, mboxrd), unless the
 * message has such a line unquoted (mboxcl2). What mail programs note in the
 * header (Status, X-Status, X-Keywords, X-Mozilla-Status) becomes flags, and is
 * taken out with what else is the file's alone. Pure.
 */
#ifndef MBOX_H
#define MBOX_H

#include <stdbool.h>
#include <stddef.h>
#include "common/admin/import.h"

/*
 * The next message of s[*pos..len), a whole file. 1 got one (text in CRLF form;
 * an empty one: it is none, but a note of a mail program, or was deleted), 0 at
 * the end, -1 memory is out.
 */
int mbox_next(char const *s, size_t len, size_t *pos,
	struct import_message *message_r) __attribute__((warn_unused_result));

/* Does it look like an mbox file? */
bool mbox_is(char const *s, size_t len);

#endif
