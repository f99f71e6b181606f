/* The way of query.h over common/dns.h. */
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
	for (size_t i = 0; i < count; i++) {
		struct query_question *q = &questions[i];
		q->status = asked[i].status;
		q->why = asked[i].why;
		if (q->status != DNS_FOUND)
			continue;
		for (size_t j = 0; j < asked[i].reply.record_count; j++)
			if (!take_record(query, q, &asked[i].reply, j)) {
				q->status = DNS_TEMPORARY;
				q->why = "answers too long";
				break;
			}
	}
	dns_free(asked, count);
}
