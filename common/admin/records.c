/* The DNS records that a host and its domains need. */
#include <arpa/inet.h>
#include <bearssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <skalibs/types.h>
#include <skalibs/uint32.h>
#include "common/asciiname.h"
#include "common/tls_chain.h"
#include "common/admin/records.h"
#include "mime/dkim/dkim_private.h"

/* A name of the DNS with what stands before it. */
#define NAME_ROOM (DNS_NAME_SIZE + 80)

static struct record *
find(struct records *r, enum record_type type, char const *name,
	char const *value)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->list[i].type == type && r->list[i].value != NULL &&
			strcmp(r->list[i].name, name) == 0 &&
			strcmp(r->list[i].value, value) == 0)
			return &r->list[i];
	return NULL;
}

/* value NULL: not known. Takes value, which was allocated. One that is there
 * is not added again. */
static struct record *
take(struct records *r, enum record_use use, enum record_type type,
	char const *name, char *value)
{
	struct record *record =
		value != NULL ? find(r, type, name, value) : NULL;
	bool is_new = record == NULL;

	if (is_new)
		record = CONFIG_ADD(r);
	if (record == NULL || !is_new) {
		free(value);
		return record;
	}
	*record = (struct record){.use = use,
		.type = type,
		.is_needed = use <= RECORD_FOR_DMARC,
		.name = strdup(name),
		.value = value};
	return record->name != NULL ? record : NULL;
}

static bool add(struct records *r, enum record_use use, enum record_type type,
	char const *name, char const *format, ...)
	__attribute__((format(printf, 5, 6)));
static bool
add(struct records *r, enum record_use use, enum record_type type,
	char const *name, char const *format, ...)
{
	va_list args;
	char *value;
	int len;

	va_start(args, format);
	len = vasprintf(&value, format, args);
	va_end(args);
	return len >= 0 && take(r, use, type, name, value) != NULL;
}

static char const *
below(char out[NAME_ROOM], char const *label, char const *domain)
{
	snprintf(out, NAME_ROOM, "%s.%s", label, domain);
	return out;
}

char const *
records_web_host(struct config const *c)
{
	char const *s = values_text(&c->values, "web-host");

	return *s != '\0' ? s : values_text(&c->values, "hostname");
}

unsigned
records_port(struct config const *c, char const *key)
{
	char const *s =
		setting_find(key) != NULL ? values_text(&c->values, key) : "";

	while (*s != '\0') {
		size_t len = strcspn(s, " ");
		char const *colon = memrchr(s, ':', len);
		uint32_t port;
		if (strncmp(s, "127.", 4) != 0 && strncmp(s, "[::1]", 5) != 0 &&
			colon != NULL && uint32_scan(colon + 1, &port) > 0)
			return port;
		s += len;
		s += strspn(s, " ");
	}
	return 0;
}

static bool
add_address(struct records *r, char const *name, char const *address)
{
	bool is_v6 = strchr(address, ':') != NULL;

	return add(r, RECORD_FOR_ADDRESS, is_v6 ? RECORD_AAAA : RECORD_A, name,
		"%s", address);
}

/* RFC 1035 3.5, RFC 3596 2.5. */
static bool
reverse_name(char out[NAME_ROOM], char const *address)
{
	static char const digits[] = "0123456789abcdef";
	unsigned char raw[sizeof(struct in6_addr)];
	char *s = out;

	if (inet_pton(AF_INET, address, raw) == 1) {
		snprintf(out, NAME_ROOM, "%u.%u.%u.%u.in-addr.arpa", raw[3],
			raw[2], raw[1], raw[0]);
		return true;
	}
	if (inet_pton(AF_INET6, address, raw) != 1)
		return false;
	for (size_t i = sizeof raw; i-- > 0;) {
		*s++ = digits[raw[i] & 15];
		*s++ = '.';
		*s++ = digits[raw[i] >> 4];
		*s++ = '.';
	}
	memcpy(s, "ip6.arpa", sizeof "ip6.arpa");
	return true;
}

/* A line of `outgoing`: *s moves behind it. False: there is none. */
static bool
next_outgoing(struct config const *c, size_t *at,
	char address[INET6_ADDRSTRLEN], char name[DNS_NAME_SIZE])
{
	char const *s, *end;
	size_t len, n;

	if (*at >= c->outgoing.len)
		return false;
	s = c->outgoing.s + *at;
	end = memchr(s, '\n', c->outgoing.len - *at);
	*at = (size_t)(end - c->outgoing.s) + 1;
	len = strcspn(s, " ");
	n = strcspn(s + len + 1, " \n");
	snprintf(address, INET6_ADDRSTRLEN, "%.*s", (int)len, s);
	snprintf(name, DNS_NAME_SIZE, "%.*s", (int)n, s + len + 1);
	return true;
}

static char const *
hello_name(struct config const *c)
{
	char const *s = values_text(&c->values, "remote-hello");

	return *s != '\0' ? s : values_text(&c->values, "hostname");
}

/* The name that an address of ours greets other hosts with. */
static void
name_of_address(
	struct config const *c, char const *address, char out[DNS_NAME_SIZE])
{
	char one[INET6_ADDRSTRLEN];
	size_t at = 0;

	while (next_outgoing(c, &at, one, out))
		if (strcmp(one, address) == 0)
			return;
	snprintf(out, DNS_NAME_SIZE, "%s", hello_name(c));
}

/*
 * Whoever sends besides the hosts that `first` means: addresses of `outgoing`,
 * and the host that all mail is handed to.
 */
static bool
add_spf(struct records *r, struct config const *c, char const *name,
	char const *first)
{
	char address[INET6_ADDRSTRLEN], host[DNS_NAME_SIZE], *value;
	stralloc sa = STRALLOC_ZERO;
	struct config_route const *route = name_find(c->routes.list,
		c->routes.count, sizeof *c->routes.list, "*", 1);
	size_t at = 0;
	bool ok = stralloc_cats(&sa, "v=spf1 ") && stralloc_cats(&sa, first);

	while (ok && next_outgoing(c, &at, address, host))
		ok = stralloc_cats(&sa, strchr(address, ':') != NULL
						? " ip6:"
						: " ip4:") &&
		     stralloc_cats(&sa, address);
	if (ok && route != NULL && !route->is_hold) {
		char const *s = route->host;
		if (*s != '[')
			ok = stralloc_cats(&sa, " a:") && stralloc_cats(&sa, s);
		else
			ok = stralloc_cats(&sa, strchr(s, ':') != NULL
							? " ip6:"
							: " ip4:") &&
			     stralloc_catb(&sa, s + 1, strcspn(s + 1, "]"));
	}
	ok = ok && stralloc_cats(&sa, " -all") && stralloc_append(&sa, '\0');
	value = ok ? strdup(sa.s) : NULL;
	stralloc_free(&sa);
	return value != NULL &&
	       take(r, RECORD_FOR_SPF, RECORD_TXT, name, value) != NULL;
}

/* The first certificate of a chain at s, and where the next chain begins. */
static bool
next_certificate(char const *s, size_t len, size_t *at,
	struct tls_certificate_der *first_r)
{
	union {
		char const *in;
		unsigned char const *out;
	} octets;
	unsigned count;
	uint32_t n;

	if (len - *at < 2)
		return false;
	count = (unsigned char)s[*at + 1];
	*at += 2;
	for (unsigned i = 0; i < count; i++) {
		if (len - *at < 4)
			return false;
		uint32_unpack_big(s + *at, &n);
		*at += 4;
		if (n > len - *at)
			return false;
		octets.in = s + *at;
		if (i == 0)
			*first_r = (struct tls_certificate_der){octets.out, n};
		*at += n;
	}
	return count > 0;
}

/* Either may be the one that a client is shown: each has a record
 * (RFC 7671 5.1). */
static bool
add_dane(struct records *r, struct config const *c,
	struct records_facts const *facts)
{
	struct tls_certificate_der certificate, spki;
	char name[NAME_ROOM], hex[2 * br_sha256_SIZE + 1];
	unsigned char digest[br_sha256_SIZE];
	br_sha256_context sha;
	size_t at = 4;
	uint32_t count;

	if (facts->certs == NULL)
		return true;
	if (facts->certs_len < 4)
		return false;
	uint32_unpack_big(facts->certs, &count);
	below(name, "_25._tcp", values_text(&c->values, "hostname"));
	for (uint32_t i = 0; i < count; i++) {
		if (!next_certificate(facts->certs, facts->certs_len, &at,
			    &certificate) ||
			!tls_chain_spki(&certificate, &spki))
			return false;
		br_sha256_init(&sha);
		br_sha256_update(&sha, spki.der, spki.len);
		br_sha256_out(&sha, digest);
		for (size_t j = 0; j < sizeof digest; j++)
			snprintf(hex + 2 * j, 3, "%02x", digest[j]);
		if (!add(r, RECORD_FOR_DANE, RECORD_TLSA, name, "3 1 1 %s",
			    hex))
			return false;
	}
	return true;
}

/* Names that mail is sent under besides the host's: address and SPF. */
static bool
add_names(struct records *r, struct config const *c,
	struct records_facts const *facts)
{
	char const *hostname = values_text(&c->values, "hostname");
	char const *hello = hello_name(c);
	char address[INET6_ADDRSTRLEN], name[DNS_NAME_SIZE];
	size_t at = 0;
	bool ok = true;

	if (strcmp(hello, hostname) != 0) {
		for (size_t i = 0; ok && i < facts->address_count; i++)
			ok = add_address(r, hello, facts->addresses[i]);
		ok = ok && add_spf(r, c, hello, "a");
	}
	while (ok && next_outgoing(c, &at, address, name))
		if (strcmp(name, hostname) != 0 && strcmp(name, hello) != 0)
			ok = add_address(r, name, address) &&
			     add_spf(r, c, name, "a");
	return ok;
}

static bool
add_reverses(struct records *r, struct config const *c,
	struct records_facts const *facts)
{
	char name[NAME_ROOM], host[DNS_NAME_SIZE];

	if (facts->address_count == 0)
		return add(r, RECORD_FOR_REVERSE, RECORD_PTR, "", "%s.",
			hello_name(c));
	for (size_t i = 0; i < facts->address_count; i++) {
		if (!reverse_name(name, facts->addresses[i]))
			continue;
		name_of_address(c, facts->addresses[i], host);
		if (!add(r, RECORD_FOR_REVERSE, RECORD_PTR, name, "%s.", host))
			return false;
	}
	return true;
}

bool
records_of_host(struct records *r, struct config const *c,
	struct records_facts const *facts)
{
	char const *hostname = values_text(&c->values, "hostname");

	for (size_t i = 0; i < facts->address_count; i++)
		if (!add_address(r, hostname, facts->addresses[i]))
			return false;
	if (facts->address_count == 0 &&
		take(r, RECORD_FOR_ADDRESS, RECORD_A, hostname, NULL) == NULL)
		return false;
	/* A bounce has no sender but the host. */
	return add_spf(r, c, hostname, "a") && add_names(r, c, facts) &&
	       add_dane(r, c, facts) && add_reverses(r, c, facts);
}

bool
records_sts_policy(
	struct config const *c, stralloc *sa, char id_r[RECORDS_STS_ID_SIZE])
{
	size_t const start = sa->len;
	unsigned char digest[br_sha256_SIZE];
	br_sha256_context sha;

	if (!stralloc_cats(sa, "version: STSv1\r\nmode: ") ||
		!stralloc_cats(sa, values_number(&c->values, "sts-enforce")
					   ? "enforce"
					   : "testing") ||
		!stralloc_cats(sa, "\r\nmx: ") ||
		!stralloc_cats(sa, values_text(&c->values, "hostname")) ||
		!stralloc_cats(sa, "\r\nmax_age: 604800\r\n"))
		return false;
	br_sha256_init(&sha);
	br_sha256_update(&sha, sa->s + start, sa->len - start);
	br_sha256_out(&sha, digest);
	for (size_t i = 0; i < RECORDS_STS_ID_SIZE / 2; i++)
		snprintf(id_r + 2 * i, 3, "%02x", digest[i]);
	return true;
}

static bool
add_keys(struct records *r, struct config const *c,
	struct config_domain const *d, char const *domain)
{
	for (size_t i = 0; i < c->dkim.count; i++) {
		struct config_dkim const *k = &c->dkim.list[i];
		struct dkim_private key;
		char name[NAME_ROOM + 64], text[DKIM_RECORD_MAX];
		bool ok;

		if (k->domain_len != d->name.len ||
			memcmp(k->domain, d->name.s, d->name.len) != 0)
			continue;
		ok = dkim_private_parse(k->file.s, k->file.len, &key) &&
		     dkim_private_record(&key, text);
		dkim_private_wipe(&key);
		snprintf(name, sizeof name, "%s._domainkey.%s", k->selector,
			domain);
		if (!ok ||
			!add(r, RECORD_FOR_DKIM, RECORD_TXT, name, "%s", text))
			return false;
	}
	return true;
}

/* RFC 8314 5.1: TLS from the start comes first; POP3 behind IMAP. */
static bool
add_services(struct records *r, struct config const *c, char const *domain)
{
	static struct {
		char const *name, *key;
		unsigned priority;
	} const services[] = {
		{"_submissions._tcp", "listen-submits", 0},
		{"_submission._tcp", "listen-submit", 5},
		{"_imaps._tcp", "listen-imaps", 0},
		{"_imap._tcp", "listen-imap", 5},
		{"_pop3s._tcp", "listen-pop3s", 10},
		{"_pop3._tcp", "listen-pop3", 15},
		{"_sieve._tcp", "listen-sieve", 0},
	};
	char name[NAME_ROOM];

	for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
		unsigned port = records_port(c, services[i].key);
		below(name, services[i].name, domain);
		if (port == 0 && setting_find(services[i].key) != NULL) {
			/* RFC 6186 3.4: it is not there, do not look. */
			if (!add(r, RECORD_FOR_SERVICE, RECORD_SRV, name,
				    "0 0 0 ."))
				return false;
		} else if (port > 0 &&
			   !add(r, RECORD_FOR_SERVICE, RECORD_SRV, name,
				   "%u 1 %u %s.", services[i].priority, port,
				   values_text(&c->values, "hostname"))) {
			return false;
		}
	}
	return true;
}

static bool
add_web_name(struct records *r, struct config const *c, enum record_use use,
	char const *label, char const *domain)
{
	char name[NAME_ROOM];

	below(name, label, domain);
	return strcmp(name, records_web_host(c)) == 0 ||
	       add(r, use, RECORD_CNAME, name, "%s.", records_web_host(c));
}

static bool
add_sts(struct records *r, struct config const *c, char const *domain)
{
	char name[NAME_ROOM], id[RECORDS_STS_ID_SIZE];
	stralloc policy = STRALLOC_ZERO;
	bool ok = records_sts_policy(c, &policy, id);

	stralloc_free(&policy);
	return ok &&
	       add(r, RECORD_FOR_STS, RECORD_TXT,
		       below(name, "_mta-sts", domain), "v=STSv1; id=%s", id) &&
	       add_web_name(r, c, RECORD_FOR_STS, "mta-sts", domain);
}

static bool
has_address_in(struct config const *c, struct config_domain const *d)
{
	for (size_t i = 0; i < c->users.count; i++) {
		struct name const *n = &c->users.list[i].name;
		char const *at = memrchr(n->s, '@', n->len);
		size_t len = n->len - (size_t)(at + 1 - n->s);
		if (len == d->name.len && memcmp(at + 1, d->name.s, len) == 0)
			return true;
	}
	return false;
}

bool
records_is_for_bounces(struct config const *c, struct config_domain const *d)
{
	if (strcasecmp(d->name.s, values_text(&c->values, "hostname")) != 0 ||
		has_address_in(c, d))
		return false;
	for (size_t i = 0; i < c->domains.count; i++)
		if (&c->domains.list[i] != d && !c->domains.list[i].is_backup)
			return true;
	return false;
}

bool
records_of_domain(struct records *r, struct config const *c,
	struct records_facts const *facts, struct config_domain const *d)
{
	char const *hostname = values_text(&c->values, "hostname");
	char domain[DNS_NAME_SIZE], name[NAME_ROOM];
	bool has_tls = facts->certs != NULL;

	if (!asciiname(d->name.s, d->name.len, domain))
		return true;
	if (!add(r, RECORD_FOR_MX, RECORD_MX, domain, "%u %s.",
		    d->is_backup ? 20 : 10, hostname))
		return false;
	if (d->is_backup)
		return true;
	/* The host's name has an SPF record, and may have one only. */
	if ((strcmp(domain, hostname) != 0 && !add_spf(r, c, domain, "mx")) ||
		!add_keys(r, c, d, domain) ||
		!add(r, RECORD_FOR_DMARC, RECORD_TXT,
			below(name, "_dmarc", domain),
			"v=DMARC1; p=none; rua=mailto:postmaster@%s", domain))
		return false;
	if (records_is_for_bounces(c, d))
		return true;
	return (!has_tls || add_sts(r, c, domain)) &&
	       add(r, RECORD_FOR_TLSRPT, RECORD_TXT,
		       below(name, "_smtp._tls", domain),
		       "v=TLSRPTv1; rua=mailto:postmaster@%s", domain) &&
	       add_services(r, c, domain) &&
	       add_web_name(r, c, RECORD_FOR_CONFIG, "autoconfig", domain) &&
	       add_web_name(r, c, RECORD_FOR_CONFIG, "autodiscover", domain) &&
	       add(r, RECORD_FOR_CONFIG, RECORD_SRV,
		       below(name, "_autodiscover._tcp", domain), "0 0 443 %s.",
		       records_web_host(c));
}

bool
records_of_all(struct records *r, struct config const *c,
	struct records_facts const *facts, struct config_domain const *only)
{
	bool ok = records_of_host(r, c, facts);

	for (size_t i = 0; ok && i < c->domains.count; i++)
		if (only == NULL || only == &c->domains.list[i])
			ok = records_of_domain(
				r, c, facts, &c->domains.list[i]);
	return ok;
}

void
records_free(struct records *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->list[i].name);
		free(r->list[i].value);
	}
	free(r->list);
	*r = (struct records)RECORDS_ZERO;
}

char const *
records_type_name(enum record_type type)
{
	static char const *const names[] = {
		"A", "AAAA", "MX", "TXT", "CNAME", "SRV", "TLSA", "PTR"};

	return names[type];
}

char const *
records_use_name(enum record_use use)
{
	static char const *const names[] = {"address", "reverse", "mx", "spf",
		"dkim", "dmarc", "dane", "mta-sts", "tlsrpt", "service",
		"config"};

	return names[use];
}
