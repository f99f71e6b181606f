/*
 * text_token.h - the words of a text, as the text index has them
 *
 * A word is a run of letters, digits, `_` and octets of 0x80 or more. One
 * longer than TEXT_TOKEN_MAX is cut into pieces that overlap, so that each
 * stretch of TEXT_STRETCH octets of it is in one piece whole. The text is
 * folded (mime/fold.h) and may come in pieces. Pure.
 */
#ifndef TEXT_TOKEN_H
#define TEXT_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#define TEXT_TOKEN_MAX 64
#define TEXT_OVERLAP 32
#define TEXT_STRETCH (TEXT_TOKEN_MAX - TEXT_OVERLAP + 1)

typedef void text_token_take(void *arg, char const *s, size_t len);

struct text_token {
	text_token_take *take;
	void *arg;
	size_t len;
	char s[TEXT_TOKEN_MAX];
};

/* Hand the words of the next piece to take. */
void text_token_push(struct text_token *t, char const *s, size_t len);

/* The text is at its end, and so is its last word. */
void text_token_end(struct text_token *t);

/* More pieces of what is looked for than these are not asked of the index. */
#define TEXT_PIECES_MAX 16

/*
 * What the index is asked for a substring: all pieces have to be in a message
 * that holds it. exact: and if they are, it does hold it.
 */
struct text_query {
	struct text_piece {
		char const *s;
		size_t len;
		bool from_start, to_end; /* of a word */
	} v[TEXT_PIECES_MAX];
	size_t count; /* 0: nothing can be said of it */
	bool exact;
};

/* s is folded; the pieces point into it. */
void text_query_make(struct text_query *q, char const *s, size_t len);

#endif
