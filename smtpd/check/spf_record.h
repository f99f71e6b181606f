/*
 * spf_record.h - reading an SPF record (RFC 7208 4.5, 4.6.1, 5, 6, 12)
 *
 * Pure: terms are taken from the record one by one; nothing is expanded or
 * asked here. A record is checked whole before any term is used (4.6).
 */
#ifndef SPF_RECORD_H
#define SPF_RECORD_H

#include <stdbool.h>
#include <stddef.h>

enum spf_kind {
	SPF_KIND_ALL,
	SPF_KIND_INCLUDE,
	SPF_KIND_A,
	SPF_KIND_MX,
	SPF_KIND_PTR,
	SPF_KIND_IP4,
	SPF_KIND_IP6,
	SPF_KIND_EXISTS,
	SPF_KIND_REDIRECT,
	SPF_KIND_EXP,
	SPF_KIND_OTHER /* a modifier that is not known */
};

struct spf_term {
	enum spf_kind kind;
	char qualifier; /* '+', '-', '?' or '~' */
	/* The domain-spec, unexpanded; len 0: none, the domain itself. */
	char const *spec;
	size_t spec_len;
	unsigned prefix4, prefix6; /* bits of the networks */
	unsigned char network[16]; /* of ip4 (4 octets) and ip6 */
};

/* Whether s[0..len) is an SPF record at all: `v=spf1` and a space or the end
 * (RFC 7208 4.5). */
bool spf_record_is(char const *s, size_t len);

/*
 * The next term behind *pos, which is 0 at first.
 * 1 *term_r is filled, 0 the end, -1 a syntax error.
 */
int spf_record_next(char const *s, size_t len, size_t *pos,
	struct spf_term *term_r) __attribute__((warn_unused_result));

/* Whether all of a record is well-formed, with redirect and exp at most once;
 * they are filled in (kind SPF_KIND_OTHER where there is none). */
bool spf_record_check(char const *s, size_t len, struct spf_term *redirect_r,
	struct spf_term *exp_r) __attribute__((warn_unused_result));

#endif
