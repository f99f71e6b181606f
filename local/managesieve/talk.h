/*
 * talk.h - what ManageSieve's two programs read and say alike (RFC 5804)
 */
#ifndef MANAGESIEVE_TALK_H
#define MANAGESIEVE_TALK_H

#include "common/stream.h"

/* A literal that is too large is read away up to this many octets; beyond, the
 * session ends. */
#define MANAGESIEVE_SKIP_MAX (16u << 20)

/*
 * Collect a command, or an answer, with its literals, without its last line
 * end: at most max octets. 1; 0 the peer has closed; -1, errno as of
 * stream_line (E2BIG: nothing more can be understood), or EMSGSIZE: it was too
 * long, and has been read away; its beginning is there.
 */
int talk_read(struct stream *s, char *buffer, size_t max, size_t *len_r)
	__attribute__((warn_unused_result));

/* A string, quoted if it can be, else a literal. */
void talk_string(struct stream *s, char const *text, size_t len);

/* A whole answer: OK, NO or BYE; code without its parentheses, or NULL; text
 * for people, or NULL. */
void talk_answer(struct stream *s, char const *status, char const *code,
	char const *text);

/* One line of a list: a name, and a value or NULL. */
void talk_pair(struct stream *s, char const *name, char const *value);

/* The capabilities that do not depend on the session (1.7). */
void talk_capabilities(struct stream *s);

/* NOOP (2.13). tag: NULL: none. */
void talk_noop(struct stream *s, char const *tag, size_t len);

#endif
