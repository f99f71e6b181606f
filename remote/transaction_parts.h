/*
 * transaction_parts.h - what the parts of transaction.c share, and nobody else
 */
#ifndef TRANSACTION_PARTS_H
#define TRANSACTION_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mime/reencode.h"
#include "remote/client.h"
#include "remote/transaction.h"

/* What is read, and sent, at once. */
#define TRANSACTION_BLOCK 32768u

/* Steps: MAIL, then a RCPT each, then DATA; without DATA where the message goes
 * by BDAT. */
struct transaction {
	struct client *c;
	struct job const *job;
	struct transaction_result *results;
	char *text; /* of CLIENT_TEMPORARY */
	size_t open[JOB_RECIPIENTS_MAX];
	bool accepted[JOB_RECIPIENTS_MAX]; /* of open */
	size_t open_count, accepted_count;
	bool mail_accepted, data_accepted;
	bool unwanted;	 /* MAIL was refused for now: the session must end */
	bool is_changed; /* the message is sent as seven makes it */
	bool is_chunk;	 /* it goes as it is, by BDAT (RFC 3030) */
	struct reencode *seven;
};

/* t->text is the result of open[i]; of those whose RCPT was accepted, or all.
 */
void transaction_settle(
	struct transaction *t, size_t i, enum job_status status);
void transaction_settle_many(
	struct transaction *t, bool all, enum job_status status);

/* transaction_fit.c */

/* What the host offers is enough, if need be for the message in another form
 * (t->is_changed). False: all are settled. */
bool transaction_fits(struct transaction *t, int fd);
/* The octets of the message as it is sent. False: too many to be counted. */
bool transaction_size(struct job const *job, uint64_t *size_r);
/* Read a part of the file in pieces. False: it can't be read whole. */
bool transaction_read(int fd, uint64_t offset, uint64_t len,
	bool (*take)(void *data, char const *s, size_t n), void *data);
/* RFC 2852 4: seconds that are left. */
int64_t transaction_seconds_left(struct job const *job);
/* RFC 8689 2, 5: over this session such a message may go. */
bool transaction_takes_requiretls(struct transaction const *t);

/* transaction_envelope.c: up to the reply to DATA. False: the session failed.
 */
bool transaction_envelope(struct transaction *t);

#endif
