/*
 * spamtext.h - what a classifier of spam reads of a message
 *
 * A message in its plainest form: fields with encoded words taken off, without
 * those that filters and deliveries add; then each part that is text, decoded,
 * in UTF-8; of other parts only what they call themselves. It is a message
 * again (multipart/mixed with 8-bit parts), so that a classifier that knows
 * mail sees HTML as HTML. The same for learning and for testing, wherever the
 * message was met: before it is accepted, or in a maildir.
 */
#ifndef MIME_SPAMTEXT_H
#define MIME_SPAMTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

#include "mime/message.h"

/* Octets of one part's text, and of the whole; the rest is left out. */
#define SPAMTEXT_PART_MAX (256u * 1024)
#define SPAMTEXT_MAX (1024u * 1024)

/* Gets the text of a part, UTF-8, which it may change. False stops. */
typedef bool spamtext_each(void *arg, bool is_html, char *s, size_t len);

/*
 * Append the text of m to out; each (or NULL) is called for each part that is
 * text, also for those that do not fit anymore. False: errno, or each stopped.
 */
bool spamtext_make(struct message const *m, stralloc *out, spamtext_each *each,
	void *arg) __attribute__((warn_unused_result));

#endif
