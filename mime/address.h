/*
 * address.h - addresses in header fields (RFC 5322, 3.4 and 4.4)
 *
 * Walks over an address list as From, To or Cc hold it: display names,
 * groups, comments, folds, quoted local parts, obsolete routes. Takes apart,
 * decodes nothing (encoded words: rfc2047.h). For SMTP paths see common/addr.h.
 *
 * What cannot be understood never stops the walk: pieces that are missing are
 * empty, junk up to the next comma is skipped or becomes a mailbox without a
 * host. Linear time; no allocation: the pieces are written to the caller's
 * buffer.
 */
#ifndef MIME_ADDRESS_H
#define MIME_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

enum address_kind {
	ADDRESS_MAILBOX,
	ADDRESS_GROUP_START, /* name is the group's */
	ADDRESS_GROUP_END
};

/* A piece of an address. s is NULL where there is none ("" is not none). */
struct address_text {
	char const *s;
	size_t len;
};

struct address {
	enum address_kind kind;
	struct address_text name;  /* display name, or the comment behind */
	struct address_text route; /* "@a,@b" (RFC 5322, 4.4), no colon */
	struct address_text local; /* unquoted: `a b` for `"a b"@x` */
	struct address_text host;
};

struct address_cursor {
	char const *s;
	size_t len;
	size_t pos;
	char *buf; /* the pieces of the address given last */
	size_t used;
	bool in_group;
};

/*
 * Start at the raw value s[0..len) of a field, folds included.
 * buf  at least ADDRESS_BUF(len) octets; it holds what address_next gives
 */
#define ADDRESS_BUF(len) ((len) + 1)
void address_init(
	struct address_cursor *c, char const *s, size_t len, char *buf);

/*
 * Give the next address.
 * Returns 1 with *address_r filled (valid until the next call), 0 at the end.
 */
int address_next(struct address_cursor *c, struct address *address_r)
	__attribute__((warn_unused_result));

#endif
