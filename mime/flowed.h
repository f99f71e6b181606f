/*
 * flowed.h - format=flowed, decoded (RFC 3676)
 *
 * Takes text/plain in pieces and joins the lines that a writer broke: a line
 * that ends in a blank goes on in the next of the same quote depth, unless it
 * is the mark of a signature. Quote marks come out as ">>> ". Lines end as
 * they came in for the last of a paragraph, LF or CRLF.
 */
#ifndef MIME_FLOWED_H
#define MIME_FLOWED_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

struct flowed {
	bool delete_space; /* DelSp=yes: the blank was not in the text */
	bool open;	   /* the line before goes on */
	size_t depth;	   /* its quote marks */
	stralloc line;	   /* of the line that has not ended */
};

/* Append what s[0..len) makes certain to out. False: memory is out. */
bool flowed_push(struct flowed *f, char const *s, size_t len, stralloc *out)
	__attribute__((warn_unused_result));

/* The last line, if it had no end. Frees what f holds. */
bool flowed_finish(struct flowed *f, stralloc *out)
	__attribute__((warn_unused_result));

#endif
