/*
 * textin.h - text of local programs as a message's lines
 *
 * Programs write LF, CRLF, now and then a bare CR (progress bars in the output
 * of cron jobs). A message has CRLF lines and nothing else of the kind: LF and
 * CRLF become CRLF; a bare CR becomes CRLF too, but a blank in the header,
 * where a line that a program took over unchecked would begin a field of its
 * own; NUL vanishes. Pure: no i/o, no allocation, linear time.
 */
#ifndef TEXTIN_H
#define TEXTIN_H

#include <stdbool.h>
#include <stddef.h>

enum textin_state {
	TEXTIN_START,  /* at the start of a line */
	TEXTIN_TEXT,   /* within one */
	TEXTIN_CR,     /* behind a CR */
	TEXTIN_DOT,    /* behind a dot at the start of a line */
	TEXTIN_DOT_CR, /* and a CR */
	TEXTIN_END     /* a lone dot has ended it */
};

struct textin {
	enum textin_state state;
	bool dot_ends; /* a line of one dot is the end */
	bool in_body;
	bool is_empty_line; /* nothing in this line so far */
	bool is_8bit;	    /* octets beyond ASCII have come */
};

void textin_init(struct textin *t, bool dot_ends);

/* Octets that may come out of len octets. */
#define TEXTIN_ROOM(len) (2 * (len) + 4)

/*
 * Turn s[0..len) into out, which has TEXTIN_ROOM(len) octets. Returns how many
 * were written. Nothing more comes out once the state is TEXTIN_END.
 */
size_t textin_push(struct textin *t, char const *s, size_t len, char *out);

/* The end of the input: finish the last line. out: TEXTIN_ROOM(0) octets. */
size_t textin_finish(struct textin *t, char *out);

#endif
