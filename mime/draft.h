/*
 * draft.h - from a draft to a message
 *
 * A draft is what a person writes: header fields in plain UTF-8, an empty
 * line, the text. Fields may be folded; a field without a value is left out.
 *
 *	From: Jörn <joern@example.org>
 *	To: a@example.org
 *	Subject: Grüße
 *	Attach: picture.png
 *
 *	Text.
 *
 * What becomes of it is plain ASCII, but for attached messages: encoded words
 * (RFC 2047), a body in an encoding that suits it (RFC 2045), and Date,
 * Message-ID and the MIME fields. Pure: files, time and chance are given.
 */
#ifndef MIME_DRAFT_H
#define MIME_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/stralloc.h>

/* Fields that name a file to attach, and one to attach as a message. */
#define DRAFT_ATTACH "attach"
#define DRAFT_ATTACH_MESSAGE "attach-message"

#define DRAFT_ATTACHMENTS_MAX 256

struct draft_attachment {
	char const *name; /* UTF-8, NUL-ended, without folders */
	char const *s;
	size_t len;
	bool message; /* message/rfc822, where it can be one */
};

struct draft {
	char const *s;
	size_t len;
	struct draft_attachment const *attachments;
	size_t attachments_count;
	uint64_t now;	      /* seconds since 1970, for Date */
	char const *id;	      /* for Message-ID, before the '@' */
	char const *boundary; /* nothing that any content has in it */
};

struct draft_error {
	size_t line;	  /* in the draft, from 1; 0: all of it */
	char const *what; /* NULL: memory is out (errno) */
};

/*
 * Append the message to out. Returns false with *e_r; out then holds rubbish.
 */
bool draft_compose(struct draft const *d, stralloc *out,
	struct draft_error *e_r) __attribute__((warn_unused_result));

#endif
