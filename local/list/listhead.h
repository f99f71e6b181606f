/*
 * listhead.h - the header of what a list gets, judged, and of what it sends
 *
 * What is not the list's business stays octet for octet, so that signatures
 * hold (RFC 6377): a list without a tag, a footer and a change of From only
 * puts fields in front. Pure.
 */
#ifndef LISTHEAD_H
#define LISTHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <skalibs/stralloc.h>
#include "local/list/listset.h"

/* Why this is never posted or obeyed: a reason, or NULL. That it has no sender
 * is the caller's to see. */
char const *listhead_automatic(char const *header, size_t len);
/* The same: it has been through this list. */
char const *listhead_loop(
	struct listset const *set, char const *header, size_t len);

/* What our check says in the first Authentication-Results of this host. header:
 * the lines that were added here, and no more: without a check nobody takes
 * away what claims to be ours. */
struct listhead_auth {
	bool is_there, has_passed, has_failed; /* DMARC */
	bool asks;     /* the author's domain says reject or quarantine */
	bool has_dkim; /* a signature of the author's domain was good */
};
struct listhead_auth listhead_auth(
	char const *hostname, char const *header, size_t len);

/* Append the address of the first author; false: there is none that one could
 * write to, or memory is out. */
bool listhead_author(stralloc *out, char const *header, size_t len);

/* Append a field's value on one line, decoded; nothing if there is none. False:
 * memory. */
bool listhead_text(stralloc *out, char const *header, size_t len,
	char const *name) __attribute__((warn_unused_result));

struct listhead {
	struct listset const *set;
	bool rewrites_from;
	bool leaves_unsubscribe; /* somebody else writes List-Unsubscribe */
	char const *boundary;	 /* the message becomes a part; or NULL */
};

/* Whether a posting gets a header under which a signature of its author breaks,
 * From aside. */
bool listhead_breaks(struct listset const *set, char const *header, size_t len);

/* The fields that a list puts in front of all it sends. CRLF. */
bool listhead_fields(stralloc *out, struct listset const *set,
	bool leaves_unsubscribe) __attribute__((warn_unused_result));

/* Append the header that a posting is sent with, CRLF, without the empty line.
 * header: the posting's, its empty line or not. False: memory. */
bool listhead_make(stralloc *out, struct listhead const *h, char const *header,
	size_t len) __attribute__((warn_unused_result));

#endif
