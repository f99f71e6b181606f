/*
 * intake.h - a message on its way into the queue, by DATA or by BDAT
 *
 * From the first octet to the answer behind the last. What is wrong with a
 * message is remembered and told at its end; once it is lost its file is
 * removed at once, and the rest is read and forgotten.
 */
#ifndef SMTP_INTAKE_H
#define SMTP_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/drop.h"
#include "smtpd/data.h"
#include "smtpd/fields.h"
#include "smtpd/glance.h"
#include "smtpd/repair.h"
#include "smtpd/reply.h"

/* Received fields of a message that goes round in a loop. */
#define SMTP_HOPS_MAX 50

struct smtp_session;

struct smtp_intake {
	bool is_open;
	bool is_chunked; /* BDAT */
	struct smtp_data data;
	struct smtp_glance glance;
	struct smtp_fields fields;
	struct smtp_repair repair;
	uint64_t size;	 /* octets that have come */
	int error;	 /* of the queue, errno; 0: none */
	bool is_dropped; /* the file is gone already */
	/* The drop keeps pointers to these. */
	struct queuefile_recipient *recipients;
	char origin[QUEUEFILE_ORIGIN_MAX];
	struct drop drop;
};

/* Make the queue file of the transaction. False: answered, and logged. */
bool smtp_intake_begin(struct smtp_session *s, bool is_chunked)
	__attribute__((warn_unused_result));

/* The next piece, dot-stuffing undone; s->intake.data has seen it. */
void smtp_intake_take(struct smtp_session *s, char const *span, size_t len);

/* What is wrong with the message so far, or SMTP_R_QUEUED. */
enum smtp_reply smtp_intake_judge(struct smtp_session const *s);

/* The message is whole: judge, make it durable, answer. */
void smtp_intake_finish(struct smtp_session *s);

/* Give the message up, if there is one. */
void smtp_intake_abort(struct smtp_session *s);

/* Refuse what smtp_intake_judge says, with a log line. */
void smtp_intake_refuse(struct smtp_session *s, enum smtp_reply r);

#endif
