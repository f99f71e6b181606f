/*
 * preamble.h - what submit-front tells the smtpd behind it
 *
 * One netstring before the client's octets: the name of the client's last HELO
 * or EHLO, NUL, what TLS agreed on (tls_describe; empty: no TLS), NUL. Pure
 * functions; the receiver trusts neither form nor content.
 */
#ifndef SMTP_PREAMBLE_H
#define SMTP_PREAMBLE_H

#include <stdbool.h>
#include <stddef.h>

#define SMTP_HELO_MAX 255
#define SMTP_TLS_MAX 100
/* Octets of an address as text. */
#define SMTP_CLIENT_MAX 45
/* Three digits, a colon, two strings with their NULs, a comma. */
#define SMTP_PREAMBLE_MAX (3 + 1 + SMTP_HELO_MAX + 1 + SMTP_TLS_MAX + 1 + 1)

struct smtp_preamble {
	char helo[SMTP_HELO_MAX + 1];
	char tls[SMTP_TLS_MAX + 1];
};

/* Whether s is a name that HELO and EHLO may give: it ends up in header lines
 * and logs. */
bool smtp_helo_ok(char const *s, size_t len);

/* Take over what TLS agreed on; cut if too long. */
void smtp_preamble_set_tls(struct smtp_preamble *p, char const *tls);

/* Returns the length. */
size_t smtp_preamble_format(
	char out[SMTP_PREAMBLE_MAX], struct smtp_preamble const *p);

/*
 * 1 parsed, *used_r octets of s[0..len) are it; 0 it is not all there yet;
 * -1 malformed.
 */
int smtp_preamble_parse(char const *s, size_t len, struct smtp_preamble *p_r,
	size_t *used_r) __attribute__((warn_unused_result));

#endif
