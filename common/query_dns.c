/* The way of query.h over common/dns.h. */
#include <stdlib.h>
#include <string.h>
#include "common/query.h"

/* Octets of all strings of a TXT record: what one message can carry. */
#define TXT_MAX 65535

static bool
take_record(struct query *query, struct query_question *q,
	struct dns_reply const *reply, size_t i)
{
	static char text[TXT_MAX];
	char name[DNS_NAME_SIZE];
	unsigned preference = 0;
	size_t len;

	switch (q->type) {
	case DNS_A:
	case DNS_AAAA: {
		unsigned char address[16];
		len = dns_record_address(reply, i, address);
		return query_add(query, q, 0, (char const *)address, len);
	}
	case DNS_TXT:
		len = dns_record_txt(reply, i, text, sizeof text);
		return query_add(
			query, q, 0, text, len < sizeof text ? len : 0);
	case DNS_MX:
		if (!dns_record_mx(reply, i, &preference, name))
			return true;
		break;
	case DNS_PTR:
	case DNS_CNAME:
	case DNS_SOA:
	case DNS_TLSA:
		/* Nobody is called by a name that no host can have. */
		if (!dns_record_name(reply, i, name))
			return true;
		break;
	}
	for (len = 0; name[len] != '\0'; len++)
		;
	return query_add(query, q, preference, name, len);
}

static void
take_answer(struct query *query, struct query_question *q,
	struct dns_question const *asked)
{
	q->status = asked->status;
	q->why = asked->why;
	if (q->status != DNS_FOUND)
		return;
	for (size_t i = 0; i < asked->reply.record_count; i++)
		if (!take_record(query, q, &asked->reply, i)) {
			q->status = DNS_TEMPORARY;
			q->why = "answers too long";
			return;
		}
}

void
query_dns(struct query *query, struct query_question *questions, size_t count,
	int timeout_ms)
{
	struct dns *dns = query->data;
	struct dns_question asked[DNS_QUESTIONS_MAX];

	if (count > DNS_QUESTIONS_MAX)
		count = DNS_QUESTIONS_MAX;
	for (size_t i = 0; i < count; i++)
		asked[i] = (struct dns_question){
			.name = questions[i].name, .type = questions[i].type};
	dns_ask(dns, asked, count, timeout_ms);
	for (size_t i = 0; i < count; i++)
		take_answer(query, &questions[i], &asked[i]);
	dns_free(asked, count);
}

struct flight {
	struct query_flight of_query; /* first: what query.c sees */
	struct dns *dns;
	struct dns_question asked[DNS_QUESTIONS_MAX];
	struct dns_sent sent;
	char names[DNS_QUESTIONS_MAX][DNS_NAME_SIZE];
};

struct query_flight *
query_dns_start(struct query *query, struct query_question const *questions,
	size_t count)
{
	struct flight *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	f->dns = query->data;
	if (count > DNS_QUESTIONS_MAX)
		count = DNS_QUESTIONS_MAX;
	f->of_query.count = count;
	for (size_t i = 0; i < count; i++) {
		memcpy(f->names[i], questions[i].name,
			strlen(questions[i].name) + 1);
		f->asked[i] = (struct dns_question){
			.name = f->names[i], .type = questions[i].type};
		f->of_query.questions[i] =
			(struct query_question){.name = f->names[i],
				.type = questions[i].type,
				.status = DNS_TEMPORARY};
	}
	dns_send(f->dns, f->asked, count, &f->sent);
	return &f->of_query;
}

void
query_dns_land(struct query *query, struct query_flight *flight, int timeout_ms)
{
	struct flight *f = (struct flight *)flight;

	dns_wait(f->dns, &f->sent, timeout_ms);
	for (size_t i = 0; i < flight->count; i++)
		take_answer(query, &flight->questions[i], &f->asked[i]);
}

void
query_dns_end(struct query_flight *flight)
{
	struct flight *f = (struct flight *)flight;

	dns_wait(f->dns, &f->sent, 0);
	dns_free(f->asked, flight->count);
	free(f);
}
