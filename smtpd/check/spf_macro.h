/*
 * spf_macro.h - macros in SPF records and explanations (RFC 7208 7)
 *
 * Pure: values come from the caller, %{p} too.
 */
#ifndef SPF_MACRO_H
#define SPF_MACRO_H

#include <stdbool.h>
#include <stddef.h>

/* What a text has to be (RFC 7208 7.1). */
#define SPF_MACRO_STRING 0u /* macro-string */
#define SPF_MACRO_DOMAIN 1u /* domain-spec */
/* explain-string: spaces too, and the letters c, r and t. */
#define SPF_MACRO_EXPLAIN 2u

/* All NUL-ended. */
struct spf_macro_values {
	char const *sender, *local, *sender_domain, *domain;
	char const *dotted;   /* %{i} */
	char const *readable; /* %{c} */
	char const *name;     /* %{p}; "unknown" where there is none */
	char const *helo, *receiver, *now;
	bool is_ipv6;
};

bool spf_macro_valid(char const *s, size_t len, unsigned form);

/* Whether a valid text has the macro letter (lower case), either case. */
bool spf_macro_uses(char const *s, size_t len, char letter);

/*
 * Expand a valid text into out, NUL-ended. Returns the length, or -1 if it is
 * longer than max - 1. Of a domain longer than 253 the caller cuts off labels:
 * see spf_macro_shorten.
 */
long spf_macro_expand(char const *s, size_t len,
	struct spf_macro_values const *values, char *out, size_t max);

/* Remove labels from the left until no more than 253 octets are left (RFC 7208
 * 7.3). Returns where the rest begins. */
char const *spf_macro_shorten(char const *domain, size_t len);

#endif
