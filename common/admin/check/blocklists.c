/* Our addresses in the lists that our own rules ask (RFC 5782). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/admin/check/asking.h"
#include "smtpd/check/dnsbl.h"
#include "smtpd/check/rules.h"

/* Of all zones of rules; one that is asked for what speaks for a client is no
 * blocklist. */
static bool
is_against(struct rules const *r, size_t zone)
{
	bool against = false;

	for (size_t i = 0; i < r->count; i++) {
		struct rules_statement const *st = &r->statements[i];
		for (size_t j = 0; j < st->condition_count; j++) {
			struct rules_condition const *c = &st->conditions[j];
			if (c->subject != RULES_IS_ZONE || c->which != zone ||
				c->is_negated)
				continue;
			against =
				against || st->action == RULES_REJECT ||
				st->action == RULES_TEMPFAIL ||
				st->action == RULES_JUNK ||
				(st->action == RULES_WEIGHT && st->weight > 0);
		}
	}
	return against;
}

/* A list answers with 127.0.0.0/8, and with 127.255.255.0/24 that it does not
 * answer us. */
static void
judge(struct doctor *d, struct dns_question const *q, char const *address,
	struct rules_text const *zone)
{
	char answer[INET6_ADDRSTRLEN], name[RULES_ZONE_MAX + 1];

	for (size_t i = 0; q->status == DNS_FOUND && i < q->reply.record_count;
		i++) {
		if (!asking_address(q, i, answer) ||
			strncmp(answer, "127.", 4) != 0 ||
			strncmp(answer, "127.255.255.", 12) == 0)
			continue;
		snprintf(name, sizeof name, "%.*s", (int)zone->len, zone->s);
		doctor_find(
			d, FIND_BLOCKLISTED, 0, address, name, answer, q->name);
		return;
	}
}

static void
ask(struct doctor *d, struct dns *dns, struct rules const *r,
	char const *address)
{
	struct dns_question q[RULES_ZONES_MAX];
	static char names[RULES_ZONES_MAX][DNS_NAME_SIZE];
	size_t zones[RULES_ZONES_MAX], count = 0;

	for (size_t i = 0; i < r->zone_count; i++) {
		struct rules_zone const *z = &r->zones[i];
		if (z->is_url || !is_against(r, i) ||
			!dnsbl_name(
				address, z->name.s, z->name.len, names[count]))
			continue;
		q[count] = (struct dns_question){
			.name = names[count], .type = DNS_A};
		zones[count++] = i;
	}
	dns_ask(dns, q, count, ASKING_MS);
	for (size_t i = 0; i < count; i++)
		judge(d, &q[i], address, &r->zones[zones[i]].name);
	dns_free(q, count);
}

static void
examine(struct doctor *d, void *data)
{
	struct rules const *r = data;
	struct asking_own own;
	struct dns dns;
	char const *why;

	asking_open(d, &dns);
	asking_own(d, &dns, &own, &why);
	for (size_t i = 0; i < own.count; i++)
		ask(d, &dns, r, own.text[i]);
	dns_close(&dns);
}

void
blocklists_examine(struct doctor *d)
{
	struct rules *r = calloc(1, sizeof *r);
	char const *why;
	unsigned line;

	/* Faults are told by text.c. */
	if (r != NULL && d->config.rules.len > 0 &&
		rules_parse(r, d->config.rules.s, d->config.rules.len - 1,
			&line, &why) &&
		r->zone_count > 0)
		asking_run(d, examine, r);
	free(r);
}
