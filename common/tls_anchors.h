/*
 * tls_anchors.h - the certificate authorities that a client trusts
 *
 * Read from a PEM file, such as the system's; what cannot be read in it is
 * passed over. They stay until the end of the program.
 */
#ifndef TLS_ANCHORS_H
#define TLS_ANCHORS_H

#include <stdbool.h>
#include <stddef.h>

#include <bearssl.h>

#define TLS_ANCHORS_SYSTEM "/etc/ssl/certs/ca-certificates.crt"

struct tls_anchors {
	br_x509_trust_anchor *list;
	size_t count;
};

/* Read s[0..len). False: memory is out, or there is none in it (EINVAL). */
bool tls_anchors_parse(struct tls_anchors *a, char const *s, size_t len)
	__attribute__((warn_unused_result));

#endif
