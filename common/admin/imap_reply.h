/*
 * imap_reply.h - what an IMAP server says to a client (RFC 3501, 7)
 *
 * Whole responses, their literals in place ("* 1 FETCH (BODY[] {3}\r\nabc)"),
 * without the last CRLF; foreign input of any server. Pure, linear; results
 * point into the response.
 */
#ifndef IMAP_REPLY_H
#define IMAP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "imapd/lex.h"

struct imap_fetch {
	uint32_t uid; /* 0: it is not told */
	uint64_t size;
	bool has_date, has_flags;
	int64_t date;
	struct lex_text flags; /* "\Seen $Forwarded" */
	struct lex_text body;  /* s NULL: none */
};

/* "* 12 FETCH (...)", items in any order. False: it is another response. text:
 * len octets, see lex.h. */
bool imap_reply_fetch(char const *s, size_t len, char *text,
	struct imap_fetch *fetch_r) __attribute__((warn_unused_result));

struct imap_list {
	struct lex_text attributes; /* "\HasChildren \Sent" */
	char separator;		    /* NUL: none */
	struct lex_text name;
};

/* "* LIST (...) "/" name" */
bool imap_reply_list(char const *s, size_t len, char *text,
	struct imap_list *list_r) __attribute__((warn_unused_result));

/* "* NAMESPACE (("INBOX." ".")) ...": the first personal one. */
bool imap_reply_namespace(char const *s, size_t len, char *text,
	struct lex_text *prefix_r) __attribute__((warn_unused_result));

/* "* OK [UIDVALIDITY 12]" and "* 12 EXISTS". */
bool imap_reply_code(char const *s, size_t len, char const *code,
	uint32_t *number_r) __attribute__((warn_unused_result));
bool imap_reply_exists(char const *s, size_t len, uint32_t *number_r)
	__attribute__((warn_unused_result));

/* Is the word among those with blanks between? Without regard to case. */
bool imap_reply_has(struct lex_text const *words, char const *word);

#endif
