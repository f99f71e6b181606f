/*
 * asking.h - what examinations ask the DNS
 */
#ifndef ASKING_H
#define ASKING_H

#include <arpa/inet.h>
#include "common/dns.h"
#include "common/admin/check/apart.h"

#define ASKING_MS 10000
/* Addresses of this host that are looked at. */
#define ASKING_OWN 32

struct asking_own {
	size_t count;
	char text[ASKING_OWN][INET6_ADDRSTRLEN];
	char name[ASKING_OWN][DNS_NAME_SIZE]; /* that it greets with */
};

/* Run examine in a child that has no rights; not at all if it is known that the
 * resolver is silent. */
void asking_run(struct doctor *d, void (*examine)(struct doctor *d, void *data),
	void *data);

/* In that child: get ready, and close the sandbox. Exits on failure. */
void asking_open(struct doctor *d, struct dns *dns);

/* The addresses that the DNS has for the host, and public ones of `outgoing`;
 * *why_r: why the first are not known, or NULL. */
void asking_own(struct doctor *d, struct dns *dns, struct asking_own *own_r,
	char const **why_r);

/* Of an answer to A or AAAA. */
bool asking_address(struct dns_question const *q, size_t i,
	char text_r[INET6_ADDRSTRLEN]) __attribute__((warn_unused_result));

#endif
