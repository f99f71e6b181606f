/*
 * queuefile.h - the form of a queue file (see doc/QUEUE.md)
 *
 * A queue file is an envelope in text, the message as received (CRLF lines),
 * and behind it the header lines that were known only afterwards; readers send
 * the added lines first, then the message. The envelope's numbers have fixed
 * widths, so that they are filled in or marked in place. Here: pure functions
 * that write an envelope into a caller's stralloc and parse one from bytes.
 * What a dropper wrote is foreign input: nothing in it is trusted.
 */
#ifndef QUEUEFILE_H
#define QUEUEFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>
#include "common/id.h"

/* Recipients of one queue file, and octets of its envelope; and of one with
 * QUEUEFILE_VERP. */
#define QUEUEFILE_RECIPIENTS_MAX 1000
#define QUEUEFILE_ENVELOPE_MAX (1536 * 1024)
#define QUEUEFILE_VERP_MAX 20000
#define QUEUEFILE_VERP_ENVELOPE_MAX (24 * 1024 * 1024)
/* Octets of a path without its angle brackets (RFC 5321 4.5.3.1.3). */
#define QUEUEFILE_ADDRESS_MAX 320
/* Octets of ENVID and of ORCPT as they were given (RFC 3461 4.2, 4.4). */
#define QUEUEFILE_ENVID_MAX 100
#define QUEUEFILE_ORCPT_MAX 500
/* Octets of the https URL to unsubscribe at, and of what is put behind it. */
#define QUEUEFILE_URL_MAX 300
#define QUEUEFILE_TOKEN_MAX 64
/* Octets of a command. */
#define QUEUEFILE_COMMAND_MAX 20000
/* Octets of `origin`, a text for people. */
#define QUEUEFILE_ORIGIN_MAX 200
/* Width of the field that keeps a recipient's last answer. */
#define QUEUEFILE_WHY_WIDTH 240

/* flags */
#define QUEUEFILE_8BIT 1u     /* BODY=8BITMIME was declared */
#define QUEUEFILE_UTF8 2u     /* SMTPUTF8 was asked for */
#define QUEUEFILE_EXPANDED 4u /* aliases are expanded: recipients are final */
#define QUEUEFILE_OWN 8u      /* the manager's own copy, with room for `why` */
#define QUEUEFILE_BINARY 16u  /* BODY=BINARYMIME (RFC 3030) */
#define QUEUEFILE_REQUIRETLS 32u /* RFC 8689 */
#define QUEUEFILE_JUNK 64u	 /* goes into the junk folder */
#define QUEUEFILE_COMMAND 128u	 /* no message: a command to the manager */
#define QUEUEFILE_DOUBLE 256u	 /* tells of a report that failed */
/* Sent on by a mailbox to which it came: its sender may be anybody's. */
#define QUEUEFILE_FORWARDED 512u
/* Each recipient is sent a reverse-path of its own: common/verp.h. */
#define QUEUEFILE_VERP 1024u
/* Held before its first delivery until somebody releases it. */
#define QUEUEFILE_HOLD 2048u

/* notify: when a recipient's sender wants to hear (RFC 3461 4.1); 0: not said,
 * which is failure, and delay as the manager likes */
#define QUEUEFILE_NOTIFY_NEVER 1u /* alone */
#define QUEUEFILE_NOTIFY_SUCCESS 2u
#define QUEUEFILE_NOTIFY_FAILURE 4u
#define QUEUEFILE_NOTIFY_DELAY 8u

/* DELIVERED, RELAYED, EXPANDED_TO and FAILED are owed a report; once that is
 * in the queue the first three become DONE, and FAILED becomes TOLD. */
enum queuefile_state {
	QUEUEFILE_TODO = '-',
	QUEUEFILE_DONE = '+',
	QUEUEFILE_DELIVERED = 'd',   /* DELIVERED, then DONE */
	QUEUEFILE_RELAYED = 'r',     /* to a host without DSN; then DONE */
	QUEUEFILE_EXPANDED_TO = 'e', /* an alias; then DONE */
	QUEUEFILE_FAILED = '!',
	QUEUEFILE_TOLD = 'x' /* FAILED, and reported */
};

struct queuefile_recipient {
	char const *address; /* without angle brackets */
	size_t address_len;
	enum queuefile_state state;
	size_t state_offset; /* of the state's octet in the file */
	unsigned notify;     /* QUEUEFILE_NOTIFY_* */
	char const *orcpt;   /* as given, `rfc822;xtext`; or NULL */
	size_t orcpt_len;
	char const *token; /* behind the URL to unsubscribe at; or NULL */
	size_t token_len;
	char const *why; /* last answer, only in the manager's own copy */
	size_t why_len;
	size_t why_offset; /* 0 if there is no such field */
};

struct queuefile {
	char id[ID_LEN + 1];
	uint64_t file_size; /* of the whole file: a shorter one is torn */
	uint64_t message_offset, message_len;
	uint64_t added_offset, added_len;
	uint64_t arrived; /* microseconds since 1970 */
	uint64_t next;	  /* seconds since 1970 of the next try, 0: now */
	uint64_t expires; /* seconds since 1970, 0: by the lifetime setting */
	uint32_t attempts;
	unsigned flags;
	int priority; /* MT-PRIORITY, -9 to 9 (RFC 6710) */
	/* RFC 2852: seconds since 1970, 0 none; 'R' return, 'N' notify */
	uint64_t deliver_by;
	char by_mode;
	bool by_trace;
	char ret;	   /* RFC 3461 4.3: 'F' full, 'H' headers, 0 not said */
	char const *envid; /* xtext as given, or NULL */
	size_t envid_len;
	/* With QUEUEFILE_VERP: what recipients with a token get as one-click
	 * unsubscribe (RFC 8058), or NULL. */
	char const *unsubscribe;
	size_t unsubscribe_len;
	char const *command; /* with QUEUEFILE_COMMAND: what to do, or NULL */
	size_t command_len;
	/* In the manager's own copy: not to be tried until somebody says so;
	 * its sender has been told that it is late. */
	bool held, warned;
	/* In a file that the manager wrote for another: whose that was. */
	bool has_dropper;
	uint32_t dropper;
	size_t marks_offset; /* of these two octets; 0: there is no room */
	char const *origin;  /* e.g. "smtp 192.0.2.1"; for people */
	size_t origin_len;
	char const *sender; /* reverse-path without brackets; may be empty */
	size_t sender_len;
	struct queuefile_recipient *recipients;
	size_t recipient_count;
	size_t next_offset, attempts_offset; /* where the digits stand */
	size_t envelope_len;
};

/*
 * What is not said (priority 0, no deliver_by, and so on) takes no line in the
 * file. Append the envelope in text to sa. Lengths and offsets that are not
 * known yet are written as 0 and filled in by writing the envelope anew: its
 * length depends on the strings and flags alone. Returns false if memory is
 * short or a string holds what an envelope can't (control characters, too
 * long).
 */
bool queuefile_format(stralloc *sa, struct queuefile const *q)
	__attribute__((warn_unused_result));

/*
 * Parse the envelope at the start of s[0..len). Everything points into s;
 * recipients[0..max) is the caller's and gets filled. Checks form, widths,
 * that offsets and lengths lie in file_size and do not overlap the envelope.
 *
 * Returns 1 parsed, 0 if the envelope does not end within s (read more, up to
 * QUEUEFILE_ENVELOPE_MAX, with QUEUEFILE_VERP _VERP_ENVELOPE_MAX), -1
 * malformed.
 */
int queuefile_parse(char const *s, size_t len,
	struct queuefile_recipient *recipients, size_t max,
	struct queuefile *q_r) __attribute__((warn_unused_result));

/* Digits of a fixed-width number, and the field of a reason, for marks. */
#define QUEUEFILE_DIGITS 20
void queuefile_digits(char out[QUEUEFILE_DIGITS], uint64_t n);
/* Pads with blanks; control and non-ASCII octets become '?'. */
void queuefile_why(char out[QUEUEFILE_WHY_WIDTH], char const *s, size_t len);

#endif
