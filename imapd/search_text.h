/*
 * search_text.h - does a message hold a string? (RFC 3501, 6.4.4)
 *
 * Substrings without regard to case, in what a reader sees: headers with their
 * encoded words decoded, text parts with encoding and character set decoded,
 * and the headers of messages in the message.
 */
#ifndef SEARCH_TEXT_H
#define SEARCH_TEXT_H

#include "imapd/content.h"

/*
 * needle is folded (fold.h). 1 yes, 0 no, -1 failed (errno).
 */

/* In a field of that name in a header; an empty needle: is there such a field?
 */
int search_text_field(char const *header, size_t header_len, char const *name,
	size_t name_len, char const *needle, size_t len)
	__attribute__((warn_unused_result));

int search_text_body(struct content *c, char const *needle, size_t len)
	__attribute__((warn_unused_result));

/* In the header or the body. */
int search_text_all(struct content *c, char const *needle, size_t len)
	__attribute__((warn_unused_result));

/*
 * Hear what is searched: decoded, folded text, in pieces. Nothing is found
 * across the end of a unit, which is a field of a header or a part of the
 * body. False: enough.
 */
typedef bool search_text_hear(
	void *arg, char const *s, size_t len, bool in_body, bool unit_ends);

enum search_text_what { SEARCH_TEXT_ALL, SEARCH_TEXT_BODY };

/* 1 it was enough, 0 all is told, -1 failed (errno). */
int search_text_walk(struct content *c, enum search_text_what what,
	search_text_hear *hear, void *arg) __attribute__((warn_unused_result));

/* Give the buffers back: after the last message. */
void search_text_release(void);

#endif
