/* The hosts that take a domain's mail: see mx.h. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "remote/mx.h"
#include "remote/text.h"

static int
compare(void const *a, void const *b)
{
	struct mx_host const *x = a, *y = b;

	if (x->preference != y->preference)
		return x->preference < y->preference ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

bool
mx_arrange(struct mx *mx, char const *self)
{
	unsigned limit = UINT32_MAX;

	qsort(mx->hosts, mx->count, sizeof mx->hosts[0], compare);
	for (size_t i = 0; i < mx->count && limit == UINT32_MAX; i++)
		if (strcmp(mx->hosts[i].name, self) == 0)
			limit = mx->hosts[i].preference;
	while (mx->count > 0 && mx->hosts[mx->count - 1].preference >= limit)
		mx->count--;
	return mx->count > 0;
}

static enum mx_status
say(char text_r[MX_TEXT_SIZE], enum mx_status status, char const *code,
	char const *name, char const *what)
{
	text_join(text_r, MX_TEXT_SIZE, code, " ", name, ": ", what, (char *)0);
	return status;
}

static void
add_host(struct mx *mx, unsigned preference, char const *name)
{
	struct mx_host *h = &mx->hosts[mx->count++];

	h->preference = preference;
	h->order = randombytes_random();
	memcpy(h->name, name, strlen(name) + 1);
}

/* RFC 7505 3: the root as the only MX. Beside others it names no host. */
static bool
take_records(struct dns_reply const *reply, struct mx *mx)
{
	char name[DNS_NAME_SIZE];
	unsigned preference;

	for (size_t i = 0; i < reply->record_count; i++) {
		if (!dns_record_mx(reply, i, &preference, name))
			continue;
		if (*name != '\0')
			add_host(mx, preference, name);
		else if (reply->record_count == 1)
			return false;
	}
	return true;
}

static enum mx_status
judge(struct dns_question const *q, char const *self, struct mx *mx,
	char text_r[MX_TEXT_SIZE])
{
	switch (q->status) {
	case DNS_FOUND:
		if (!take_records(&q->reply, mx))
			return say(text_r, MX_NONE, "5.1.10", q->name,
				"the domain accepts no mail");
		break;
	case DNS_NODATA:
		mx->implicit = true;
		add_host(mx, 0, q->name);
		break;
	case DNS_NXDOMAIN:
		return say(text_r, MX_NONE, "5.1.2", q->name,
			"there is no such domain");
	case DNS_TEMPORARY:
		return say(text_r, MX_LATER, "4.4.3", q->name, q->why);
	}
	if (mx->count == 0)
		return say(text_r, MX_NONE, "5.4.4", q->name,
			"no MX of the domain is a host name");
	if (!mx_arrange(mx, self))
		return say(text_r, MX_NONE, "5.4.6", q->name,
			"mail for it would come back to this host");
	return MX_FOUND;
}

enum mx_status
mx_lookup(struct dns *dns, char const *domain, char const *self, int timeout_ms,
	struct mx *mx_r, char text_r[MX_TEXT_SIZE])
{
	struct dns_question q = {.name = domain, .type = DNS_MX};
	enum mx_status status;

	mx_r->count = 0;
	mx_r->implicit = false;
	dns_ask(dns, &q, 1, timeout_ms);
	status = judge(&q, self, mx_r, text_r);
	mx_r->authentic = q.authentic;
	mx_r->ttl = status == MX_FOUND ? q.reply.ttl : 0;
	dns_free(&q, 1);
	return status;
}

/* 0.0.0.0 and :: connect to this host; a multicast address to nothing. */
static bool
is_usable(struct mx_address const *a)
{
	static unsigned char const zero[16];

	if (memcmp(a->s, zero, a->len) == 0)
		return false;
	return a->len == 4 ? a->s[0] < 224 : a->s[0] != 0xff;
}

static void
add_addresses(struct dns_reply const *reply, struct mx_address *addresses,
	size_t *count, size_t max)
{
	size_t n = reply->record_count;
	size_t first = n > 0 ? randombytes_uniform((uint32_t)n) : 0;

	for (size_t i = 0; i < n && *count < max; i++) {
		struct mx_address *a = &addresses[*count];
		a->len = dns_record_address(reply, (first + i) % n, a->s);
		*count += is_usable(a);
	}
}

/* A reply that failed tells nothing; one that says "none" counts. */
static void
take_origin(struct dns_question const q[2], struct mx_origin *origin)
{
	origin->authentic = true;
	origin->alias_of[0] = '\0';
	for (int i = 0; i < 2; i++) {
		if (q[i].status == DNS_TEMPORARY)
			continue;
		origin->authentic = origin->authentic && q[i].authentic;
		if (q[i].reply.record_count > 0)
			memcpy(origin->alias_of, q[i].reply.alias_of,
				sizeof origin->alias_of);
	}
}

enum mx_status
mx_addresses(struct dns *dns, char const *host, int timeout_ms,
	struct mx_address addresses_r[MX_ADDRESSES_MAX], size_t *count_r,
	struct mx_origin *origin_r, char text_r[MX_TEXT_SIZE])
{
	struct dns_question q[2] = {{.name = host, .type = DNS_AAAA},
		{.name = host, .type = DNS_A}};
	enum mx_status status = MX_NONE;

	*count_r = 0;
	dns_ask(dns, q, 2, timeout_ms);
	/* Half of the places are kept for IPv4. */
	add_addresses(&q[0].reply, addresses_r, count_r, MX_ADDRESSES_MAX / 2);
	add_addresses(&q[1].reply, addresses_r, count_r, MX_ADDRESSES_MAX);
	if (*count_r > 0) {
		status = MX_FOUND;
		take_origin(q, origin_r);
	} else if (q[0].status == DNS_TEMPORARY ||
		   q[1].status == DNS_TEMPORARY) {
		status = say(text_r, MX_LATER, "4.4.3", host,
			q[q[0].status != DNS_TEMPORARY].why);
	} else if (q[0].status == DNS_NXDOMAIN || q[1].status == DNS_NXDOMAIN) {
		say(text_r, MX_NONE, "5.4.4", host, "there is no such host");
	} else {
		say(text_r, MX_NONE, "5.4.4", host, "the host has no address");
	}
	dns_free(q, 2);
	return status;
}
