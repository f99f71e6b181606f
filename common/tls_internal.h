/*
 * tls_internal.h - what the files of common/tls.h share
 *
 * tls_io.c: the engine under a stream. tls_server.c, tls_client.c: making an
 * engine. tls_certificates.c: reading our chains. tls_move.c: both directions
 * at once.
 */
#ifndef TLS_INTERNAL_H
#define TLS_INTERNAL_H

#include <bearssl.h>
#include "common/stream.h"
#include "common/tls.h"

struct tls {
	br_ssl_engine_context *engine;
	char const *description;
};

/*
 * Set what server and client have in common: TLS 1.2 alone, our suites, the
 * hashes of their PRFs, AEADs, elliptic curves, full-duplex buffers, flags.
 * The engine is fresh (br_ssl_*_zero); the caller resets it afterwards.
 */
void tls_setup(br_ssl_engine_context *engine, uint32_t flags);

/* The handshake, within s->timeout_ms as a whole; then s->layer is TLS. */
bool tls_handshake(struct stream *s, br_ssl_engine_context *engine)
	__attribute__((warn_unused_result));

/* Refuse octets that came before the handshake; sends pending output. */
bool tls_may_start(struct stream *s) __attribute__((warn_unused_result));

/*
 * One attempt to move records between engine and socket; the engine must be in
 * the state for it (BR_SSL_SENDREC, BR_SSL_RECVREC). 1 moved some, 0 the peer
 * has closed (receive only), -1 errno (EAGAIN).
 */
int tls_send_record(struct stream *s, br_ssl_engine_context *engine);
int tls_receive_record(struct stream *s, br_ssl_engine_context *engine);

/* Nothing is under way: give the pages of the buffers back to the kernel, where
 * they read as zero at the next use. False: the engine is busy. */
bool tls_give_back(br_ssl_engine_context *engine);

struct tls_certificates {
	size_t count;
	struct tls_certificate {
		char key_type; /* 'E' or 'R' */
		int curve;     /* of an 'E' key; set by tls_server.c */
		size_t chain_len;
		br_x509_certificate chain[TLS_CHAIN_MAX];
	} list[TLS_CERTIFICATES_MAX];
};

/* Parse the file that tls.h describes; pointers go into s. */
bool tls_certificates_parse(
	unsigned char *s, size_t len, struct tls_certificates *certificates_r)
	__attribute__((warn_unused_result));

#endif
