/*
 * context.h - searches whose results are kept up to date: RETURN (UPDATE)
 * (RFC 5267, 4.3)
 *
 * Of a context the program, the tag and the UIDs of the results are kept. When
 * the session tells what has changed, those messages that have changed are
 * asked of the program again. Of sorted results the order is kept besides, and
 * places in it are told. There is one session in a process, and its contexts
 * are here.
 */
#ifndef CONTEXT_H
#define CONTEXT_H

#include "imapd/search_run.h"
#include "imapd/sort_args.h"

/* More are refused, and so are programs that name messages by number, or are
 * larger than this. */
#define CONTEXTS_MAX 8
#define CONTEXT_KEYS_MAX 64
#define CONTEXT_TEXT_MAX 8192

/* Does the tag name a context? */
bool context_has(struct lex_text const *tag);

/*
 * Keep the program of q, whose results are found, up to date under the tag of
 * s->command, or tell that it is refused (4.3.1).
 *
 * criteria  what the results are sorted by; NULL: they are in the mailbox's
 *           order
 */
void context_add(struct session *s, struct search const *q,
	struct search_found const *found, struct sort_args const *criteria);

/* End a context; false: there is none of that tag. */
bool context_cancel(struct lex_text const *tag);

/* The mailbox is not selected any more. */
void context_clear(void);

/* Before EXPUNGE is told: results that are gone. */
void context_tell_gone(struct session *s);

/* Behind FETCH and EXISTS: results that have come or do not match any more. */
void context_tell(struct session *s);

#endif
