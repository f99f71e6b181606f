/* Our addresses, and the names that lead back to them (RFC 1912 2.1). */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "common/admin/ownaddresses.h"
#include "common/admin/check/asking.h"
#include "smtpd/check/dnsbl.h"

static bool
leads_back(struct dns *dns, char const *name, char const *address)
{
	struct dns_question q = {.name = name,
		.type = strchr(address, ':') != NULL ? DNS_AAAA : DNS_A};
	char text[INET6_ADDRSTRLEN];
	bool found = false;

	dns_ask(dns, &q, 1, ASKING_MS);
	for (size_t i = 0;
		q.status == DNS_FOUND && i < q.reply.record_count && !found;
		i++)
		found = asking_address(&q, i, text) &&
			strcmp(text, address) == 0;
	dns_free(&q, 1);
	return found;
}

static void
judge(struct doctor *d, struct dns *dns, struct dns_question const *q,
	char const *address, char const *wanted)
{
	char name[DNS_NAME_SIZE] = "", first[DNS_NAME_SIZE] = "";
	bool is_back = false;

	if (q->status == DNS_TEMPORARY) {
		doctor_find(d, FIND_REVERSE_UNKNOWN, 0, address, q->why, NULL,
			NULL);
		return;
	}
	for (size_t i = 0; q->status == DNS_FOUND && i < q->reply.record_count;
		i++) {
		if (!dns_record_name(&q->reply, i, name))
			continue;
		if (*first == '\0')
			snprintf(first, sizeof first, "%s", name);
		if (!leads_back(dns, name, address))
			continue;
		if (strcasecmp(name, wanted) == 0)
			return;
		is_back = true;
	}
	if (*first == '\0')
		doctor_find(d, FIND_REVERSE_MISSING, 0, address, wanted, NULL,
			NULL);
	else
		doctor_find(d,
			is_back ? FIND_REVERSE_NAME : FIND_REVERSE_ASTRAY, 0,
			address, first, wanted, NULL);
}

static void
one_address(struct doctor *d, struct dns *dns, char const *address,
	char const *wanted)
{
	char const *zone =
		strchr(address, ':') != NULL ? "ip6.arpa" : "in-addr.arpa";
	char name[DNS_NAME_SIZE];
	struct dns_question q = {.name = name, .type = DNS_PTR};

	if (!dnsbl_name(address, zone, strlen(zone), name))
		return;
	dns_ask(dns, &q, 1, ASKING_MS);
	judge(d, dns, &q, address, wanted);
	dns_free(&q, 1);
}

static void
examine(struct doctor *d, void *data)
{
	char const *why;
	struct asking_own own;
	struct dns dns;

	asking_open(d, &dns);
	asking_own(d, &dns, &own, &why);
	/* Where it is known which it must be, records.c tells. */
	if (own.count == 0 && why == NULL && *(bool *)data)
		doctor_find(
			d, FIND_HOST_NOWHERE, 0, d->hostname, NULL, NULL, NULL);
	else if (own.count == 0 && why != NULL)
		doctor_find(d, FIND_REVERSE_UNKNOWN, 0, d->hostname, why, NULL,
			NULL);
	for (size_t i = 0; i < own.count; i++)
		one_address(d, &dns, own.text[i], own.name[i]);
	dns_close(&dns);
}

void
reverse_examine(struct doctor *d)
{
	struct ownaddresses known;
	bool is_unknown;

	ownaddresses_find(&known, &d->config.values);
	is_unknown = known.count == 0;
	asking_run(d, examine, &is_unknown);
}
