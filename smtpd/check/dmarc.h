/*
 * dmarc.h - DMARC (RFC 9989): author domain, DNS tree walk, alignment, policy
 *
 * Nothing here needs a list of public suffixes: the organizational domain is
 * found by walking up the tree of names (RFC 9989 4.10), eight names at most.
 * What SPF and DKIM found out is the caller's to bring.
 */
#ifndef DMARC_H
#define DMARC_H

#include <stdbool.h>
#include <stddef.h>
#include "mime/dkim/dkim.h"
#include "smtpd/check/dmarc_record.h"
#include "common/query.h"
#include "smtpd/check/spf.h"

enum dmarc_code {
	DMARC_NONE, /* no record: DMARC has nothing to say */
	DMARC_PASS,
	DMARC_FAIL,
	DMARC_TEMPERROR,
	DMARC_PERMERROR /* no author domain, or several */
};

struct dmarc_result {
	enum dmarc_code code;
	char from[DNS_NAME_SIZE];	   /* author domain; "" if none */
	char policy_domain[DNS_NAME_SIZE]; /* whose record counts; or "" */
	char organization[DNS_NAME_SIZE];  /* of the author domain, if needed */
	bool dkim_aligned, spf_aligned;
	/* What the domain asks for mail that fails: p, sp or np as it applies,
	 * and the same when t=y has taken it one step down. */
	enum dmarc_policy policy, disposition;
	struct dmarc_record record; /* as published; zero without one */
	char const *why;	    /* of an error; static text */
};

/*
 * Judge. from: the author domain, see dmarc_author. spf: of MAIL FROM; NULL if
 * it was not checked. Sets all of *result_r.
 */
void dmarc_check(struct query *query, char const *from,
	struct spf_result const *spf, struct dkim_results const *dkim,
	struct dmarc_result *result_r);

/*
 * The author domain of a message's header s[0..len): the domain of the one
 * address in its one From field, lower case, in A-labels. Several addresses of
 * one domain are well; several domains, several fields or none are not, and
 * why_r tells it.
 */
bool dmarc_author(char const *s, size_t len, char domain_r[DNS_NAME_SIZE],
	char const **why_r) __attribute__((warn_unused_result));

/*
 * Names that dmarc_check will ask TXT records for, from the author domain up,
 * so that they can be asked together with others; at most DMARC_WALK_MAX.
 * Returns how many.
 */
#define DMARC_WALK_MAX 8
#define DMARC_NAME_SIZE (DNS_NAME_SIZE + 8)
size_t dmarc_walk(char const *domain, char names_r[][DMARC_NAME_SIZE]);

/* "none", "pass" and so on (RFC 8601 2.7); "none", "quarantine", "reject". */
char const *dmarc_name(enum dmarc_code code);
char const *dmarc_policy_name(enum dmarc_policy policy);

#endif
