/* Doing what a command asks for. */
#include <stdlib.h>
#include <string.h>
#include "common/addr.h"
#include "common/log.h"
#include "queue/active.h"
#include "queue/order.h"
#include "queue/destination.h"
#include "queue/host.h"
#include "queue/intake.h"
#include "queue/loop.h"
#include "queue/obey.h"
#include "queue/settle.h"
#include "queue/waiting.h"

/* A message in work: its attempt goes on. */
static void
note(struct queued *m, enum order_verb verb)
{
	switch (verb) {
	case ORDER_HOLD:
		m->q.held = true;
		break;
	case ORDER_RELEASE:
		m->q.held = false;
		break;
	case ORDER_DROP:
		m->is_dropped = true;
		break;
	case ORDER_BOUNCE:
		m->is_given_up = true;
		break;
	case ORDER_WAKE:
	case ORDER_WAKE_ALL:
	case ORDER_WAKE_DOMAIN:
		break;
	}
}

/* A message that waits, or is held. */
static void
change(struct queued *m, enum order_verb verb)
{
	if (verb == ORDER_RELEASE && !m->q.held) {
		queued_free(m);
		return;
	}
	note(m, verb);
	active_enlist(m);
	if (verb == ORDER_RELEASE)
		m->q.next = loop_time();
	if (verb == ORDER_HOLD || verb == ORDER_RELEASE)
		settle_keep(m);
	else
		settle_over(m);
}

static int
compare(void const *a, void const *b)
{
	return memcmp(a, b, ID_LEN);
}

static void
obey_each(struct order *c)
{
	/* A release touches what is held alone: that waits for nothing. */
	if (c->verb != ORDER_RELEASE)
		waiting_forget_ids(c->ids, c->count);
	for (size_t i = 0; i < c->count; i++) {
		char id[ID_LEN + 1];
		struct queued *m;
		memcpy(id, c->ids[i], ID_LEN);
		id[ID_LEN] = '\0';
		m = active_find(id);
		if (m != NULL)
			note(m, c->verb);
		else if ((m = intake_open(id)) != NULL)
			change(m, c->verb);
	}
}

/* The destination of a domain is no longer held. */
static void
forgive(char const *domain, size_t len)
{
	char address[2 + ADDR_DOMAIN_MAX] = "x@";
	struct destination *d;
	struct route r;

	memcpy(address + 2, domain, len);
	route_find(&host.tables, address, 2 + len, &r);
	if (r.kind != ROUTE_REMOTE)
		return;
	d = destination_find(POOL_REMOTE, r.name, r.name_len, false);
	if (d != NULL)
		destination_forgive(d);
}

static size_t
wake(struct order *c)
{
	char domain[ADDR_DOMAIN_MAX];

	if (c->verb == ORDER_WAKE_DOMAIN) {
		if (c->domain_len > sizeof domain)
			return 0;
		for (size_t i = 0; i < c->domain_len; i++) {
			char x = c->domain[i];
			domain[i] = x >= 'A' && x <= 'Z' ? (char)(x | 32) : x;
		}
		forgive(domain, c->domain_len);
		return waiting_wake_domain(domain, c->domain_len);
	}
	destination_forgive_all();
	return c->verb == ORDER_WAKE_ALL ? waiting_wake_all()
					 : waiting_wake_ids(c->ids, c->count);
}

void
obey(struct queuefile const *q)
{
	static struct order c;
	struct log_line line;
	size_t count;

	if (!order_parse(q->command, q->command_len, &c))
		return;
	qsort(c.ids, c.count, sizeof *c.ids, compare);
	count = c.count;
	if (c.verb == ORDER_WAKE || c.verb == ORDER_WAKE_ALL ||
		c.verb == ORDER_WAKE_DOMAIN)
		count = wake(&c);
	else
		obey_each(&c);
	log_begin(&line, "command", NULL);
	log_text(&line, "verb", c.name, c.name_len);
	log_text(&line, "domain", c.domain != NULL ? c.domain : "",
		c.domain_len);
	log_number(&line, "messages", count);
	log_text(&line, "origin", q->origin, q->origin_len);
	log_end(&line);
}
