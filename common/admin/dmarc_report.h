/*
 * dmarc_report.h - aggregate reports out of collected lines (RFC 9990)
 *
 * Reads the data that check appended, joins messages that are alike into rows,
 * and writes one XML report for each domain that asked. Sending is not done
 * here.
 */
#ifndef DMARC_REPORT_H
#define DMARC_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "smtpd/check/dmarc_line.h"

struct dmarc_report {
	char const *organization, *email, *host; /* who reports */
	uint64_t begin, end;	  /* seconds; messages in [begin, end] */
	struct dmarc_line *lines; /* sorted by domain, then alike together */
	size_t count;
	size_t bad; /* lines that could not be read */
};

/* Take the lines of s[0..len), which must stay. False: no memory.
 * dmarc_report_free in both cases. */
bool dmarc_report_read(struct dmarc_report *r, char const *s, size_t len)
	__attribute__((warn_unused_result));
void dmarc_report_free(struct dmarc_report *r);

/* The lines of one domain: [*at, *end_r); *at is 0 at first. False: no more. */
bool dmarc_report_next(struct dmarc_report const *r, size_t *at, size_t *end_r);

/* Write the report over the lines [at, end) of one domain. */
void dmarc_report_write(
	struct dmarc_report const *r, size_t at, size_t end, FILE *out);

/* The line that holds the domain's record as seen last. */
struct dmarc_line const *dmarc_report_newest(
	struct dmarc_report const *r, size_t at, size_t end);

#endif
