/*
 * dns.h - asking the resolver
 *
 * c-ares carries questions and replies (random ids and ports, repeats, TCP for
 * what is cut, several servers); dns_reply.c reads them. Blocking for the
 * caller, with a deadline, several questions at once. Everything that a
 * resolver could not tell (SERVFAIL, REFUSED, a timeout, a malformed reply) is
 * temporary and never "there is no such record".
 */
#ifndef DNS_H
#define DNS_H

#include <stdbool.h>
#include <stddef.h>
#include "common/dns_reply.h"

/* Questions of one dns_ask. */
#define DNS_QUESTIONS_MAX 16

struct dns {
	void *channel;
	size_t in_flight; /* questions that somebody waits for */
	/* Every server is on this host: only then is the AD bit believed (a
	 * reply that crossed a network could have got it on the way). */
	bool local;
};

enum dns_status {
	DNS_FOUND = 1, /* reply has records of the type asked for */
	DNS_NODATA,    /* the name exists, without such a record */
	DNS_NXDOMAIN,  /* the name does not exist */
	DNS_TEMPORARY  /* not known now */
};

struct dns_question {
	char const *name; /* NUL-ended, the caller's */
	enum dns_type type;
	/* The answer. */
	enum dns_status status;
	char const *why; /* of DNS_TEMPORARY, for people; static text */
	bool authentic;	 /* validated by a resolver on this host */
	struct dns_reply reply;
	unsigned char *bytes; /* what reply points into; see dns_free */
};

/*
 * Get ready; once, while files can still be opened, since it reads
 * /etc/resolv.conf (if servers is NULL or empty) and /dev/urandom; nothing is
 * opened afterwards but sockets, so that it can be used in a process forked
 * later and under a sandbox. servers: "ADDRESS:PORT ..." with blanks between,
 * IPv6 addresses in brackets. errno: EINVAL for bad servers, ENOMEM.
 */
bool dns_open(struct dns *dns, char const *servers)
	__attribute__((warn_unused_result));
void dns_close(struct dns *dns);

/*
 * Ask all of questions[0..count) at once and wait for the answers, timeout_ms
 * at most; what has no answer by then is DNS_TEMPORARY. A name that cannot
 * exist (dns_name_valid) is DNS_NXDOMAIN without being asked.
 */
void dns_ask(struct dns *dns, struct dns_question *questions, size_t count,
	int timeout_ms);

/*
 * The same in two steps, with something else to do in between: questions and
 * sent stay where they are until dns_wait has returned. Several can be under
 * way at once.
 */
struct dns_sent {
	struct dns_question *questions;
	size_t count, left; /* left: without an answer */
	struct dns_waiting *waiting[DNS_QUESTIONS_MAX];
};
void dns_send(struct dns *dns, struct dns_question *questions, size_t count,
	struct dns_sent *sent_r);
void dns_wait(struct dns *dns, struct dns_sent *sent, int timeout_ms);

/* Give the replies back; twice is safe. */
void dns_free(struct dns_question *questions, size_t count);

#endif
