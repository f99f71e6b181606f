/*
 * request.h - what goes between a monitor, its fronts, and who helps them
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

/* Octets of a mailbox's address, of a hash and a signature. */
#define REQUEST_MAILBOX_MAX 320
#define REQUEST_HASH_MAX 64
#define REQUEST_SIGNATURE_MAX 512
#define REQUEST_FRAME_MAX 2048
/* Octets of a peer's address. */
#define REQUEST_PEER_LEN 16
/* Octets of the client's address as text, and of a service's name. */
#define REQUEST_CLIENT_MAX 64
#define REQUEST_SERVICE_MAX 16
/* Signatures, and sessions with others, that one connection may ask for. */
#define REQUEST_SIGNS_MAX 2
#define REQUEST_OPENS_MAX 24

enum request_kind {
	REQUEST_SIGN = 'S',
	REQUEST_AUTH = 'A',   /* a session with auth, to log in */
	REQUEST_CHECK = 'C',  /* with check */
	REQUEST_POLICY = 'P', /* with policy */
	REQUEST_PEER = 'R',   /* a balancer has told who the client is */
};

/* Of REQUEST_SIGN: key_type 'E' or 'R', algorithm a TLS HashAlgorithm of 4
 * (SHA-256), 5, 6 (RFC 5246 7.4.1.4.1), as BearSSL's ids, and a hash of its
 * exact length. Of REQUEST_PEER, which comes once and before all others: in
 * place of the hash the address, IPv4 as v4-mapped. Nothing of the others. */
struct request {
	enum request_kind kind;
	uint8_t key_index, key_type, algorithm;
	char const *hash;
	size_t hash_len;
};

/* What a front hears, for all but signatures: one octet. */
enum request_verdict {
	REQUEST_OK = 'o',     /* with descriptors: the session's; or, when auth
			       * has let the client in, two: to write to the
			       * mailbox program, and to read from it */
	REQUEST_LATER = 'l',  /* not to be had now; of REQUEST_PEER: that
			       * client has too many connections already */
	REQUEST_DENIED = 'd', /* auth's: wrong name or password */
	REQUEST_GO_ON = 'c'   /* auth's: its challenge comes along */
};

/* Encoders give the frame's length, or 0 if it does not fit or breaks the form
 * that the decoder demands. Decoders point into the frame; false: malformed. */
size_t request_encode(char *s, size_t max, struct request const *r);
bool request_decode(char const *s, size_t len, struct request *r_r)
	__attribute__((warn_unused_result));

/* A signature; empty: refused. */
size_t request_signature_encode(
	char *s, size_t max, unsigned char const *signature, size_t len);
bool request_signature_decode(char const *s, size_t len,
	unsigned char const **signature_r, size_t *len_r)
	__attribute__((warn_unused_result));

/*
 * monitor -> template: fork a front; comes with its six descriptors: socket,
 * pair, certs, settings.cdb, recipients.cdb, queue/load (/dev/null where the
 * service has none). For TEMPLATE_TERM and TEMPLATE_KILL, and as the template's
 * own word that a front is gone, the ticket alone.
 */
enum template_kind {
	TEMPLATE_FORK = 'n',
	TEMPLATE_TERM = 't', /* it shall end soon */
	TEMPLATE_KILL = 'k',
	TEMPLATE_GONE = 'g'
};
#define TEMPLATE_FDS 6
struct template_order {
	enum template_kind kind;
	uint32_t ticket;
	bool implicit_tls;
	uint16_t port;
	char const *client; /* the address as text; empty but for a fork */
	size_t client_len;
};
size_t template_encode(char *s, size_t max, enum template_kind kind,
	uint32_t ticket, bool implicit_tls, uint16_t port, char const *client);
bool template_decode(char const *s, size_t len, struct template_order *o_r)
	__attribute__((warn_unused_result));

/*
 * monitor -> auth, check, policy: a session; comes with its pair and a table:
 * passwords.cdb for auth, settings.cdb for the others. The mailbox is empty
 * before login. is_listed: the client's network is in the networks table.
 */
struct role_session {
	uint32_t ticket;
	char const *service, *client, *mailbox;
	size_t service_len, client_len, mailbox_len;
	bool is_listed;
};
size_t role_session_encode(char *s, size_t max, uint32_t ticket,
	char const *service, char const *client, char const *mailbox,
	size_t mailbox_len, bool is_listed);
bool role_session_decode(char const *s, size_t len,
	struct role_session *session_r) __attribute__((warn_unused_result));

/* auth -> monitor: the client of a session is let into a mailbox. */
size_t request_admit_encode(char *s, size_t max, uint32_t ticket,
	char const *mailbox, size_t mailbox_len);
bool request_admit_decode(char const *s, size_t len, uint32_t *ticket_r,
	char const **mailbox_r, size_t *mailbox_len_r)
	__attribute__((warn_unused_result));

#endif
