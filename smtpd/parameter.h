/*
 * parameter.h - what may stand behind the path of MAIL and RCPT
 *
 * Each extension's own words and limits (its RFC stands beside it). Pure
 * functions: no i/o, no allocation, no clock.
 */
#ifndef SMTP_PARAMETER_H
#define SMTP_PARAMETER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum smtp_body { SMTP_BODY_7BIT, SMTP_BODY_8BITMIME, SMTP_BODY_BINARYMIME };

/* Which are known, and which were given; bits. */
#define SMTP_PARAMETER_SIZE 1u	      /* RFC 1870 */
#define SMTP_PARAMETER_BODY 2u	      /* RFC 6152, RFC 3030 */
#define SMTP_PARAMETER_AUTH 4u	      /* RFC 4954 5; checked and forgotten */
#define SMTP_PARAMETER_UTF8 8u	      /* RFC 6531 3.4 */
#define SMTP_PARAMETER_RET 16u	      /* RFC 3461 4.3 */
#define SMTP_PARAMETER_ENVID 32u      /* RFC 3461 4.4 */
#define SMTP_PARAMETER_NOTIFY 64u     /* RFC 3461 4.1 */
#define SMTP_PARAMETER_ORCPT 128u     /* RFC 3461 4.2 */
#define SMTP_PARAMETER_BY 256u	      /* RFC 2852 4 */
#define SMTP_PARAMETER_HOLD 512u      /* RFC 4865 5: HOLDFOR or HOLDUNTIL */
#define SMTP_PARAMETER_TLS 1024u      /* RFC 8689 4.1: REQUIRETLS */
#define SMTP_PARAMETER_PRIORITY 2048u /* RFC 6710 4 */

struct smtp_parameters {
	unsigned given;
	uint64_t size;
	enum smtp_body body;
	char ret;	   /* 'F' or 'H' */
	char const *envid; /* xtext as given */
	size_t envid_len;
	unsigned notify;   /* QUEUEFILE_NOTIFY_* */
	char const *orcpt; /* `type;xtext` as given */
	size_t orcpt_len;
	int32_t by_seconds; /* from now; negative: the time is past */
	char by_mode;	    /* 'R' or 'N' */
	bool by_trace;
	uint64_t hold_for;   /* seconds; 0: hold_until */
	uint64_t hold_until; /* seconds since 1970 */
	int priority;
};

enum smtp_parameter_error {
	SMTP_PARAMETER_UNKNOWN = 1, /* 555 (RFC 5321 4.1.1.11) */
	SMTP_PARAMETER_VALUE	    /* malformed, or given twice */
};

/*
 * Parse one parameter, s[0..len) without blanks, into *p (zeroed at first).
 * known: SMTP_PARAMETER_*. *error_r is set on failure.
 */
bool smtp_parameter_parse(char const *s, size_t len, unsigned known,
	struct smtp_parameters *p, enum smtp_parameter_error *error_r)
	__attribute__((warn_unused_result));

/* Seconds since 1970 of `2026-11-25T10:00:00Z` (RFC 3339, UTC alone). */
bool smtp_parameter_time(char const *s, size_t len, uint64_t *seconds_r)
	__attribute__((warn_unused_result));

/* Whether s is xtext (RFC 3461 4) of printable ASCII. */
bool smtp_parameter_is_xtext(char const *s, size_t len);

#endif
