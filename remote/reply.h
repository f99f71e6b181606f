/*
 * reply.h - SMTP replies as a client reads them (RFC 5321 4.2; RFC 2034)
 *
 * Pure functions over bytes. What a server says is foreign: its code counts
 * only if the whole reply has the form of one, and its text is cleaned before
 * it goes anywhere.
 */
#ifndef REPLY_H
#define REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of the cleaned text that are kept, and lines of a reply. */
#define REPLY_TEXT_MAX 300
#define REPLY_LINES_MAX 200

struct reply {
	unsigned code;
	/* RFC 3463, if the first line has one whose class fits the code. */
	bool has_enhanced;
	unsigned enhanced[3];
	/* Code, enhanced code and the text of all lines joined by blanks, in
	 * printable ASCII; an enhanced code that lines repeat stands once. */
	size_t text_len;
	char text[REPLY_TEXT_MAX + 1];
};

/*
 * Parse the reply at the start of s[0..len). *used_r is its octets. Lines may
 * end in LF alone.
 * 1 a reply; 0 it does not end within s; -1 this is no SMTP reply.
 */
int reply_parse(char const *s, size_t len, struct reply *reply_r,
	size_t *used_r) __attribute__((warn_unused_result));

/* Copy s[0..len) in printable ASCII ('?' for the rest) into text_r, at most max
 * octets and a NUL. The length. */
size_t reply_clean(char const *s, size_t len, char *text_r, size_t max);

/* What a server announced after EHLO. */
struct reply_ehlo {
	bool starttls, pipelining, size, eightbit, utf8;
	bool dsn, deliver_by, priority, requiretls;
	bool chunking, binary;
	bool auth_scram, auth_plain, auth_login; /* RFC 4954 */
	uint64_t size_max;			 /* 0: not told */
	/* The server's own name, cleaned; "" if it told none. */
	char name[256];
};

/* Read the announcements of a whole reply, s[0..used) of reply_parse. */
void reply_ehlo(char const *s, size_t used, struct reply_ehlo *ehlo_r);

#endif
