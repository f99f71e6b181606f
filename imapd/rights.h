/*
 * rights.h - what may be done with a mailbox (RFC 4314, 2.1)
 *
 * A set of rights is a number, a bit each. The obsolete rights are taken and
 * told as RFC 4314, 2.1.1 has it: "c" stands for k and x, "d" for e and t.
 * Pure.
 */
#ifndef RIGHTS_H
#define RIGHTS_H

#include <stdbool.h>
#include <stddef.h>

#define RIGHT_LOOKUP 1u	       /* l: LIST shows it */
#define RIGHT_READ 2u	       /* r: SELECT, STATUS */
#define RIGHT_SEEN 4u	       /* s: \Seen */
#define RIGHT_WRITE 8u	       /* w: all flags but \Seen and \Deleted */
#define RIGHT_INSERT 16u       /* i: APPEND, COPY into it */
#define RIGHT_POST 32u	       /* p: mail to its address; nobody asks */
#define RIGHT_CREATE 64u       /* k: mailboxes below it */
#define RIGHT_DELETE_BOX 128u  /* x: DELETE, RENAME */
#define RIGHT_DELETE 256u      /* t: \Deleted */
#define RIGHT_EXPUNGE 512u     /* e: EXPUNGE, and as a part of CLOSE */
#define RIGHT_ADMINISTER 1024u /* a: the rights of others */
#define RIGHTS_ALL 2047u

/* With any of these it is more than looking (5.2). */
#define RIGHTS_CHANGE                                                          \
	(RIGHT_SEEN | RIGHT_WRITE | RIGHT_INSERT | RIGHT_DELETE | RIGHT_EXPUNGE)
/* With any of these MYRIGHTS answers (4). */
#define RIGHTS_ANY                                                             \
	(RIGHT_LOOKUP | RIGHT_READ | RIGHT_INSERT | RIGHT_CREATE |             \
		RIGHT_DELETE_BOX | RIGHT_ADMINISTER)

/* Octets of all of them as text, with c, d and a NUL. */
#define RIGHTS_TEXT_MAX 14

/* False: not a right of ours. */
bool rights_parse(char const *s, size_t len, unsigned *rights_r)
	__attribute__((warn_unused_result));

/* As text, NUL-ended: as they are, to be read again; or for a client, with c
 * and d where they belong. */
void rights_plain(unsigned rights, char text_r[RIGHTS_TEXT_MAX]);
void rights_text(unsigned rights, char text_r[RIGHTS_TEXT_MAX]);

/* The flags (FLAG_* of flag_args.h) that may be set or cleared; keywords may if
 * RIGHT_WRITE is there. */
unsigned rights_flags(unsigned rights);

#endif
