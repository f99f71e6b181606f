/*
 * front.h - what every front does alike
 *
 * A front is the process that meets the client before login: it is started by
 * the monitor, without any right, in an empty chroot. It speaks TLS (asking the
 * monitor for signatures), understands the few commands before login, hands
 * auth the SASL messages, and from then on moves octets between the client and
 * the mailbox program.
 *
 * Descriptors: 0 and 1 the client's socket, 2 the log, 3 the pair to the
 * monitor, 4 the public certificates, 5 settings.cdb. smtpd on port 25 is its
 * own front and has besides: 6 queue/tmp, 7 queue/new, 8 recipients.cdb, 9
 * queue/load. A mailbox program has 0 and 1 the pipes, 2, 5, and smtpd 6 to 9,
 * and its sessions with policy (10) and check (11), /dev/null where there is
 * none; imapd in place of policy a pair to the monitor, to ask for shared
 * mailboxes.
 */
#ifndef FRONT_H
#define FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include "common/stream.h"
#include "common/table.h"
#include "common/sandbox.h"
#include "common/monitor/login.h"
#include "common/monitor/request.h"

#define FRONT_PAIR_FD 3
#define FRONT_CERTIFICATES_FD 4
#define FRONT_SETTINGS_FD 5
#define FRONT_TMP_FD 6
#define FRONT_NEW_FD 7
#define FRONT_RECIPIENTS_FD 8
#define FRONT_LOAD_FD 9
#define FRONT_POLICY_FD 10
#define FRONT_CHECK_FD 11
/* Of imapd, which has neither of them. */
#define FRONT_ATTACH_FD FRONT_POLICY_FD

struct front {
	struct stream stream;
	struct table settings;
	char const *hostname; /* ours, from the settings */
	char const *client;   /* the client's address, as text */
	unsigned client_port;
	bool has_certificates; /* TLS can be offered */
	bool implicit_tls;     /* the handshake comes first */
	bool is_tls;
	unsigned failed_logins;
	int auth_fd; /* the session with auth; 0: none yet */
};

/*
 * Options of every front, and of smtpd on port 25: -a ADDRESS -p PORT of the
 * client, -T for implicit TLS. Opens the log, the settings and the stream, maps
 * the certificates; settings or certificates that are missing leave the
 * defaults, and no TLS. alpn: see common/tls.h. SIGTERM makes the next wait for
 * input end (stream.stop). Exits 100 on wrong usage. f is static.
 */
void front_init(struct front *f, char const *name, int argc,
	char const *const *argv, char const *alpn, int timeout_ms);

/* Close the sandbox; front_handshake does the rest of front_ready. For those
 * who have something to read before the handshake. */
void front_seal(enum sandbox_filter filter);
void front_handshake(struct front *f);

/* Close the sandbox; then, with implicit TLS, do the handshake: exits if it
 * fails. */
void front_ready(struct front *f, enum sandbox_filter filter);

/* The handshake now (STARTTLS, STLS), pending output sent first. False
 * (logged): give the connection up. */
bool front_start_tls(struct front *f) __attribute__((warn_unused_result));

/*
 * One step of a login: asks auth, and the monitor for the mailbox program.
 * On REQUEST_OK pipes_r[0] is to write to it and pipes_r[1] to read from it;
 * nothing more can be asked then. On REQUEST_GO_ON challenge has auth's
 * message, of *challenge_len octets. Counts what was denied in failed_logins.
 * Wipes nothing of the caller's. When auth or the monitor is gone, or the
 * message too long, it is REQUEST_LATER.
 */
enum request_verdict front_login_step(struct front *f,
	struct login_step const *step, char challenge[LOGIN_CHALLENGE_MAX],
	size_t *challenge_len, int pipes_r[2])
	__attribute__((warn_unused_result));

/* The one step of PLAIN (authzid NUL authcid NUL password). */
enum request_verdict front_login(struct front *f, char const *sasl, size_t len,
	int pipes_r[2]) __attribute__((warn_unused_result));

/*
 * Ask the client to answer a challenge, which is base64; its answer, decoded,
 * goes to out. 1; 0 it has cancelled, or what came was malformed (answered); -1
 * it has gone.
 */
typedef int front_ask(void *data, char const *challenge, char *out, size_t max,
	size_t *len_r);

/* A mechanism of front_exchange, by the name that clients give. NULL: there is
 * none, or it is not offered: SCRAM-SHA-256 is where auth has the passwords,
 * OAUTHBEARER where there is a program for it. */
struct front_mechanism {
	char const *name;
	size_t message_max; /* of what the client sends */
};
struct front_mechanism const *front_mechanism(
	struct front const *f, char const *name, size_t len);

/*
 * A whole login by a mechanism that auth knows (not PLAIN). len octets of
 * message, which has room for the mechanism's message_max and is wiped, are the
 * client's initial response. 1: *verdict_r, never REQUEST_GO_ON, with pipes_r
 * as front_login_step; 0 and -1 as ask.
 */
int front_exchange(struct front *f, struct front_mechanism const *mechanism,
	char *message, size_t len, front_ask *ask, void *data,
	enum request_verdict *verdict_r, int pipes_r[2])
	__attribute__((warn_unused_result));

/* What is offered besides PLAIN, each with before in front: ` AUTH=X AUTH=Y`.
 * The strongest first. */
void front_say_mechanisms(struct front *f, char const *before);

/*
 * Tell the monitor, before all else, that the peer is a balancer, which speaks
 * for the client of this address (as inet_ntop writes it). False: that one has
 * too many connections already, or the monitor is gone.
 */
bool front_tell_peer(char const *address) __attribute__((warn_unused_result));

/* Ask for a session with check or policy: the caller's descriptor, or -1 when
 * there is none to be had now. */
int front_open(enum request_kind kind) __attribute__((warn_unused_result));

/* Move octets until either side ends (input that was read already first,
 * pending output too); then exit. */
void front_move(struct front *f, int const pipes[2]) __attribute__((noreturn));

/* base64 of one SASL line, in at most max octets. False: malformed. */
bool front_base64(char const *s, size_t len, char *out, size_t max,
	size_t *len_r) __attribute__((warn_unused_result));

#endif
