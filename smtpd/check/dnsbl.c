/* Lists of addresses and domains in the DNS. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "smtpd/check/dnsbl.h"

/* Questions that go out at once. */
#define BATCH 128
/* Rounds that are sent ahead: few, since a zone may be dead. */
#define ROUNDS_AHEAD 3

static bool
add_zone(char name_r[DNS_NAME_SIZE], size_t len, char const *zone,
	size_t zone_len)
{
	if (len + zone_len >= DNS_NAME_SIZE)
		return false;
	memcpy(name_r + len, zone, zone_len);
	name_r[len + zone_len] = '\0';
	return true;
}

bool
dnsbl_name(char const *address, char const *zone, size_t zone_len,
	char name_r[DNS_NAME_SIZE])
{
	static char const digits[] = "0123456789abcdef";
	unsigned char a[16];
	size_t n = 0;

	if (inet_pton(AF_INET, address, a) == 1) {
		int len = snprintf(name_r, DNS_NAME_SIZE, "%u.%u.%u.%u.", a[3],
			a[2], a[1], a[0]);

		return add_zone(name_r, (size_t)len, zone, zone_len);
	}
	if (inet_pton(AF_INET6, address, a) != 1)
		return false;
	if (IN6_IS_ADDR_V4MAPPED((struct in6_addr *)a)) {
		int len = snprintf(name_r, DNS_NAME_SIZE, "%u.%u.%u.%u.", a[15],
			a[14], a[13], a[12]);

		return add_zone(name_r, (size_t)len, zone, zone_len);
	}
	for (size_t i = 16; i-- > 0;) {
		name_r[n++] = digits[a[i] & 15];
		name_r[n++] = '.';
		name_r[n++] = digits[a[i] >> 4];
		name_r[n++] = '.';
	}
	return add_zone(name_r, n, zone, zone_len);
}

bool
dnsbl_test_name(struct rules_zone const *zone, bool is_listed,
	char name_r[DNS_NAME_SIZE])
{
	char const *front = zone->is_url ? (is_listed ? "test." : "invalid.")
			    : is_listed	 ? "2.0.0.127."
					 : "1.0.0.127.";
	size_t len = strlen(front);

	memcpy(name_r, front, len);
	return add_zone(name_r, len, zone->name.s, zone->name.len);
}

static bool
is_refusal(uint32_t a)
{
	return a >> 8 == 0x7fffff;
}

bool
dnsbl_take(struct rules_zone *zone, struct query_question const *q)
{
	if (q->status != DNS_FOUND)
		return true;
	for (size_t i = 0; i < q->count; i++) {
		unsigned char const *p =
			(unsigned char const *)q->records[i].data;
		uint32_t a;
		bool known = false;

		if (q->records[i].len != 4)
			continue;
		a = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		    (uint32_t)p[2] << 8 | p[3];
		if (is_refusal(a))
			return false;
		for (size_t j = 0; j < zone->answer_count; j++)
			known |= zone->answers[j] == a;
		if (a >> 24 == 127 && !known &&
			zone->answer_count < RULES_ANSWERS_MAX)
			zone->answers[zone->answer_count++] = a;
	}
	return true;
}

struct batch {
	struct query_question questions[BATCH];
	char names[BATCH][DNS_NAME_SIZE];
	unsigned zones[BATCH];
	size_t count;
};

/* Ask what was gathered; dead gets a bit for each zone that does not answer. */
static void
flush(struct rules *r, struct query *query, struct batch *b, unsigned *dead)
{
	query_ask(query, b->questions, b->count);
	for (size_t i = 0; i < b->count; i++)
		if (b->questions[i].status == DNS_TEMPORARY ||
			!dnsbl_take(&r->zones[b->zones[i]], &b->questions[i]))
			*dead |= 1u << b->zones[i];
	b->count = 0;
}

static void
gather(struct batch *b, unsigned zone)
{
	b->questions[b->count] = (struct query_question){
		.name = b->names[b->count], .type = DNS_A};
	b->zones[b->count++] = zone;
}

/* Gather what is asked in round i: of zones of URLs about domain i, of others
 * in the first about the client. */
static void
gather_round(struct rules *r, enum dnsbl_state const *states, struct batch *b,
	unsigned dead, char const *client, struct uribl const *u, size_t i)
{
	for (unsigned z = 0; z < r->zone_count; z++) {
		struct rules_zone *zone = &r->zones[z];
		bool made;

		if (states[z] == DNSBL_BAD || (dead >> z & 1) != 0)
			continue;
		if (zone->is_url)
			made = i < u->count &&
			       uribl_name(u, i, zone->name.s, zone->name.len,
				       b->names[b->count]);
		else
			made = i == 0 && client != NULL &&
			       dnsbl_name(client, zone->name.s, zone->name.len,
				       b->names[b->count]);
		if (made)
			gather(b, z);
	}
}

void
dnsbl_send(struct rules *r, enum dnsbl_state const *states, struct query *query,
	char const *client, struct uribl const *u)
{
	static struct batch b;

	b.count = 0;
	for (size_t i = 0; i < ROUNDS_AHEAD; i++)
		gather_round(r, states, &b, 0, client, u, i);
	query_send(query, b.questions, b.count);
}

unsigned
dnsbl_ask(struct rules *r, enum dnsbl_state const *states, struct query *query,
	char const *client, struct uribl const *u)
{
	static struct batch b;
	unsigned dead = 0, count = 0;

	b.count = 0;
	for (unsigned z = 0; z < r->zone_count; z++)
		r->zones[z].answer_count = 0;
	/* Round by round, so that all zones answer, or are known to be dead,
	 * before many questions went to one of them. */
	for (size_t i = 0; i == 0 || i < u->count; i++) {
		gather_round(r, states, &b, dead, client, u, i);
		if (i == 0 || b.count > BATCH - RULES_ZONES_MAX)
			flush(r, query, &b, &dead);
	}
	if (b.count > 0)
		flush(r, query, &b, &dead);
	for (; dead != 0; dead &= dead - 1)
		count++;
	return count;
}

void
dnsbl_test(struct rules const *r, enum dnsbl_state *states, struct query *query,
	unsigned *missing_r)
{
	static struct batch b;

	*missing_r = 0;
	b.count = 0;
	for (unsigned z = 0; z < r->zone_count; z++)
		for (int is_listed = 0; is_listed < 2; is_listed++)
			if (dnsbl_test_name(&r->zones[z], is_listed != 0,
				    b.names[b.count]))
				gather(&b, z);
	query_ask(query, b.questions, b.count);
	for (size_t i = 0; i < b.count; i++) {
		unsigned z = b.zones[i];
		bool wants_listed = i > 0 && b.zones[i - 1] == z;
		struct rules_zone answer = {.answer_count = 0};
		struct query_question const *q = &b.questions[i];

		if (q->status == DNS_TEMPORARY)
			continue;
		if (!dnsbl_take(&answer, q) ||
			(!wants_listed && q->status == DNS_FOUND))
			states[z] = DNSBL_BAD;
		else if (wants_listed && states[z] != DNSBL_BAD) {
			states[z] = DNSBL_GOOD;
			if (answer.answer_count == 0)
				*missing_r |= 1u << z;
		}
	}
}
