/*
 * question.h - what auth is asked: who it is, from where, with which password
 * or token
 *
 * A question lives from its arrival until its answer; it holds a secret, and is
 * wiped whole (question_free) when it is free again.
 */
#ifndef QUESTION_H
#define QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sodium.h>
#include "common/apppass.h"
#include "common/scramkey.h"
#include "common/monitor/login.h"

enum question_state {
	QUESTION_FREE,
	QUESTION_WAITING, /* for a child */
	QUESTION_RUNNING
};

struct question {
	enum question_state state;
	int peer;	/* the session that asks; -1: it has gone */
	uint64_t since; /* milliseconds: its place in the line */
	int child_fd;	/* RUNNING: its end is the child's end */
	pid_t child;
	char *token;   /* OAUTHBEARER's, NUL-ended, of its own; or NULL */
	bool is_known; /* hash is the user's */
	/* The program whose password it is (apppass.h); empty: the user's own.
	 */
	char app[APPPASS_NAME_SIZE];
	size_t user_len, password_len, client_len, service_len;
	char user[REQUEST_MAILBOX_MAX];
	char client[64];
	char service[REQUEST_SERVICE_MAX];
	char password[LOGIN_MESSAGE_MAX + 1]; /* NUL-ended */
	char hash[crypto_pwhash_STRBYTES];    /* NUL-ended */
};

/*
 * Read s, a SASL PLAIN message (RFC 4616), into user and password of q, which
 * is zero there. The user becomes what tables hold: lower case, and
 * login_domain (may be "") behind a bare name. False: malformed, too long, or
 * no name.
 */
bool question_read(struct question *q, char const *s, size_t len,
	char const *login_domain) __attribute__((warn_unused_result));

/*
 * Read s, the message of OAUTHBEARER: token, and user, which may be empty. 1; 0
 * malformed; -1 no memory.
 */
int question_read_bearer(struct question *q, char const *s, size_t len,
	char const *login_domain) __attribute__((warn_unused_result));

/*
 * Whom the token belongs to, as its judge says it (a line; what is behind it is
 * nothing): the user becomes that one. False: it is no name, or another than
 * the client has asked for.
 */
bool question_set_owner(struct question *q, char const *s, size_t len,
	char const *login_domain) __attribute__((warn_unused_result));

/* Wipe all of it. */
void question_free(struct question *q);

/* The user alone, as question_read makes it. */
bool question_set_user(struct question *q, char const *s, size_t len,
	char const *login_domain) __attribute__((warn_unused_result));

/* Note where it came from, and for which service; what is too long is cut. */
void question_set_client(struct question *q, char const *s, size_t len,
	char const *service, size_t service_len);

/* Get the hash of the user's password, or, if what was told has the form of a
 * program's and is one, of that (not known for a service that it is not for),
 * if there is one, from passwords.cdb open on table_fd, which stays the
 * caller's. False: the table can't be read. */
bool question_find_hash(struct question *q, int table_fd)
	__attribute__((warn_unused_result));

/* The same for the user's keys for SCRAM: is_known tells whether *key_r has
 * them. */
bool question_find_keys(struct question *q, int table_fd,
	struct scramkey *key_r) __attribute__((warn_unused_result));

#endif
