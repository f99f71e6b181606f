/*
 * tlsrpt_report.h - reports of TLS out of what sts has counted (RFC 8460 4)
 *
 * Reads a day's file, tlsrpt-data(5), joins lines that are alike, and writes
 * the JSON for one domain. No i/o but on the stream that it is given.
 */
#ifndef TLSRPT_REPORT_H
#define TLSRPT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum tlsrpt_field {
	TLSRPT_FIELD_POLICY,
	TLSRPT_FIELD_RESULT,
	TLSRPT_FIELD_DOMAIN,
	TLSRPT_FIELD_HOST,
	TLSRPT_FIELD_TO,
	TLSRPT_FIELD_FROM,
	TLSRPT_FIELD_WHY,
	TLSRPT_FIELDS
};

struct tlsrpt_piece {
	char const *s;
	size_t len;
};

struct tlsrpt_line {
	uint64_t count;
	struct tlsrpt_piece fields[TLSRPT_FIELDS];
};

struct tlsrpt_report {
	/* The caller's: who reports, about which day (YYYY-MM-DD). */
	char const *host, *day;
	struct tlsrpt_line *lines; /* by domain and policy, alike joined */
	size_t count;
	size_t bad; /* lines that could not be read */
};

/* A line without its LF. Pure; points into s. */
bool tlsrpt_line_parse(char const *s, size_t len, struct tlsrpt_line *line_r)
	__attribute__((warn_unused_result));

/* Take the lines of s[0..len), which must stay. False: no memory.
 * tlsrpt_report_free in both cases. */
bool tlsrpt_report_read(struct tlsrpt_report *r, char const *s, size_t len)
	__attribute__((warn_unused_result));
void tlsrpt_report_free(struct tlsrpt_report *r);

/* The sessions of a domain, good and bad. */
void tlsrpt_report_sum(struct tlsrpt_report const *r, char const *domain,
	uint64_t *good_r, uint64_t *bad_r);

/* Each domain once, with its sums, a line each. */
void tlsrpt_report_list(struct tlsrpt_report const *r, FILE *out);

/* The JSON. policy: the text of the domain's MTA-STS policy, or NULL. */
void tlsrpt_report_write(struct tlsrpt_report const *r, char const *domain,
	char const *policy, FILE *out);

#endif
