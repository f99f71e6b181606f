/*
 * dmarc_record.h - reading a DMARC policy record (RFC 9989 4.7, 4.8)
 *
 * Pure. Unknown tags are skipped, values that cannot be read have their
 * defaults, and what was taken out of the standard (pct, rf, ri) is ignored.
 */
#ifndef DMARC_RECORD_H
#define DMARC_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#define DMARC_URIS_MAX 1024

enum dmarc_policy {
	DMARC_POLICY_NONE,
	DMARC_POLICY_QUARANTINE,
	DMARC_POLICY_REJECT
};

struct dmarc_record {
	bool exists;
	enum dmarc_policy p, sp, np; /* sp and np with their defaults */
	bool has_sp, has_np;
	bool strict_dkim, strict_spf; /* adkim=s, aspf=s */
	bool testing;		      /* t=y */
	char psd;		      /* y, n or u */
	char fo[16];
	/* rua and ruf as they stand, NUL-ended; cut at a comma if too long. */
	char rua[DMARC_URIS_MAX], ruf[DMARC_URIS_MAX];
	/* The p tag is not one of the three, or sp or np are there and are not:
	 * with an rua that has a URI such a record counts as p=none, else it
	 * asks for nothing at all (RFC 9989 4.10.1). */
	bool damaged;
};

/* Whether s[0..len) is a DMARC record at all: begins with v=DMARC1. */
bool dmarc_record_is(char const *s, size_t len);

/* Read a record for which dmarc_record_is is true. False: not a tag list. */
bool dmarc_record_parse(char const *s, size_t len,
	struct dmarc_record *record_r) __attribute__((warn_unused_result));

#endif
