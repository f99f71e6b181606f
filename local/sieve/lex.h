/*
 * lex.h - the words of a Sieve script (RFC 5228, 8.1)
 *
 * A cursor over a whole script, with CRLF or LF line ends. Comments and blanks
 * are passed over. Pure, linear, nothing is allocated: a string is given as it
 * stands in the script, and brought into its own form by sieve_lex_string.
 */
#ifndef SIEVE_LEX_H
#define SIEVE_LEX_H

#include <stddef.h>
#include <stdint.h>

enum sieve_token {
	SIEVE_END,
	SIEVE_WORD,
	SIEVE_TAG, /* s is behind the colon */
	SIEVE_NUMBER,
	SIEVE_QUOTED,
	SIEVE_LINES, /* text: */
	SIEVE_MARK,  /* s[0] is one of ; , ( ) [ ] { } */
	SIEVE_BAD    /* why says what is wrong; nothing comes behind it */
};

struct sieve_lex {
	char const *text;
	size_t text_len, pos;
	unsigned line;	       /* of the token, from 1 */
	unsigned lines_inside; /* line ends in the token */
	enum sieve_token token;
	char const *s; /* of a string: what stands in it, raw */
	size_t len;
	uint64_t number;
	char const *why;
};

/* Start, and take the first token. */
void sieve_lex_init(struct sieve_lex *l, char const *s, size_t len);

/* Take the next token. */
void sieve_lex_next(struct sieve_lex *l);

/* The string of the token: backslashes or dots taken off. out: at least l->len
 * octets. Returns the octets written. */
size_t sieve_lex_string(struct sieve_lex const *l, char *out);

#endif
