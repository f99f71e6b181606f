/*
 * name.h - names and addresses in Sieve scripts
 *
 * What may stand for a mailbox, an address, a header field, a script. Pure.
 */
#ifndef SIEVE_NAME_H
#define SIEVE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include "common/addr.h"
#include "common/boxname.h"

/* With ".sieve" it is a file's name. */
#define SIEVE_NAME_SCRIPT_MAX (255 - 6)
#define SIEVE_NAME_FIELD_MAX 200
#define SIEVE_NAME_ADDRESS_MAX (ADDR_LOCAL_MAX + 1 + ADDR_DOMAIN_MAX)

/* A mailbox's name in UTF-8 (RFC 5228, 4.1), brought to the form that it has
 * on disk. name_r: BOXNAME_MAX + 1 octets. */
bool sieve_name_box(char const *s, size_t len, char *name_r)
	__attribute__((warn_unused_result));
bool sieve_name_mailbox(char const *s, size_t len);

/* One address (RFC 5228, 2.4.2.3: `a@b` or `Name <a@b>`); what is in front of
 * it is left out. address_r: SIEVE_NAME_ADDRESS_MAX octets. */
bool sieve_name_address_of(char const *s, size_t len, char *address_r,
	size_t *len_r) __attribute__((warn_unused_result));
bool sieve_name_address(char const *s, size_t len);

/* A list of mailboxes for From, in ASCII or UTF-8 on one line; the empty string
 * is none. */
bool sieve_name_from(char const *s, size_t len);

bool sieve_name_field(char const *s, size_t len);

/* A script's name: UTF-8 without slashes, controls and line separators (RFC
 * 5804, 1.6), no dot in front. */
bool sieve_name_script(char const *s, size_t len);

#endif
