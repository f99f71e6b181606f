/*
 * listtoken.h - words that a list gives out and knows again
 *
 * An HMAC under the list's key over what the word stands for, in lower-case
 * base32: it survives hosts that change the case of a local part, and stands in
 * a URL as it is. A word says nothing by itself: the list looks among what it
 * has (members, questions that are open, held postings) for the one that it was
 * made of. Pure.
 */
#ifndef LISTTOKEN_H
#define LISTTOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of a key, and of its file in hex. */
#define LISTTOKEN_KEY 32
/* Octets of a word: 160 bits. */
#define LISTTOKEN_LEN 32

enum listtoken_kind {
	LISTTOKEN_ASK = 'a',   /* a question: ACTION ADDRESS MODE ASKER */
	LISTTOKEN_HELD = 'h',  /* the id of a held posting */
	LISTTOKEN_LEAVE = 'l', /* a member, in lower case */
	LISTTOKEN_PROBE = 'p'  /* the same */
};

/* word_r is NUL-ended. expires is part of what it stands for; 0: never. s is
 * taken without regard to the case of ASCII letters. */
void listtoken_make(char word_r[LISTTOKEN_LEN + 1],
	unsigned char const key[LISTTOKEN_KEY], enum listtoken_kind kind,
	uint64_t expires, char const *s, size_t len);

/* Whether word[0..word_len), in whatever case, is that one; in the same time
 * whatever it is. */
bool listtoken_is(char const *word, size_t word_len,
	unsigned char const key[LISTTOKEN_KEY], enum listtoken_kind kind,
	uint64_t expires, char const *s, size_t len);

#endif
