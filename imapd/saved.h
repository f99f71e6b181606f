/*
 * saved.h - the result that SEARCH RETURN (SAVE) keeps: `$` (RFC 5182)
 *
 * Kept as ranges of UIDs: what is expunged is not found any more, and no new
 * message gets a UID between those that were there. So it needs no care but
 * forgetting.
 */
#ifndef SAVED_H
#define SAVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imapd/mailbox.h"

struct saved_range {
	uint32_t first, last; /* UIDs */
};

struct saved {
	struct saved_range *v;
	size_t count;
};

/* Is the set `$`? */
#define SAVED_IS(set) ((set)->len == 1 && *(set)->s == '$')

/* Nothing is saved any more. */
void saved_clear(struct saved *saved);

/*
 * Save the messages found[0..count), indices that grow. False: memory; then
 * nothing is saved.
 */
bool saved_set(struct saved *saved, struct mailbox const *m,
	uint32_t const *found, size_t count)
	__attribute__((warn_unused_result));

/* Set the bits of those among the first exists messages that are saved. */
void saved_bits(struct saved const *saved, struct mailbox const *m,
	size_t exists, unsigned char *bits);

#endif
