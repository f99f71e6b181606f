/*
 * query.h - what the checks of one message ask the DNS
 *
 * A cache and a budget in front of the way to the resolver: what was asked once
 * for a message is not asked again, several questions travel at once, and all
 * of them together have one deadline and a largest number. Beyond these
 * everything is DNS_TEMPORARY. Answers live as long as the query.
 *
 * The way itself is a function, so that tests answer from a table.
 */
#ifndef QUERY_H
#define QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/dns.h"

/* Different questions of one message, and octets of their answers. */
#define QUERY_QUESTIONS_MAX 256
#define QUERY_BYTES_MAX (512u * 1024)

struct query_record {
	unsigned preference; /* of an MX */
	/* Octets of an address (A, AAAA), the strings of a TXT joined, or a
	 * name in text and lower case (MX, PTR, CNAME); a NUL behind. */
	char const *data;
	size_t len;
};

struct query_question {
	char const *name; /* NUL-ended, the caller's */
	enum dns_type type;
	/* The answer. */
	enum dns_status status;
	char const *why; /* of DNS_TEMPORARY; static text */
	struct query_record *records;
	size_t count;
};

struct query;

/* Fill in status, and records with query_add, of each question; wait
 * timeout_ms at most. */
typedef void query_way(struct query *query, struct query_question *questions,
	size_t count, int timeout_ms);

struct query {
	query_way *way;
	void *data; /* of the way */
	int64_t deadline_ms;
	struct query_entry *entries;
	size_t entry_count;
	size_t bytes;		      /* of all answers */
	unsigned asked;		      /* questions that went out */
	struct query_flight *flights; /* sent, and not waited for yet */
};

/* Questions of this message are answered within timeout_ms from now. */
void query_init(
	struct query *query, query_way *way, void *data, int timeout_ms);
void query_free(struct query *query);

/* The way over common/dns.h: data is a struct dns. */
query_way query_dns;

/*
 * Send questions that are to be asked in a moment, and go on: query_ask then
 * waits for their answers. Over another way than query_dns this does nothing.
 */
void query_send(struct query *query, struct query_question const *questions,
	size_t count);

/*
 * Ask all of questions[0..count) at once; what is known already is not asked.
 * A name that cannot exist is DNS_NXDOMAIN.
 */
void query_ask(
	struct query *query, struct query_question *questions, size_t count);

/* Of query_dns, for query_send: up to DNS_QUESTIONS_MAX questions, whose names
 * are copied. The flight has them, without records until query_dns_land. NULL:
 * no memory. */
struct query_flight {
	struct query_flight *next;
	size_t count;
	size_t entries[DNS_QUESTIONS_MAX];
	struct query_question questions[DNS_QUESTIONS_MAX];
};
struct query_flight *query_dns_start(struct query *query,
	struct query_question const *questions, size_t count);
void query_dns_land(
	struct query *query, struct query_flight *flight, int timeout_ms);
void query_dns_end(struct query_flight *flight);

/* For a way: add a record to the answer. False: no memory, or too much. */
bool query_add(struct query *query, struct query_question *question,
	unsigned preference, char const *data, size_t len)
	__attribute__((warn_unused_result));

#endif
