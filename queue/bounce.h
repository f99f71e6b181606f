/*
 * bounce.h - telling a sender what could not be delivered
 *
 * The text is pure; writing it into the queue runs in a helper. A report for
 * people and, so that programs can read it too, the fields of RFC 3464.
 */
#ifndef BOUNCE_H
#define BOUNCE_H

#include <skalibs/stralloc.h>
#include "queue/helpers.h"

/* Octets of the original's header that are sent back. */
#define BOUNCE_HEADER_MAX 65536

struct bounce {
	char const *hostname;
	char const *id; /* of the bounce: names Message-ID and boundary */
	uint64_t now, arrived;	   /* seconds since 1970 */
	struct queuefile const *q; /* of the original; its failed recipients */
	char const *header;	   /* of the original */
	size_t header_len;
};

/* Append the message, CRLF lines. False: no memory. */
bool bounce_format(stralloc *sa, struct bounce const *b)
	__attribute__((warn_unused_result));

/*
 * The enhanced status code (RFC 3463) that stands in an answer's text, for the
 * class given ('4' or '5'); "5.0.0" if there is none.
 */
#define BOUNCE_STATUS_MAX 11
void bounce_status(
	char const *text, size_t len, char status_r[BOUNCE_STATUS_MAX + 1]);

enum helper_result bounce_write(int tmp_fd, int new_fd, char const *hostname,
	uint64_t now, struct queued const *m);

#endif
