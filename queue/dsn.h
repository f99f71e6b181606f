/*
 * dsn.h - the text of a delivery report (RFC 3464, RFC 6522; RFC 6533)
 *
 * A multipart/report: a text for people, the fields for programs, and the
 * original, or its header. Pure: the original's octets are the caller's to put
 * between dsn_head and dsn_end.
 */
#ifndef DSN_H
#define DSN_H

#include <stdbool.h>
#include <stdint.h>
#include <skalibs/stralloc.h>
#include "common/queuefile.h"

enum dsn_action {
	DSN_NOTHING, /* the report does not speak of this recipient */
	DSN_FAILED,
	DSN_DELAYED,
	DSN_DELIVERED,
	DSN_RELAYED,
	DSN_EXPANDED
};

struct dsn {
	char const *hostname;
	char const *id; /* of the report: names Message-ID and boundary */
	char const *to; /* whom it goes to */
	size_t to_len;
	uint64_t now, arrived; /* seconds since 1970 */
	uint64_t retry_until;  /* of what is delayed */
	struct queuefile const *q;
	bool is_late;	/* tell of what is still to do, too */
	bool is_double; /* the original's sender is nobody */
	bool is_full;	/* the third part is the whole original */
	bool is_8bit;	/* the third part has octets above 127 */
};

/* What a report says of a recipient. */
enum dsn_action dsn_action(
	struct queuefile_recipient const *r, struct dsn const *d);

/* Whether its sender wants to hear that a recipient is late. */
bool dsn_wants_delay(
	struct queuefile const *q, struct queuefile_recipient const *r);

/* Append all that stands before the original, CRLF lines. False: no memory. */
bool dsn_head(stralloc *sa, struct dsn const *d)
	__attribute__((warn_unused_result));

/* Append what stands behind it; the original has ended with a CRLF. */
bool dsn_end(stralloc *sa, struct dsn const *d)
	__attribute__((warn_unused_result));

/*
 * The enhanced status code (RFC 3463) of the class given ('4' or '5') that
 * stands in an answer's text; "5.0.0" or "4.0.0" if there is none.
 */
#define DSN_STATUS_MAX 11
void dsn_status(char const *text, size_t len, char class,
	char status_r[DSN_STATUS_MAX + 1]);

#endif
