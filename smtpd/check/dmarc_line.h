/*
 * dmarc_line.h - a message in the data of aggregate reports (RFC 9990)
 *
 * One line a message whose author domain asks for reports, appended by check to
 * a text file and read by `kereru dmarc report`; dmarc-data(5) says what is in
 * it. Pure.
 */
#ifndef DMARC_LINE_H
#define DMARC_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "smtpd/check/mailauth.h"

/* Octets of a line, its LF included. */
#define DMARC_LINE_MAX 4096

/*
 * Write the line, with its LF, to be appended by one write.
 *
 * applied  what was done with the message by DMARC's rule
 * reason   why this is not what the domain asks for: local_policy,
 *          mailing_list, trusted_forwarder, other; "" where it is
 *
 * Returns its length, or 0: nothing is to be reported.
 */
size_t dmarc_line_make(struct mailauth_request const *request,
	struct mailauth_results const *results, enum dmarc_policy applied,
	char const *reason, char out[DMARC_LINE_MAX]);

/* Fields of a line, in their order. */
enum dmarc_field {
	DMARC_FIELD_DOMAIN,
	DMARC_FIELD_POLICY, /* p, sp, np, adkim, aspf, t, fo; slashes between */
	DMARC_FIELD_IP,
	DMARC_FIELD_DISPOSITION,
	DMARC_FIELD_DKIM,
	DMARC_FIELD_SPF,
	DMARC_FIELD_REASON,
	DMARC_FIELD_FROM,
	DMARC_FIELD_MAILFROM,
	DMARC_FIELD_SPFRESULT,
	DMARC_FIELD_SIGNATURES, /* domain/selector/result, commas between */
	DMARC_FIELD_RUA,
	DMARC_FIELDS
};

struct dmarc_line {
	uint64_t time;
	struct {
		char const *s;
		size_t len;
	} fields[DMARC_FIELDS];
};

/* Read s[0..len), without its LF. False: it is not such a line. */
bool dmarc_line_parse(char const *s, size_t len, struct dmarc_line *line_r)
	__attribute__((warn_unused_result));

#endif
