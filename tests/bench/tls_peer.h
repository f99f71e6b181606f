/*
 * tls_peer.h - a TLS client for measuring: trusts any certificate
 *
 * Blocking, over BearSSL. One struct holds everything; nothing is freed but
 * by tls_peer_close. Any failure ends the program (peer_die).
 */
#ifndef TLS_PEER_H
#define TLS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <bearssl.h>

/* Takes the key of the first certificate, whoever signed it. */
struct tls_peer_trust {
	br_x509_class const *vtable;
	br_x509_decoder_context decoder;
	unsigned index;
};

struct tls_peer {
	int fd;
	br_ssl_client_context client;
	struct tls_peer_trust trust;
	br_sslio_context io;
	unsigned char buffer[BR_SSL_BUFSIZE_BIDI];
};

/* Connect and shake hands (implicit TLS). */
void tls_peer_open(struct tls_peer *p, char const *address, unsigned port);

/* Write all of s[0..len); it may wait for the next flush. */
void tls_peer_put(struct tls_peer *p, char const *s, size_t len);

/* Write all of s[0..len) and flush. */
void tls_peer_write(struct tls_peer *p, char const *s, size_t len);

/* At least one octet into s[0..len); never 0. */
size_t tls_peer_read(struct tls_peer *p, char *s, size_t len);

/* Close the socket without ceremony. */
void tls_peer_close(struct tls_peer *p);

#endif
