/*
 * base_subject.h - what is left of a subject without Re:, Fwd: and the like
 * (RFC 5256, 2.1 and 5)
 *
 * Step (1), decoding, is the caller's; the rest is done here, in place. Pure,
 * linear.
 */
#ifndef BASE_SUBJECT_H
#define BASE_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Find the base subject of s[0..len), an unfolded and decoded subject. Tabs
 * become blanks and several blanks one in s, which is changed.
 *
 * start_r   where it starts in s
 * reply_r   a reply or a forward: something that says so was removed
 *
 * Returns its length.
 */
size_t base_subject(char *s, size_t len, size_t *start_r, bool *reply_r);

#endif
