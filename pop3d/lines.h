/*
 * lines.h - a stored message as POP3 sends it (RFC 1939 3)
 *
 * A file of a maildir has LF ends; on the wire each line ends in CRLF, and one
 * that begins with a dot gets another. The same pass with no stuffing counts
 * the octets that LIST promises, so that the two cannot disagree. Pure.
 */
#ifndef POP3_LINES_H
#define POP3_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pop3_lines {
	void (*put)(void *data, char const *s, size_t len);
	void *data;
	bool stuff;   /* double dots at the start of lines */
	bool limited; /* TOP: end after body_left lines of the body */
	uint32_t body_left;
	/* within */
	unsigned line_octets; /* put of the current line; counted to 2 */
	bool is_body;
	bool last_cr;
	bool done;
};

/* Begin at the top of a message; set limited and body_left afterwards. */
void pop3_lines_start(struct pop3_lines *l,
	void (*put)(void *data, char const *s, size_t len), void *data,
	bool stuff);

/* The next piece of the file. False: enough has been put (TOP). */
bool pop3_lines_push(struct pop3_lines *l, char const *s, size_t len);

/* The end: a last line without its end gets one. */
void pop3_lines_end(struct pop3_lines *l);

#endif
