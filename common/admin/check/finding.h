/*
 * finding.h - what `kereru check` can find: every kind of fault, in one table
 *
 * A finding is a kind and a few words that it is about. The text around these,
 * and the command that mends it, stand in the table alone: a process that has
 * read foreign octets can choose a kind and words, but writes no command that
 * an administrator would paste. kereru-check(8) lists the kinds by their names.
 */
#ifndef FINDING_H
#define FINDING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum finding_weight { FINDING_WARNING = 1, FINDING_FAULT = 2 };

/* In the order of the table in finding_kinds.c. */
enum finding_kind {
	/* text */
	FIND_TEXT_FAULT,
	FIND_TEXT_WARNING,
	/* modes */
	FIND_SECRET_OPEN,
	FIND_TEXT_OPEN,
	FIND_PATH_MISSING,
	FIND_PATH_KIND,
	FIND_PATH_OWNER,
	FIND_PATH_MODE,
	FIND_MAILDIR_MISSING,
	FIND_MAILDIR_OWNER,
	FIND_MAILDIR_OPEN,
	FIND_PROGRAM_MISSING,
	FIND_PROGRAM_OPEN,
	FIND_SENDMAIL_RIGHTS,
	/* tables */
	FIND_TABLE_MISSING,
	FIND_TABLE_OLD,
	/* certificates */
	FIND_CERTIFICATE_NONE,
	FIND_CERTIFICATE_UNUSABLE,
	FIND_CERTIFICATE_EXPIRED,
	FIND_CERTIFICATE_EXPIRES,
	FIND_CERTIFICATE_EARLY,
	FIND_CERTIFICATE_NAME,
	FIND_CERTIFICATE_CHAIN,
	FIND_CERTIFICATE_UNUSED,
	/* relay */
	FIND_RELAY_OPEN,
	FIND_RELAY_WIDE,
	FIND_PROXY_OPEN,
	/* services */
	FIND_SUPERVISOR_DEAD,
	FIND_SERVICE_MISSING,
	FIND_SERVICE_OFF,
	FIND_SERVICE_DOWN,
	FIND_SERVICE_UNREADY,
	FIND_LOG_DOWN,
	FIND_PROCESS_UID,
	FIND_PROCESS_MISSING,
	FIND_PROCESS_OLD,
	/* ports */
	FIND_PORT_CLOSED,
	FIND_PORT_SILENT,
	/* disk */
	FIND_DISK_FULL,
	FIND_DISK_LOW,
	FIND_INODES_FULL,
	FIND_INODES_LOW,
	/* clock */
	FIND_CLOCK_BEHIND,
	/* ntp */
	FIND_CLOCK_ALONE,
	/* kernel */
	FIND_KERNEL_LANDLOCK,
	FIND_KERNEL_SECCOMP,
	FIND_KERNEL_LINKS,
	/* queue */
	FIND_QUEUE_TORN,
	FIND_QUEUE_FOREIGN,
	FIND_QUEUE_BAD,
	FIND_QUEUE_UNTAKEN,
	/* resolver */
	FIND_RESOLVER_SILENT,
	FIND_RESOLVER_FAR,
	FIND_RESOLVER_PLAIN,
	FIND_RESOLVER_BROKEN,
	FIND_RESOLVER_BOGUS,
	/* records */
	FIND_RECORD_MISSING,
	FIND_RECORD_OTHER,
	FIND_RECORD_UNKNOWN,
	/* reverse */
	FIND_HOST_NOWHERE,
	FIND_REVERSE_MISSING,
	FIND_REVERSE_ASTRAY,
	FIND_REVERSE_NAME,
	FIND_REVERSE_UNKNOWN,
	/* blocklists */
	FIND_BLOCKLISTED,
	/* outward */
	FIND_OUTWARD_CLOSED,
	FIND_OUTWARD_REFUSED,
	/* message */
	FIND_MESSAGE_NOBODY,
	FIND_MESSAGE_REFUSED,
	FIND_MESSAGE_LATE,
	FIND_MESSAGE_JUNK,
	FIND_MESSAGE_LOGIN,
	FIND_MESSAGE_IMAP,
	FIND_MESSAGE_POP3,
	FIND_MESSAGE_LEFT,
	/* of any section */
	FIND_UNEXAMINED,
	FINDING_KINDS
};

#define FINDING_SUBJECT 320
#define FINDING_WORD 1100
#define FINDING_WORDS 3

/* Goes over a pipe as it is. */
struct finding {
	uint32_t kind, line; /* line 0: none */
	char subject[FINDING_SUBJECT];
	char word[FINDING_WORDS][FINDING_WORD];
};

/*
 * In the texts {s} is the subject, {1} to {3} the words, {k} the command
 * `kereru` with its folder, {l} the line as an editor wants it; in mend those
 * are quoted for a shell where they need it.
 */
struct finding_text {
	char const *name, *section; /* section NULL: any */
	enum finding_weight weight;
	char const *what, *why, *mend;
};
extern struct finding_text const finding_texts[FINDING_KINDS];

/* Cut strings to their room, end them, and make what is not printable ASCII a
 * `?`. False: there is no such kind. */
bool finding_clean(struct finding *f) __attribute__((warn_unused_result));

struct finding_printer {
	FILE *out;
	char const *kereru; /* {k} */
	bool is_json;	    /* an object a line */
};
void finding_print(struct finding_printer const *p, char const *section,
	struct finding const *f);

#endif
