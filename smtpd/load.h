/*
 * load.h - what the queue's manager says of its disk and its work
 *
 * queue/load (kereru-queue(5)), open on FRONT_LOAD_FD. What is missing or
 * malformed says nothing: there is room then.
 */
#ifndef SMTP_LOAD_H
#define SMTP_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/addr.h"

/* Files behind before intake is slowed, and how long at most for a message. */
#define SMTP_LOAD_BEHIND 2000
#define SMTP_LOAD_WAIT_MAX_MS 2000

struct smtp_load {
	bool is_full;	/* nothing may be taken */
	bool is_scarce; /* less than usual */
	uint64_t behind;
};

/* Pure. */
bool smtp_load_parse(char const *s, size_t len, struct smtp_load *load_r)
	__attribute__((warn_unused_result));

/* How long the sender of a message waits. Pure. */
int smtp_load_wait_ms(struct smtp_load const *load);

/* As it is now. */
void smtp_load_read(struct smtp_load *load_r);
bool smtp_load_is_full(void);

/* Whether a mailbox has no room (common/fullbox.h). */
bool smtp_load_mailbox_is_full(struct addr const *a);

#endif
