/*
 * signmsg.h - one message signed: the header lines that go in front of it
 *
 * What is hashed is what the host that gets the message will see: the added
 * lines and the message with the line ends of DATA (common/databody.h), and,
 * where a host that takes no 8-bit octets would have it changed, in the form
 * that needs no change (mime/reencode.h; RFC 6376 5.3). What is signed already
 * is never changed: by another hand (DKIM-Signature), by its author
 * (multipart/signed), or because it is only sent on; what a list sends is the
 * list's to change.
 *
 * The message is read once, or twice when it is changed; its header alone is
 * kept.
 */
#ifndef SIGNMSG_H
#define SIGNMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "queue/signask.h"
#include "queue/signkeys.h"

struct signmsg {
	char lines[JOB_LINES_MAX];
	size_t len, room; /* room: less if the copy has fields of its own */
	bool is_seven;
	unsigned signatures, seals; /* in lines */
	char domain[DNS_NAME_SIZE]; /* of the author; "" if it has none */
};

/*
 * Sign the message in fd as asked; now: for t=. What there is no key for, what
 * is not the dropper's, and what has no sound From field gets no line. False:
 * no memory, or the file can't be read.
 */
bool signmsg_make(struct table const *keys, struct signask const *ask, int fd,
	uint64_t now, struct signmsg *out) __attribute__((warn_unused_result));

#endif
