/*
 * data.h - the octets behind DATA and BDAT (RFC 5321 4.1.1.4, 4.5.2; RFC 3030)
 *
 * Finds the end of the message, undoes dot-stuffing, and notices what no
 * message may hold. Only CRLF.CRLF ends data (and `.` CRLF at its very start):
 * a dot behind a bare LF or a bare CR ends nothing, since servers that disagree
 * about the end can be made to see a second message (SMTP smuggling). A message
 * with a bare CR, a bare LF or a NUL (RFC 5321 2.3.8, 4.1.1.4; RFC 5322 2.2)
 * is flawed: it is read to its true end and then refused.
 *
 * Pure: no i/o, no allocation, linear time, a state of a few octets.
 */
#ifndef SMTP_DATA_H
#define SMTP_DATA_H

#include <stdbool.h>
#include <stddef.h>

#define SMTP_DATA_BARE_CR 1u
#define SMTP_DATA_BARE_LF 2u
#define SMTP_DATA_NUL 4u

enum smtp_data_state {
	SMTP_DATA_START,  /* at the start of a line */
	SMTP_DATA_TEXT,	  /* within a line */
	SMTP_DATA_CR,	  /* behind a CR */
	SMTP_DATA_DOT,	  /* behind a dot at the start of a line */
	SMTP_DATA_DOT_CR, /* and a CR behind it */
	SMTP_DATA_END
};

struct smtp_data {
	enum smtp_data_state state;
	unsigned flaws; /* SMTP_DATA_*; sticky */
	size_t column;	/* octets of the line so far */
	size_t longest; /* of all lines, their ends not included */
};
#define SMTP_DATA_ZERO                                                         \
	{                                                                      \
		SMTP_DATA_START, 0, 0, 0                                       \
	}

/*
 * Take in octets of s[0..len), until the text that belongs to the message stops
 * being contiguous. span_r[0..span_len_r) lies in s and is the next piece of
 * the message; it may be empty. With flaws, spans still hold all octets but a
 * bare CR behind a dot that starts a line.
 *
 * Returns how many octets were eaten, at least one if len > 0. Call again with
 * the rest until all is eaten or the state is SMTP_DATA_END; what is left then
 * are the client's next commands.
 */
size_t smtp_data_push(struct smtp_data *d, char const *s, size_t len,
	char const **span_r, size_t *span_len_r);

/*
 * The same for octets of a BDAT chunk, where a dot means nothing and the end is
 * known: all of s is part of the message. In the end the state is
 * SMTP_DATA_START if the last line had its CRLF, or nothing came.
 */
void smtp_data_chunk(struct smtp_data *d, char const *s, size_t len);

#endif
