/*
 * databody.h - a message as DATA sends it (RFC 5321 2.3.8, 4.5.2)
 *
 * Doubles a dot at the start of a line and sees to the line ends. No bare CR or
 * LF and no NUL ever leaves: a bare LF becomes CRLF; a bare CR and a NUL are
 * dropped (the queue holds none, unless a dropper put them there). A pure
 * function over bytes, pushed in pieces.
 */
#ifndef DATABODY_H
#define DATABODY_H

#include <stdbool.h>
#include <stddef.h>

struct body {
	bool inside;  /* of a line: something of it was written */
	bool is_bare; /* dots are left as they are: what the host gets to see */
};
#define BODY_ZERO                                                              \
	{                                                                      \
		.inside = false                                                \
	}

/* Octets that body_push can make of len, and body_end of nothing. */
#define BODY_MOST(len) (2 * (len))
#define BODY_END_MOST 5

/* Encode s[0..len) into out; the octets written. */
size_t body_push(struct body *b, char const *s, size_t len, char *out);

/* End an unfinished line, and the data: `.` CRLF, unless is_bare. The octets
 * written. */
size_t body_end(struct body *b, char *out);

#endif
