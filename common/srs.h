/*
 * srs.h - senders rewritten for forwarding, and undone
 *
 * Who forwards a message sends it on under a domain of his own, or the hosts
 * that look at SPF refuse it; and what comes back to that sender must find its
 * way to the one who wrote. So the first address is kept in the new one, with a
 * day and a hash that nobody else can make (the Sender Rewriting Scheme, as it
 * is in use; no RFC has it):
 *
 *   SRS0=HASH=DAY=domain=local@own          written by somebody
 *   SRS1=HASH=host==HASH=DAY=domain=local@own   forwarded by host before
 *
 * A chain of forwarders gets no longer: a bounce goes from us to the first of
 * them. The hash is of HMAC-SHA256 over what follows, without regard to case,
 * which hosts on the way may change. Pure functions over octets.
 */
#ifndef SRS_H
#define SRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/addr.h"

#define SRS_KEY_LEN 32
/* An address is undone for so long. */
#define SRS_DAYS_MAX 21
/* Octets of what is made, with its NUL. */
#define SRS_ADDRESS_SIZE (ADDR_PATH_MAX + 1)

/* Whether a local part has the form, whoever made it. */
bool srs_is_form(char const *local, size_t len);

/*
 * The sender under which a message of `sender` is sent on by the domain own.
 * now: seconds since 1970. Returns its length; 0: it can't be rewritten (its
 * domain is no name, or it gets too long).
 */
size_t srs_forward(unsigned char const key[SRS_KEY_LEN], uint64_t now,
	struct addr const *sender, char const *own, char out[SRS_ADDRESS_SIZE]);

enum srs_verdict {
	SRS_FINE,
	SRS_FORGED, /* or of another form */
	SRS_EXPIRED
};

/* The address that local[0..len) at a domain of ours was made of. */
enum srs_verdict srs_reverse(unsigned char const key[SRS_KEY_LEN], uint64_t now,
	char const *local, size_t len, char out[SRS_ADDRESS_SIZE],
	size_t *len_r);

#endif
