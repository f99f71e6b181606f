/*
 * tls.h - TLS 1.2 over BearSSL, server and client, under a stream
 *
 * The only file that knows BearSSL. TLS 1.2, ECDHE with AES-GCM or ChaCha20.
 * A server's private key is not here: each signature is asked for through a
 * callback (the monitor holds the keys). One struct tls a process: it is
 * static, so that pages that no record reached are never allocated.
 */
#ifndef TLS_H
#define TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/stream.h"

/*
 * The public part of our certificates, made by `kereru compile` and passed as a
 * descriptor: big-endian u32 count; then for each u8 type ('E' EC P-256 or
 * P-384, 'R' RSA), u8 chain length, and for each certificate u32 length and
 * DER. The index of an entry is its key's index.
 */
#define TLS_CERTIFICATES_MAX 8
#define TLS_CHAIN_MAX 8

/* Longest signature (RSA-4096). */
#define TLS_SIGNATURE_MAX 512

/*
 * Sign hash with the key of this index. algorithm: BearSSL's TLS hash id
 * (br_sha256_ID, ...), key_type 'E' (ECDSA, ASN.1 form) or 'R' (PKCS#1 v1.5).
 * Returns the signature's length, 0 on failure.
 */
typedef size_t tls_sign_function(void *data, unsigned key_index, char key_type,
	int algorithm, unsigned char const *hash, size_t hash_len,
	unsigned char signature_r[TLS_SIGNATURE_MAX]);

struct tls_server_setup {
	int certificates_fd;
	tls_sign_function *sign;
	void *sign_data;
	char const *alpn; /* the one protocol name we accept if the client
			   * offers any ("imap", "pop3"), or NULL */
};

/* Map and check the certificates. Once, before the sandbox. errno: ENOENT if
 * there are none, EINVAL if they are malformed. */
bool tls_server_prepare(struct tls_server_setup const *setup)
	__attribute__((warn_unused_result));

/*
 * Do the server's handshake on s (flushed; nothing unread may be pending, else
 * EPROTO: octets behind STARTTLS are an injection). From then on the stream is
 * encrypted. False: the connection is of no more use, s->error.
 */
bool tls_server_start(struct stream *s) __attribute__((warn_unused_result));

enum tls_verify {
	TLS_VERIFY_NONE, /* encrypt only (opportunistic, RFC 7435) */
	/* The certificate must be the host's, and its chain lead to one of
	 * those that tls_client_trust was given. */
	TLS_VERIFY_ANCHORS
};

/* The authorities of TLS_VERIFY_ANCHORS; they stay the caller's. */
struct tls_anchors;
void tls_client_trust(struct tls_anchors const *anchors);

/* The client's handshake with server name `host` (SNI; NULL: none is sent).
 * Pending input fails as in tls_server_start: an answer to a command not yet
 * given. */
bool tls_client_start(struct stream *s, char const *host, enum tls_verify v)
	__attribute__((warn_unused_result));

/*
 * The same for a caller that judges the certificates itself, with all of the
 * handshake still to come: what is shown here may be somebody else's until
 * tls_client_start_judged has returned. False: the handshake fails.
 */
struct tls_chain;
typedef bool tls_judge_function(void *data, struct tls_chain const *chain);
bool tls_client_start_judged(struct stream *s, char const *host,
	tls_judge_function *judge, void *data)
	__attribute__((warn_unused_result));

/* "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256" for Received and logs. */
char const *tls_describe(struct stream const *s);

/* BearSSL's number for what went wrong (BR_ERR_*; 256 and 512 more than the
 * alert that was received, sent), for logs; 0 nothing. */
int tls_error(struct stream const *s);

/*
 * After login: move octets between the stream and two descriptors (to_fd gets
 * what the peer sends, unread input of the stream first; from_fd gives what the
 * peer gets) until either side ends, then close both and the stream. Both
 * directions at once, from one poll loop; buffers are given back to the kernel
 * when idle. Works for plain streams too.
 *
 * No time limit of its own while both sides live: the program behind the
 * descriptors has one. When the peer has ended, to_fd is closed and what the
 * program still says is sent on. When the program has ended, or s->stop is set,
 * what does not move for two seconds is given up.
 */
void tls_move(struct stream *s, int to_fd, int from_fd);

#endif
