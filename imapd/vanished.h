/*
 * vanished.h - UIDs that are not there any more (RFC 7162, 3.2.10)
 */
#ifndef VANISHED_H
#define VANISHED_H

#include "imapd/lex.h"
#include "imapd/mailbox.h"

/*
 * Append `* VANISHED (EARLIER) 41,43:116` and its line end: the UIDs of the set
 * (len 0: all that were given) that have gone since modseq. Nothing if there
 * are none. Where it is not remembered when they went, all that are missing.
 *
 * above  only those greater than this UID, in that case: 0, or what the client
 *        has shown to know
 *
 * False: memory is out.
 */
bool vanished_earlier(stralloc *out, struct mailbox const *m,
	struct lex_text const *set, uint64_t modseq, uint32_t above)
	__attribute__((warn_unused_result));

/* The greatest UID for which number and UID agree in two sets of the same size:
 * all up to there is known to the client. */
uint32_t vanished_known(struct mailbox const *m, struct lex_text const *numbers,
	struct lex_text const *uids);

/* Append "n" or "n:m", with a comma if there is something behind start. */
bool vanished_add_range(stralloc *out, size_t start, uint32_t first,
	uint32_t last) __attribute__((warn_unused_result));

#endif
