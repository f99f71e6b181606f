/*
 * tls_names.h - the names that a certificate is for (RFC 5280 4.2.1.6)
 *
 * Only to choose among our own certificates by what a client asks for (SNI):
 * nothing is trusted for it. Pure function over DER, no allocation.
 */
#ifndef TLS_NAMES_H
#define TLS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the certificate has name (a host name) among the DNS names of its
 * subjectAltName; `*.` in front stands for one label (RFC 6125 6.4.3). What is
 * malformed has no names.
 */
bool tls_names_hold(unsigned char const *der, size_t len, char const *name);

#endif
