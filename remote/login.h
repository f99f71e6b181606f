/*
 * login.h - logging in at a host that mail is routed through (RFC 4954)
 *
 * Only over TLS: who opens the session sees to that. SCRAM-SHA-256 (RFC 7677)
 * where it is announced, and then nothing else: the host does not hear the
 * password, and has to prove that it knows its key. Else PLAIN (RFC 4616), else
 * LOGIN.
 */
#ifndef LOGIN_OUT_H
#define LOGIN_OUT_H

#include "remote/client.h"

/* Octets of a name and a password. */
#define LOGIN_OUT_MAX 255

struct login_out {
	char user[LOGIN_OUT_MAX + 1], password[LOGIN_OUT_MAX + 1];
};

/* A value of relay-logins.cdb: `USER NUL PASSWORD`. Pure. */
bool login_out_parse(char const *s, size_t len, struct login_out *login_r)
	__attribute__((warn_unused_result));

/*
 * Log in over an open session. What fails is temporary, also a wrong password:
 * it is for a person here to mend, and the mail waits; the session has ended,
 * text_r says why.
 */
enum client_status login_out(struct client *c, struct login_out const *login,
	char text_r[CLIENT_TEXT_SIZE]);

#endif
