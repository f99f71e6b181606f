/*
 * talk.h - what the test message is sent and read with
 *
 * Lines to a server and its answers: SMTP, POP3, IMAP. Pure of files and
 * rights; answers are foreign, and kept short.
 */
#ifndef TALK_H
#define TALK_H

#include <stdbool.h>
#include <stddef.h>
#include "common/stream.h"

/* Octets kept of an answer, with its NUL. */
#define TALK_ANSWER 400

/* The last line of an SMTP reply (RFC 5321 4.2); its code, 0: none came (then
 * errno). command NULL: the greeting. */
unsigned talk_smtp(
	struct stream *s, char const *command, char answer_r[TALK_ANSWER]);

/* POP3: true for +OK. */
bool talk_pop3(
	struct stream *s, char const *command, char answer_r[TALK_ANSWER]);

/*
 * IMAP: give the command `x command`, or none (NULL: the greeting alone is
 * read), and read up to its end. Untagged lines go to each, if there is one.
 * True for OK (or PREAUTH).
 */
bool talk_imap(struct stream *s, char const *command,
	void (*each)(void *data, char const *line, size_t len), void *data,
	char answer_r[TALK_ANSWER]);

#endif
