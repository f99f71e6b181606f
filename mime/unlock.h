/*
 * unlock.h - a message with what is encrypted in it decrypted, and what is
 * signed in it judged (RFC 1847, RFC 3156, RFC 8551, armored text)
 *
 * A signature is called good only if it fits, if all who stand in From are
 * addresses of its key of which that is certified, and if nothing else than
 * what it covers is shown as the message. All else is told too, and never so
 * called.
 *
 * Decrypted is what is all of the message, and what is a part of it only if
 * there is no HTML beside it, which could carry the secret away.
 */
#ifndef MIME_UNLOCK_H
#define MIME_UNLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include <skalibs/stralloc.h>

/* What is encrypted in what was decrypted, and so on. */
#define UNLOCK_LAYERS_MAX 8
/* Questions to GnuPG for one message: each starts a program. */
#define UNLOCK_QUESTIONS_MAX 32

struct unlock {
	/* Lines of text for people, each ended by LF, safe for a terminal. */
	stralloc report;
	/* Signatures of the whole message: good ones; those that fit a key of
	 * the sender's which nobody has certified; all others. */
	unsigned good, uncertified;
	unsigned bad; /* of the whole or of a part */
	unsigned decrypted, locked;

	/* How far it has gone, for unlock.c alone. */
	unsigned questions, layers;
	bool html;     /* there is HTML that is not encrypted */
	stralloc from; /* addresses, NUL-ended, lower case */
	int64_t date;
	bool date_known;
	stralloc protected; /* header of what was protected as a whole */
	bool use_protected;
};

/*
 * Append to out the message s[0..len) with what could be decrypted in the place
 * of what was encrypted; *u, all zero before, is filled. False only when memory
 * is out.
 */
bool unlock_message(struct unlock *u, char const *s, size_t len, stralloc *out)
	__attribute__((warn_unused_result));

void unlock_free(struct unlock *u);

#endif
