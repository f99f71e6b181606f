/*
 * transaction.h - what MAIL and RCPT have said (RFC 5321 3.3)
 */
#ifndef SMTP_TRANSACTION_H
#define SMTP_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>
#include "common/addr.h"
#include "common/drop.h"
#include "smtpd/command.h"

struct smtp_transaction {
	char sender[ADDR_PATH_MAX + 1];
	size_t sender_len;
	unsigned flags; /* QUEUEFILE_* */
	bool is_binary; /* BODY=BINARYMIME */
	char ret;	/* as in queuefile.h */
	char envid[QUEUEFILE_ENVID_MAX];
	size_t envid_len;
	int priority;
	uint64_t hold_until; /* seconds since 1970; 0: at once */
	uint64_t deliver_by; /* the same; 0: no matter when */
	char by_mode;
	bool by_trace;
	uint64_t size;	 /* declared */
	stralloc to;	 /* recipients, each NUL-ended */
	stralloc wishes; /* of each: an octet of notify, orcpt, NUL */
	size_t to_count;
	size_t refused_count;
};

/* Forget all but the memory. */
void smtp_transaction_reset(struct smtp_transaction *t);

/* Take over what MAIL said, now (seconds since 1970). */
void smtp_transaction_mail(
	struct smtp_transaction *t, struct smtp_path const *path, uint64_t now);

/* Add a recipient. False: no memory. */
bool smtp_transaction_rcpt(struct smtp_transaction *t, struct addr const *a,
	struct smtp_parameters const *p) __attribute__((warn_unused_result));

/*
 * Fill in an envelope that points into t, recipients included; those are
 * allocated, the caller frees envelope->recipients. False: no memory.
 */
bool smtp_transaction_envelope(struct smtp_transaction const *t,
	struct drop_envelope *envelope) __attribute__((warn_unused_result));

#endif
