/* Sender Policy Framework, the evaluation: see spf.h. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "smtpd/check/spf.h"
#include "smtpd/check/spf_macro.h"
#include "smtpd/check/spf_record.h"

#define ARPA_MAX 80
/* RFC 5321 4.5.3.1 allows a path of 256; longer senders are cut there. */
#define SENDER_MAX 512
#define EXPANDED_MAX 4096
#define DOMAIN_MAX 253

struct state {
	struct query *query;
	struct spf_request const *request;
	char sender[SENDER_MAX], local[SENDER_MAX];
	char const *sender_domain;
	char dotted[ARPA_MAX], readable[INET6_ADDRSTRLEN], now[24];
	unsigned terms, voids;
	char const *why;
	/* Of the record that decided: for its explanation. */
	char explain[DNS_NAME_SIZE];
	char explain_domain[DNS_NAME_SIZE];
};

/* What a mechanism says. */
enum match { MATCH_NO, MATCH_YES, MATCH_TEMPERROR, MATCH_PERMERROR };

static enum spf_code check_host(struct state *s, char const *domain);

bool
spf_client_parse(char const *text, struct spf_client *client_r)
{
	static unsigned char const mapped[12] = {[10] = 0xff, [11] = 0xff};

	memset(client_r, 0, sizeof *client_r);
	if (inet_pton(AF_INET, text, client_r->octets) == 1)
		return true;
	if (inet_pton(AF_INET6, text, client_r->octets) != 1)
		return false;
	/* RFC 7208 5: a mapped address is the IPv4 address in it. */
	client_r->is_ipv6 = memcmp(client_r->octets, mapped, 12) != 0;
	if (!client_r->is_ipv6)
		memmove(client_r->octets, client_r->octets + 12, 4);
	return true;
}

char const *
spf_name(enum spf_code code)
{
	static char const *const names[] = {[SPF_NONE] = "none",
		[SPF_NEUTRAL] = "neutral",
		[SPF_PASS] = "pass",
		[SPF_FAIL] = "fail",
		[SPF_SOFTFAIL] = "softfail",
		[SPF_TEMPERROR] = "temperror",
		[SPF_PERMERROR] = "permerror"};

	return names[code];
}

/* RFC 7208 4.3: a name of several labels that can be asked for. */
static bool
is_checkable(char const *domain)
{
	char const *dot = strchr(domain, '.');

	for (char const *s = domain; *s != '\0'; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s > '~')
			return false;
	return dns_name_valid(domain) && dot != NULL && dot[1] != '\0' &&
	       *domain != '[';
}

static char const *
domain_of(struct spf_request const *request)
{
	char const *at;

	if (request->of_helo || *request->sender == '\0')
		return request->helo;
	at = strrchr(request->sender, '@');
	return at != NULL ? at + 1 : request->sender;
}

bool
spf_first_name(struct spf_request const *request, char name_r[DNS_NAME_SIZE])
{
	char const *domain = domain_of(request);

	if (!is_checkable(domain))
		return false;
	strcpy(name_r, domain);
	return true;
}

static bool
is_void(struct query_question const *q)
{
	return q->status == DNS_NODATA || q->status == DNS_NXDOMAIN;
}

static bool
fail(struct state *s, char const *why)
{
	s->why = why;
	return false;
}

/* Ask one question for a term. False: too many were in vain. */
static bool
ask(struct state *s, struct query_question *q)
{
	query_ask(s->query, q, 1);
	if (is_void(q) && ++s->voids > SPF_VOID_MAX)
		return fail(s, "too many void look-ups");
	return true;
}

static bool
count_term(struct state *s)
{
	return ++s->terms <= SPF_TERMS_MAX ||
	       fail(s, "too many terms that ask the DNS");
}

static bool
in_network(struct spf_client const *client, char const *network, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(client->octets, network, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	unsigned mask = 0xffu << (8 - rest) & 0xffu;
	return (client->octets[whole] & mask) ==
	       ((unsigned char)network[whole] & mask);
}

static enum dns_type
address_type(struct state const *s)
{
	return s->request->client.is_ipv6 ? DNS_AAAA : DNS_A;
}

static bool
has_address(struct state const *s, struct query_question const *q,
	struct spf_term const *t)
{
	struct spf_client const *client = &s->request->client;
	size_t size = client->is_ipv6 ? 16 : 4;
	unsigned bits = client->is_ipv6 ? t->prefix6 : t->prefix4;

	for (size_t i = 0; i < q->count; i++)
		if (q->records[i].len == size &&
			in_network(client, q->records[i].data, bits))
			return true;
	return false;
}

static bool
is_same_or_below(char const *name, char const *domain)
{
	size_t n = strlen(name), d = strlen(domain);

	if (d > 0 && domain[d - 1] == '.')
		d--;
	return n >= d && strncasecmp(name + n - d, domain, d) == 0 &&
	       (n == d || name[n - d - 1] == '.');
}

/*
 * RFC 7208 5.5: the names of the client that lead back to it. name_r gets the
 * one that %{p} wants: domain itself, a name below it, or any. Returns whether
 * one is domain or below. Errors of the DNS are "no name".
 */
static bool
find_name(struct state *s, char const *domain, char name_r[DNS_NAME_SIZE])
{
	struct query_question names[SPF_NAMES_MAX] = {0};
	char arpa[ARPA_MAX + 10];
	struct query_question ptr = {.name = arpa, .type = DNS_PTR};
	struct spf_term exact = {.prefix4 = 32, .prefix6 = 128};
	struct spf_client const *c = &s->request->client;
	size_t n = 0, at = 0;
	int best = 0;

	strcpy(name_r, "unknown");
	if (c->is_ipv6)
		for (size_t i = 16; i-- > 0;)
			at += (size_t)sprintf(arpa + at, "%x.%x.",
				c->octets[i] & 15u, c->octets[i] >> 4);
	else
		at = (size_t)sprintf(arpa, "%u.%u.%u.%u.", c->octets[3],
			c->octets[2], c->octets[1], c->octets[0]);
	strcpy(arpa + at, c->is_ipv6 ? "ip6.arpa" : "in-addr.arpa");
	query_ask(s->query, &ptr, 1);
	if (is_void(&ptr))
		s->voids++;
	for (; n < ptr.count && n < SPF_NAMES_MAX; n++)
		names[n] = (struct query_question){
			.name = ptr.records[n].data, .type = address_type(s)};
	query_ask(s->query, names, n);
	for (size_t i = 0; i < n; i++) {
		if (!has_address(s, &names[i], &exact))
			continue;
		int rank = strcasecmp(names[i].name, domain) == 0    ? 3
			   : is_same_or_below(names[i].name, domain) ? 2
								     : 1;
		if (rank > best && strlen(names[i].name) < DNS_NAME_SIZE) {
			strcpy(name_r, names[i].name);
			best = rank;
		}
	}
	return best >= 2;
}

static long
expand(struct state *s, char const *domain, char const *text, size_t len,
	char *out, size_t max)
{
	char name[DNS_NAME_SIZE] = "unknown";
	struct spf_macro_values v = {.sender = s->sender,
		.local = s->local,
		.sender_domain = s->sender_domain,
		.domain = domain,
		.dotted = s->dotted,
		.readable = s->readable,
		.name = name,
		.helo = s->request->helo,
		.receiver = s->request->receiver,
		.now = s->now,
		.is_ipv6 = s->request->client.is_ipv6};

	if (spf_macro_uses(text, len, 'p'))
		find_name(s, domain, name);
	return spf_macro_expand(text, len, &v, out, max);
}

/* The name that a term is about. False: it can never be asked for. */
static bool
target(struct state *s, char const *domain, struct spf_term const *t,
	char name_r[DNS_NAME_SIZE])
{
	char long_name[EXPANDED_MAX];
	char const *name;
	long n;

	if (t->spec_len == 0) {
		strcpy(name_r, domain);
		return true;
	}
	n = expand(
		s, domain, t->spec, t->spec_len, long_name, sizeof long_name);
	if (n < 0)
		return false;
	name = spf_macro_shorten(long_name, (size_t)n);
	if (strlen(name) > DOMAIN_MAX || !dns_name_valid(name))
		return false;
	strcpy(name_r, name);
	return true;
}

static enum match
match_a(struct state *s, char const *name, struct spf_term const *t)
{
	struct query_question q = {.name = name, .type = address_type(s)};

	if (!ask(s, &q))
		return MATCH_PERMERROR;
	if (q.status == DNS_TEMPORARY)
		return MATCH_TEMPERROR;
	return has_address(s, &q, t) ? MATCH_YES : MATCH_NO;
}

static enum match
match_mx(struct state *s, char const *name, struct spf_term const *t)
{
	struct query_question mx = {.name = name, .type = DNS_MX};
	struct query_question hosts[SPF_NAMES_MAX] = {0};
	bool is_unsure = false;

	if (!ask(s, &mx))
		return MATCH_PERMERROR;
	if (mx.status == DNS_TEMPORARY)
		return MATCH_TEMPERROR;
	if (mx.count > SPF_NAMES_MAX) {
		fail(s, "too many MX records");
		return MATCH_PERMERROR;
	}
	for (size_t i = 0; i < mx.count; i++)
		hosts[i] = (struct query_question){
			.name = mx.records[i].data, .type = address_type(s)};
	query_ask(s->query, hosts, mx.count);
	for (size_t i = 0; i < mx.count; i++) {
		if (has_address(s, &hosts[i], t))
			return MATCH_YES;
		is_unsure |= hosts[i].status == DNS_TEMPORARY;
	}
	return is_unsure ? MATCH_TEMPERROR : MATCH_NO;
}

static enum match
match_exists(struct state *s, char const *name)
{
	/* RFC 7208 5.7: always A, also for IPv6. */
	struct query_question q = {.name = name, .type = DNS_A};

	if (!ask(s, &q))
		return MATCH_PERMERROR;
	if (q.status == DNS_TEMPORARY)
		return MATCH_TEMPERROR;
	return q.count > 0 ? MATCH_YES : MATCH_NO;
}

/* RFC 7208 5.2. */
static enum match
match_include(struct state *s, char const *name)
{
	switch (check_host(s, name)) {
	case SPF_PASS:
		return MATCH_YES;
	case SPF_FAIL:
	case SPF_SOFTFAIL:
	case SPF_NEUTRAL:
		return MATCH_NO;
	case SPF_TEMPERROR:
		return MATCH_TEMPERROR;
	case SPF_PERMERROR:
		break;
	case SPF_NONE:
		fail(s, "an included domain has no record");
		break;
	}
	return MATCH_PERMERROR;
}

static enum match
match_ip(struct state *s, struct spf_term const *t)
{
	struct spf_client const *c = &s->request->client;

	if (c->is_ipv6 != (t->kind == SPF_KIND_IP6))
		return MATCH_NO;
	return in_network(c, (char const *)t->network,
		       c->is_ipv6 ? t->prefix6 : t->prefix4)
		       ? MATCH_YES
		       : MATCH_NO;
}

static enum match
match_term(struct state *s, char const *domain, struct spf_term const *t)
{
	char name[DNS_NAME_SIZE], validated[DNS_NAME_SIZE];

	if (t->kind == SPF_KIND_ALL)
		return MATCH_YES;
	if (t->kind == SPF_KIND_IP4 || t->kind == SPF_KIND_IP6)
		return match_ip(s, t);
	if (!count_term(s))
		return MATCH_PERMERROR;
	/* RFC 7208 4.8: what cannot be a name does not match. An include of it
	 * has no record. */
	if (!target(s, domain, t, name)) {
		if (t->kind != SPF_KIND_INCLUDE)
			return MATCH_NO;
		fail(s, "an included domain has no record");
		return MATCH_PERMERROR;
	}
	switch (t->kind) {
	case SPF_KIND_INCLUDE:
		return match_include(s, name);
	case SPF_KIND_A:
		return match_a(s, name, t);
	case SPF_KIND_MX:
		return match_mx(s, name, t);
	case SPF_KIND_EXISTS:
		return match_exists(s, name);
	case SPF_KIND_PTR: {
		bool is_there = find_name(s, name, validated);
		if (s->voids <= SPF_VOID_MAX)
			return is_there ? MATCH_YES : MATCH_NO;
		fail(s, "too many void look-ups");
		return MATCH_PERMERROR;
	}
	case SPF_KIND_ALL:
	case SPF_KIND_IP4:
	case SPF_KIND_IP6:
	case SPF_KIND_REDIRECT:
	case SPF_KIND_EXP:
	case SPF_KIND_OTHER:
		break;
	}
	return MATCH_NO;
}

/* RFC 7208 4.4, 4.5: the one record of a domain. */
static enum spf_code
get_record(
	struct state *s, char const *domain, char const **text_r, size_t *len_r)
{
	struct query_question q = {.name = domain, .type = DNS_TXT};
	unsigned found = 0;

	query_ask(s->query, &q, 1);
	if (q.status == DNS_TEMPORARY) {
		s->why = q.why;
		return SPF_TEMPERROR;
	}
	for (size_t i = 0; i < q.count; i++) {
		if (!spf_record_is(q.records[i].data, q.records[i].len))
			continue;
		*text_r = q.records[i].data;
		*len_r = q.records[i].len;
		found++;
	}
	if (found > 1) {
		fail(s, "several records");
		return SPF_PERMERROR;
	}
	return found == 1 ? SPF_PASS : SPF_NONE;
}

static enum spf_code
of_qualifier(char qualifier)
{
	switch (qualifier) {
	case '-':
		return SPF_FAIL;
	case '~':
		return SPF_SOFTFAIL;
	case '?':
		return SPF_NEUTRAL;
	}
	return SPF_PASS;
}

static enum spf_code
follow_redirect(
	struct state *s, char const *domain, struct spf_term const *redirect)
{
	char name[DNS_NAME_SIZE];
	enum spf_code code = SPF_NONE;

	if (!count_term(s))
		return SPF_PERMERROR;
	if (target(s, domain, redirect, name))
		code = check_host(s, name);
	/* RFC 7208 6.1. */
	if (code == SPF_NONE) {
		fail(s, "the domain that redirect names has no record");
		return SPF_PERMERROR;
	}
	return code;
}

/* RFC 7208 4: domain is one that can be asked for. */
static enum spf_code
check_host(struct state *s, char const *domain)
{
	struct spf_term t, redirect, exp;
	char const *text = NULL;
	size_t len = 0, pos = 0;
	enum spf_code code = get_record(s, domain, &text, &len);

	if (code != SPF_PASS)
		return code;
	if (!spf_record_check(text, len, &redirect, &exp)) {
		fail(s, "syntax error in the record");
		return SPF_PERMERROR;
	}
	while (spf_record_next(text, len, &pos, &t) > 0) {
		if (t.kind >= SPF_KIND_REDIRECT)
			continue;
		switch (match_term(s, domain, &t)) {
		case MATCH_TEMPERROR:
			s->why = "the DNS gave no answer";
			return SPF_TEMPERROR;
		case MATCH_PERMERROR:
			return SPF_PERMERROR;
		case MATCH_NO:
			continue;
		case MATCH_YES:
			break;
		}
		*s->explain = '\0';
		if (exp.kind == SPF_KIND_EXP && t.qualifier == '-' &&
			target(s, domain, &exp, s->explain))
			strcpy(s->explain_domain, domain);
		return of_qualifier(t.qualifier);
	}
	if (redirect.kind == SPF_KIND_REDIRECT)
		return follow_redirect(s, domain, &redirect);
	return SPF_NEUTRAL;
}

/* RFC 7208 6.2: whatever is wrong, there is no explanation. */
static void
explain(struct state *s, char out[SPF_EXPLANATION_MAX])
{
	struct query_question q = {.name = s->explain, .type = DNS_TXT};
	long n;

	*out = '\0';
	if (*s->explain == '\0')
		return;
	query_ask(s->query, &q, 1);
	if (q.count != 1 || !spf_macro_valid(q.records[0].data,
				    q.records[0].len, SPF_MACRO_EXPLAIN))
		return;
	n = expand(s, s->explain_domain, q.records[0].data, q.records[0].len,
		out, SPF_EXPLANATION_MAX);
	if (n < 0)
		*out = '\0';
	for (char const *c = out; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~') {
			*out = '\0';
			break;
		}
}

static void
set_client(struct state *s)
{
	struct spf_client const *c = &s->request->client;

	inet_ntop(c->is_ipv6 ? AF_INET6 : AF_INET, c->octets, s->readable,
		sizeof s->readable);
	if (!c->is_ipv6) {
		strcpy(s->dotted, s->readable);
		return;
	}
	for (size_t i = 0, at = 0; i < 16; i++)
		at += (size_t)sprintf(s->dotted + at, "%s%X.%X", i ? "." : "",
			c->octets[i] >> 4, c->octets[i] & 15u);
}

/* RFC 7208 4.3: without a local part it is postmaster's. */
static void
set_sender(struct state *s)
{
	struct spf_request const *r = s->request;
	bool is_given = !r->of_helo && *r->sender != '\0';
	char const *from = is_given ? r->sender : r->helo;
	char const *at = is_given ? strrchr(from, '@') : NULL;
	char const *domain = at != NULL ? at + 1 : from;
	int local_len = at != NULL ? (int)(at - from) : 0;

	snprintf(s->local, sizeof s->local, "%.*s",
		local_len > 0 ? local_len : 10,
		local_len > 0 ? from : "postmaster");
	size_t n = strlen(s->local);
	snprintf(s->sender, sizeof s->sender, "%s", s->local);
	snprintf(s->sender + n, sizeof s->sender - n, "@%s", domain);
	s->sender_domain = n + 1 < sizeof s->sender ? s->sender + n + 1 : "";
}

void
spf_check(struct query *query, struct spf_request const *request,
	struct spf_result *result_r)
{
	struct state s = {.query = query, .request = request};
	char const *domain = domain_of(request);

	*result_r = (struct spf_result){.code = SPF_NONE};
	if (!is_checkable(domain)) {
		result_r->why = "not a domain name";
		return;
	}
	strcpy(result_r->domain, domain);
	set_client(&s);
	set_sender(&s);
	snprintf(s.now, sizeof s.now, "%llu", (unsigned long long)request->now);
	result_r->code = check_host(&s, domain);
	if (result_r->code == SPF_FAIL)
		explain(&s, result_r->explanation);
	if (result_r->code == SPF_TEMPERROR || result_r->code == SPF_PERMERROR)
		result_r->why = s.why;
}
