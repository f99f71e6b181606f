/*
 * dsn_read.h - what a delivery report says (RFC 3464), as others write it
 *
 * For probes and lists: which recipients a bounce speaks of, and with which
 * status. Pure and linear: results point into the caller's bytes; nothing is
 * allocated or trusted. A report whose second part is encoded is not read.
 */
#ifndef DSN_READ_H
#define DSN_READ_H

#include <stdbool.h>
#include <stddef.h>

#define DSN_READ_STATUS_MAX 11

struct dsn_recipient {
	/* Without its type: `bob@example.org`; may be empty. */
	char const *address;
	size_t address_len;
	/* `failed`, `delayed`, ... as it was written; may be empty. */
	char const *action;
	size_t action_len;
	/* Class.subject.detail (RFC 3463): of the diagnostic code if it has
	 * one, for it says more than many a Status; if all else is n.0.0, of
	 * the text for people (of a single recipient, the last reply there);
	 * NUL-ended, empty if there is none. */
	char status[DSN_READ_STATUS_MAX + 1];
};

/*
 * Read the message s[0..len). recipients[0..max) is the caller's; what exceeds
 * it is left out. Returns how many; 0 too if this is no delivery report.
 */
size_t dsn_read(char const *s, size_t len, struct dsn_recipient *recipients,
	size_t max);

#endif
