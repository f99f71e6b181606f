/*
 * flags.h - flags of messages (RFC 3501, 2.3.2)
 */
#ifndef FLAGS_H
#define FLAGS_H

/* The system flags that a message file's name can hold. */
#define FLAG_ANSWERED 1u
#define FLAG_FLAGGED 2u
#define FLAG_DELETED 4u
#define FLAG_SEEN 8u
#define FLAG_DRAFT 16u
#define FLAG_COUNT 5

/* Keywords of a mailbox at most: one letter each, a to z, in a file's name. */
#define FLAG_KEYWORDS_MAX 26
/* Octets of a keyword's name. */
#define FLAG_KEYWORD_LEN 64

#endif
