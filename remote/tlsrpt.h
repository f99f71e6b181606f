/*
 * tlsrpt.h - how the TLS of a session went, in the words of RFC 8460 4.3
 */
#ifndef TLSRPT_H
#define TLSRPT_H

#include <stdbool.h>
#include <stddef.h>

/* Also in frames and in files of reports: the numbers stay. */
enum tlsrpt_result {
	TLSRPT_SUCCESS = 0,
	TLSRPT_STARTTLS_NOT_SUPPORTED = 1,
	TLSRPT_CERTIFICATE_HOST_MISMATCH = 2,
	TLSRPT_CERTIFICATE_EXPIRED = 3,
	TLSRPT_CERTIFICATE_NOT_TRUSTED = 4,
	TLSRPT_VALIDATION_FAILURE = 5,
	TLSRPT_TLSA_INVALID = 6,
	TLSRPT_DNSSEC_INVALID = 7,
	TLSRPT_DANE_REQUIRED = 8,
	TLSRPT_STS_POLICY_FETCH_ERROR = 9,
	TLSRPT_STS_POLICY_INVALID = 10,
	TLSRPT_STS_WEBPKI_INVALID = 11,
	TLSRPT_RESULTS
};

/* Whose policy it was that the session was measured by. */
enum tlsrpt_policy {
	TLSRPT_NO_POLICY = 'n',
	TLSRPT_TLSA = 'd',
	TLSRPT_STS = 's'
};

/* `starttls-not-supported`, ...; `success`. NULL: no such result. */
char const *tlsrpt_name(unsigned result);

/* `no-policy-found`, `tlsa`, `sts`. NULL: no such policy. */
char const *tlsrpt_policy_name(unsigned policy);

#endif
