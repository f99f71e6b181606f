/*
 * request.h - what a front asks its monitor, and auth is asked
 *
 * Frames on SOCK_SEQPACKET pairs (common/wire.h); doc/PIPES.md shows them octet
 * by octet. The receiver checks all again; a malformed request ends that front,
 * never the monitor. Pure functions.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of a SASL message that is relayed (authzid NUL authcid NUL password),
 * of a mailbox's address, of a hash and a signature. */
#define REQUEST_SASL_MAX 1024
#define REQUEST_MAILBOX_MAX 320
#define REQUEST_HASH_MAX 64
#define REQUEST_SIGNATURE_MAX 512
#define REQUEST_FRAME_MAX 2048
/* Octets of the client's address as text, and of a service's name. */
#define REQUEST_CLIENT_MAX 64
#define REQUEST_SERVICE_MAX 16
/* Signatures that one connection may ask for. */
#define REQUEST_SIGNS_MAX 2

enum request_kind { REQUEST_SIGN = 'S', REQUEST_SASL = 'A' };

struct request {
	enum request_kind kind;
	/*
	 * REQUEST_SIGN: key_type 'E' or 'R', algorithm a TLS HashAlgorithm of
	 * 4 (SHA-256), 5, 6 (RFC 5246 7.4.1.4.1), as BearSSL's ids.
	 */
	uint8_t key_index, key_type, algorithm;
	/* REQUEST_SIGN: the hash, of its algorithm's exact length;
	 * REQUEST_SASL: a SASL PLAIN message, 1 to REQUEST_SASL_MAX octets */
	char const *data;
	size_t data_len;
};

enum request_verdict {
	REQUEST_OK = 'o',     /* logged in: two descriptors come along: to
			       * write to the mailbox program, to read from */
	REQUEST_DENIED = 'd', /* wrong name or password */
	REQUEST_LATER = 'l'   /* could not be judged, or not started */
};

/* Encoders give the frame's length, or 0 if it does not fit or breaks the form
 * that the decoder demands. Decoders point into the frame; false: malformed. */
size_t request_encode(char *s, size_t max, struct request const *r);
bool request_decode(char const *s, size_t len, struct request *r_r)
	__attribute__((warn_unused_result));

/* Answers: a signature (empty: refused), or a verdict and the mailbox (may be
 * empty, holds no control characters). */
size_t request_signature_encode(
	char *s, size_t max, unsigned char const *signature, size_t len);
bool request_signature_decode(char const *s, size_t len,
	unsigned char const **signature_r, size_t *len_r)
	__attribute__((warn_unused_result));
size_t request_verdict_encode(char *s, size_t max, enum request_verdict v,
	char const *mailbox, size_t mailbox_len);
bool request_verdict_decode(char const *s, size_t len,
	enum request_verdict *v_r, char const **mailbox_r,
	size_t *mailbox_len_r) __attribute__((warn_unused_result));

/* monitor <-> auth: the front's SASL message with a ticket, the client's
 * address and the service's name; comes with the password table's descriptor.
 * The answer is a ticket, a verdict and, with REQUEST_OK, the mailbox. */
struct auth_question {
	uint32_t ticket;
	char const *client;
	size_t client_len;
	char const *service;
	size_t service_len;
	char const *sasl;
	size_t sasl_len;
};
size_t auth_question_encode(char *s, size_t max, struct auth_question const *q);
bool auth_question_decode(char const *s, size_t len, struct auth_question *q_r)
	__attribute__((warn_unused_result));
size_t auth_answer_encode(char *s, size_t max, uint32_t ticket,
	enum request_verdict v, char const *mailbox, size_t mailbox_len);
bool auth_answer_decode(char const *s, size_t len, uint32_t *ticket_r,
	enum request_verdict *v_r, char const **mailbox_r,
	size_t *mailbox_len_r) __attribute__((warn_unused_result));

#endif
