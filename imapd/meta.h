/*
 * meta.h - what was learned of messages once (the file `kereru-meta`)
 *
 * A cache: ENVELOPE, BODYSTRUCTURE and BODY as they are sent, the exact size,
 * the internal date, a hash of the octets, and the header fields that clients
 * ask for, of each message that somebody has looked into. Whatever it says is
 * checked (crc, UID, the file's name and inode); what it does not say is read
 * from the message. FETCH, SEARCH, SORT and THREAD read it and add to it.
 *
 *	struct meta_entry e;
 *	int const r = meta_need(m, i, META_HEADER, &content, &e);
 *
 * Additions are held back until meta_flush, which the session calls at the end
 * of a command.
 */
#ifndef META_H
#define META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imapd/content.h"
#include "imapd/mailbox.h"
#include "mime/metarecord.h"
#include "mime/section.h"

/* Date, From, To, Cc, Subject, Message-ID, References, ... NULL-ended. */
extern char const *const meta_field_names[];

/* Is the field called name[0..len) one of them? */
bool meta_has_field(char const *name, size_t len);

/*
 * The entry of message i if the cache has all of want: true. Pointers are good
 * until the next call of a function here.
 */
bool meta_get(struct mailbox *m, size_t i, unsigned want,
	struct meta_entry *e_r) __attribute__((warn_unused_result));

/*
 * As meta_get, but reads the message where the cache has not got it, and keeps
 * what it learns. If c is open it is open on message i, else c is opened when
 * it has to be. 1 got it, 0 the message is gone, -1 failed (errno).
 */
int meta_need(struct mailbox *m, size_t i, unsigned want, struct content *c,
	struct meta_entry *e_r) __attribute__((warn_unused_result));

/* Write down what was learned. */
void meta_flush(struct mailbox *m);

/* Is more than half of the file of no use any more? Then write it anew, with
 * the log locked; a snapshot must follow. False: errno, nothing is known. */
bool meta_has_garbage(struct mailbox *m);
bool meta_collect(struct mailbox *m) __attribute__((warn_unused_result));

#endif
