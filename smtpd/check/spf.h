/*
 * spf.h - Sender Policy Framework (RFC 7208), the evaluation
 *
 * check_host() with its limits: 10 terms that ask the DNS, 2 answers without
 * records, 10 names of an MX or PTR. Parsing of records is spf_record.h's,
 * macros are spf_macro.h's.
 */
#ifndef SPF_H
#define SPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/query.h"

/* RFC 7208 4.6.4. */
#define SPF_TERMS_MAX 10
#define SPF_VOID_MAX 2
#define SPF_NAMES_MAX 10
#define SPF_EXPLANATION_MAX 512

enum spf_code {
	SPF_NONE,
	SPF_NEUTRAL,
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_TEMPERROR,
	SPF_PERMERROR
};

/* The client, as network octets; an IPv4 address inside IPv6 is IPv4. */
struct spf_client {
	unsigned char octets[16];
	bool is_ipv6;
};

struct spf_request {
	struct spf_client client;
	char const *helo;     /* as given; may be empty */
	char const *sender;   /* of MAIL FROM, without brackets; "" is null */
	char const *receiver; /* our host name, for %{r} */
	uint64_t now;	      /* seconds, for %{t} */
	bool of_helo;	      /* check HELO's name (RFC 7208 2.3), not MAIL
				 FROM's domain (2.4) */
};

struct spf_result {
	enum spf_code code;
	char domain[DNS_NAME_SIZE]; /* that was checked; "" if there is none */
	/* Of SPF_FAIL, if the domain has one: printable ASCII. Foreign text. */
	char explanation[SPF_EXPLANATION_MAX];
	char const *why; /* of an error, for people; static text or NULL */
};

/* The address in text, as inet_pton takes it. */
bool spf_client_parse(char const *text, struct spf_client *client_r)
	__attribute__((warn_unused_result));

void spf_check(struct query *query, struct spf_request const *request,
	struct spf_result *result_r);

/* "pass" and so on, as RFC 8601 2.7.2 has them. */
char const *spf_name(enum spf_code code);

/*
 * For the caller of several checks: write the name whose TXT records
 * spf_check will ask for first into name_r, so that it can be asked together
 * with others. False: there is none.
 */
bool spf_first_name(struct spf_request const *request,
	char name_r[DNS_NAME_SIZE]) __attribute__((warn_unused_result));

#endif
