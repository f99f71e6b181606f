/*
 * verp.h - a reverse-path for each recipient of a list
 *
 * What a list sends has the sender `LIST-bounces@DOMAIN`; the copy for `l@d`
 * goes under `LIST-bounces+l=d@DOMAIN`, so that what comes back tells by its
 * recipient whom it speaks of, whatever its text says. Also: the fields of
 * one-click unsubscribe (RFC 8058) that such a copy has in front. Pure
 * functions; nothing is secret in either, and nothing that comes back under
 * such a name proves anything.
 */
#ifndef VERP_H
#define VERP_H

#include <stdbool.h>
#include <stddef.h>
#include "common/addr.h"

#define VERP_SIZE (ADDR_PATH_MAX + 1)
/* Octets of the fields: the URL and its token (queuefile.h), an address with
 * each octet as three, names, a fold. */
#define VERP_FIELDS_MAX (512 + 3 * ADDR_PATH_MAX + 64)

/*
 * The reverse-path for a recipient, NUL-ended. Returns its length, or 0 if
 * there is none: one of the two is no address with a domain, the sender has a
 * quoted local part or a detail already, or it would be too long for a path;
 * then the sender itself must do.
 */
size_t verp_make(char const *sender, size_t sender_len, char const *recipient,
	size_t recipient_len, char out[VERP_SIZE]);

/*
 * The recipient out of the local part of such an address, all of it, e.g.
 * `list-bounces+l=d`, with or without quotes. NUL-ended; its length, or 0: it
 * is not of this form.
 */
size_t verp_read(char const *local, size_t len, char out[VERP_SIZE]);

/*
 * List-Unsubscribe and List-Unsubscribe-Post with CRLF, for url with token
 * behind it; the former also with the mailto of `LIST-unsubscribe@DOMAIN` if
 * the sender is `LIST-bounces@DOMAIN`. Returns their length.
 */
size_t verp_fields(char const *url, size_t url_len, char const *token,
	size_t token_len, char const *sender, size_t sender_len,
	char out[VERP_FIELDS_MAX]);

#endif
