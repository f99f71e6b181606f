/*
 * addr.h - SMTP mailboxes and paths (RFC 5321 4.1.2, 4.1.3; RFC 6531 3.3)
 *
 * Pure functions over bytes: no allocation, no DNS. Addresses in message
 * headers are mime/address.h's.
 */
#ifndef ADDR_H
#define ADDR_H

#include <stdbool.h>
#include <stddef.h>

/* RFC 5321 4.5.3.1: octets of a local part, a domain, a path. */
#define ADDR_LOCAL_MAX 64
#define ADDR_DOMAIN_MAX 255
#define ADDR_PATH_MAX 254

#define ADDR_ALLOW_EMPTY 1u	 /* the null reverse-path `<>` */
#define ADDR_ALLOW_POSTMASTER 2u /* `<Postmaster>` without a domain (4.5.1) */
#define ADDR_ALLOW_UTF8 4u	 /* SMTPUTF8 was asked for (RFC 6531) */
/* A local part of more than 64 octets, as lists and bounce trackers make them
 * (RFC 5321 4.5.3.1: "no limits" where possible); the path bounds it. */
#define ADDR_ALLOW_LONG 8u
/* `_` in the host name of HELO, which PCs send as they are named. */
#define ADDR_ALLOW_UNDERSCORE 16u

enum addr_error {
	ADDR_ERR_SYNTAX = 1,
	ADDR_ERR_LOCALPART,
	ADDR_ERR_DOMAIN,
	ADDR_ERR_LENGTH,
	ADDR_ERR_UTF8 /* not ASCII, and ADDR_ALLOW_UTF8 is not set */
};

struct addr {
	char const *local; /* as written, quotes kept */
	size_t local_len;
	char const *domain; /* empty for `<>` and `<Postmaster>` */
	size_t domain_len;
	char const *whole; /* local@domain, without brackets or source route */
	size_t whole_len;
	bool is_literal; /* the domain is an address literal, `[192.0.2.1]` */
};

/*
 * Parse the path at the start of s[0..len), e.g. `<user@example.org>`; a source
 * route (`<@a,@b:user@c>`) is skipped (RFC 5321 appendix C).
 *
 * used_r  octets consumed, so that the caller can go on to the parameters
 * err_r   set on failure only
 */
bool addr_parse_path(char const *s, size_t len, unsigned flags,
	struct addr *addr_r, size_t *used_r, enum addr_error *err_r)
	__attribute__((warn_unused_result));

/* Parse all of s[0..len) as local@domain without brackets. */
bool addr_parse(char const *s, size_t len, unsigned flags, struct addr *addr_r,
	enum addr_error *err_r) __attribute__((warn_unused_result));

char const *addr_strerror(enum addr_error e);

/*
 * The form under which tables hold an address: quotes removed where they are
 * not needed, everything in lower case, the domain's trailing dot removed.
 * Returns the length, or 0 if it exceeds max or a is empty.
 */
#define ADDR_KEY_MAX (ADDR_LOCAL_MAX + 1 + ADDR_DOMAIN_MAX)
size_t addr_key(struct addr const *a, char *key, size_t max);

/*
 * A key without its detail (RFC 5233): `user+detail@domain` becomes
 * `user@domain`, in place. Returns the new length, or 0 if it has none: no `+`,
 * nothing in front of it, or a quoted local part.
 */
size_t addr_key_base(char *key, size_t len);

/* Whether s is a host name (letters, digits, hyphens, dots; labels of at most
 * 63) or an address literal, as HELO and EHLO take them. */
bool addr_is_domain(char const *s, size_t len, unsigned flags);

#endif
