/*
 * security.h - what a session must be like before mail goes over it
 *
 * One host's demands, put together from the table, DANE, MTA-STS and what the
 * message asks for, and how they were met. Makes no connection and asks nobody:
 * deliver.c finds out what is demanded, client.c keeps to it.
 */
#ifndef SECURITY_H
#define SECURITY_H

#include <stdbool.h>
#include <stddef.h>
#include "common/tls_anchors.h"
#include "common/tls_chain.h"
#include "remote/tlsa.h"
#include "remote/tlspolicy.h"
#include "remote/tlsrpt.h"

#define SECURITY_NAMES_MAX (TLSPOLICY_NAMES_MAX + 2)

enum security_need {
	SECURITY_MAY = 0, /* TLS where it is offered (RFC 7435) */
	SECURITY_CLEAR,	  /* never */
	SECURITY_MUST	  /* always */
};

/* How a certificate is judged. */
enum security_judge {
	SECURITY_ANY = 0, /* not at all */
	SECURITY_ANCHORS, /* by authorities; for one of names */
	SECURITY_TLSA,
	SECURITY_PINS
};

struct security {
	enum security_need need;
	enum security_judge judge;
	/* What does not hold is noted, and the mail goes all the same. */
	bool is_lenient;
	/* Who asks for it, for people; static text, NULL: nobody. */
	char const *whose;
	enum tlsrpt_policy policy;
	/* For SNI; "": none is sent. */
	char sni[DNS_NAME_SIZE];
	char const *names[SECURITY_NAMES_MAX]; /* somebody else's */
	size_t name_count;
	struct tlsa_set const *tlsa;
	struct tlspolicy const *pins;
	struct tls_anchors const *anchors;
	/* How it went. */
	bool is_verified; /* by what judge says */
	enum tlsrpt_result result;
	char const *why; /* a failure, for people; static text, or NULL */
};

/* Nothing is demanded of this host. */
void security_init(struct security *s, char const *host,
	struct tls_anchors const *anchors);

/* A certificate for one of the names of the entry, or for host. */
void security_from_table(
	struct security *s, struct tlspolicy const *policy, char const *host);

/* A certificate for name by the authorities, whoever asks for it. */
void security_verify(struct security *s, char const *name, char const *whose);

/* A tls_judge_function; data is a struct security. */
bool security_judge(void *data, struct tls_chain const *chain);

/* Note a failure; the first one stays. True: the mail goes all the same. why
 * may be NULL. */
bool security_fails(
	struct security *s, enum tlsrpt_result result, char const *why);

#endif
