/* What the DNS says of our host and domains, against what it must say. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <time.h>
#include "common/admin/certificate.h"
#include "common/admin/ownaddresses.h"
#include "common/admin/records.h"
#include "common/admin/check/asking.h"
#include "smtpd/check/spf.h"

/* A list is made by who can read the keys, for who asks and must not. */
#define NEEDED_MAX 16384
#define TEXT_MAX_OCTETS 8192
#define SECONDS 300

struct needed {
	unsigned char use, type;
	char name[DNS_NAME_SIZE];
	char value[FINDING_WORD];
};

struct list {
	size_t count;
	struct needed needed[NEEDED_MAX];
};

/* SRV, CNAME: worth having, and often somebody else's on purpose. */
static bool
is_asked(struct record const *r)
{
	return r->value != NULL && r->use != RECORD_FOR_REVERSE &&
	       (r->is_needed || r->use == RECORD_FOR_DANE);
}

static void
keep(struct list *l, struct records const *r)
{
	for (size_t i = 0; i < r->count && l->count < NEEDED_MAX; i++) {
		struct record const *one = &r->list[i];
		struct needed *n = &l->needed[l->count];
		if (!is_asked(one) || strlen(one->name) >= sizeof n->name ||
			strlen(one->value) >= sizeof n->value)
			continue;
		n->use = (unsigned char)one->use;
		n->type = (unsigned char)one->type;
		snprintf(n->name, sizeof n->name, "%s", one->name);
		snprintf(n->value, sizeof n->value, "%s", one->value);
		l->count++;
	}
}

/* As root: the keys say what is published of them. */
static void
make_list(struct doctor *d, void *data)
{
	struct faults f = {.is_silent = true};
	struct config c;
	struct ownaddresses own;
	struct records_facts facts = {0};
	struct records r = RECORDS_ZERO;
	stralloc certs = STRALLOC_ZERO, keys = STRALLOC_ZERO;
	char const *names = doctor_setting(d, "tls-certificates");

	/* With faults, which text.c tells, there may be nothing to make. */
	if (!config_read(&c, d->folder, &f) || f.count > 0 ||
		!certificate_read(d->folder, names, &certs, &keys, &f) ||
		f.count > 0)
		return;
	sodium_memzero(keys.s, keys.len);
	ownaddresses_find(&own, &c.values);
	facts.addresses = own.list;
	facts.address_count = own.count;
	if (*names != '\0') {
		facts.certs = certs.s;
		facts.certs_len = certs.len;
	}
	if (!records_of_all(&r, &c, &facts, NULL))
		_Exit(111);
	keep(data, &r);
	records_free(&r);
}

static char const *
why(enum record_use use)
{
	switch (use) {
	case RECORD_FOR_ADDRESS:
		return "others don't find this host";
	case RECORD_FOR_MX:
		return "mail for the domain does not come here";
	case RECORD_FOR_SPF:
		return "mail that this host sends looks forged to others";
	case RECORD_FOR_DKIM:
		return "signatures of this host can't be verified";
	case RECORD_FOR_DMARC:
		return "some large hosts take no mail from domains without it";
	case RECORD_FOR_DANE:
		return "hosts that use DANE refuse to send to this one";
	case RECORD_FOR_REVERSE:
	case RECORD_FOR_STS:
	case RECORD_FOR_TLSRPT:
	case RECORD_FOR_SERVICE:
	case RECORD_FOR_CONFIG:
		break;
	}
	return "";
}

static void
tell(struct doctor *d, struct needed const *n, enum finding_kind kind)
{
	doctor_find(d, kind, 0, n->name, records_type_name(n->type), n->value,
		why(n->use));
}

enum { NONE, OTHER, GOOD }; /* better is greater */

static int
judge_address(struct needed const *n, struct dns_question const *q, size_t i)
{
	char text[INET6_ADDRSTRLEN];

	return asking_address(q, i, text) && strcmp(text, n->value) == 0
		       ? GOOD
		       : OTHER;
}

/* The preference is the domain's own matter. */
static int
judge_mx(struct needed const *n, struct dns_question const *q, size_t i)
{
	char host[DNS_NAME_SIZE];
	char const *wanted = strchr(n->value, ' ');
	unsigned preference;
	size_t len;

	if (wanted == NULL || !dns_record_mx(&q->reply, i, &preference, host))
		return OTHER;
	wanted++;
	len = strlen(host);
	return strncmp(wanted, host, len) == 0 && strcmp(wanted + len, ".") == 0
		       ? GOOD
		       : OTHER;
}

/* Others may stand there besides: a CA's, or of the next certificate. */
static int
judge_tlsa(struct needed const *n, struct dns_question const *q, size_t i)
{
	struct dns_tlsa t;
	char text[16 + 2 * 64 + 1];
	size_t len;

	dns_record_tlsa(&q->reply, i, &t);
	if (t.usage == 0 || t.usage == 2)
		return GOOD;
	if (t.data_len > 64)
		return OTHER;
	len = (size_t)snprintf(text, 16, "%u %u %u ", t.usage & 255,
		t.selector & 255, t.matching & 255);
	sodium_bin2hex(text + len, sizeof text - len, t.data, t.data_len);
	return strcmp(text, n->value) == 0 ? GOOD : OTHER;
}

/* The key of a DKIM record (RFC 6376 3.6.1), without its blanks. */
static bool
key_of(char const *text, char *key_r, size_t size)
{
	char const *s = strstr(text, "p=");
	size_t len = 0;

	if (s == NULL)
		return false;
	for (s += 2; *s != '\0' && *s != ';' && len < size - 1; s++)
		if (*s != ' ' && *s != '\t')
			key_r[len++] = *s;
	key_r[len] = '\0';
	return true;
}

static int
judge_key(struct needed const *n, char const *text)
{
	static char wanted[TEXT_MAX_OCTETS], found[TEXT_MAX_OCTETS];

	if (!key_of(text, found, sizeof found))
		return NONE;
	return key_of(n->value, wanted, sizeof wanted) &&
			       strcmp(wanted, found) == 0
		       ? GOOD
		       : OTHER;
}

static bool
begins(char const *text, char const *version)
{
	size_t len = strlen(version);

	return strncasecmp(text, version, len) == 0 &&
	       (text[len] == '\0' || strchr(" \t;", text[len]) != NULL);
}

/* What an SPF record says of us is found out in another way: judge_spf. */
static int
judge_text(struct needed const *n, struct dns_question const *q, size_t i)
{
	static char text[TEXT_MAX_OCTETS];
	size_t len = dns_record_txt(&q->reply, i, text, sizeof text - 1);

	text[len < sizeof text ? len : sizeof text - 1] = '\0';
	if (n->use == RECORD_FOR_DKIM)
		return judge_key(n, text);
	return begins(text, n->use == RECORD_FOR_SPF ? "v=spf1" : "v=DMARC1")
		       ? GOOD
		       : NONE;
}

static int
judge(struct needed const *n, struct dns_question const *q)
{
	int best = NONE;

	for (size_t i = 0; q->status == DNS_FOUND && i < q->reply.record_count;
		i++) {
		int one = n->type == RECORD_MX	   ? judge_mx(n, q, i)
			  : n->type == RECORD_TLSA ? judge_tlsa(n, q, i)
			  : n->type == RECORD_TXT  ? judge_text(n, q, i)
						   : judge_address(n, q, i);
		if (one > best)
			best = one;
	}
	return best;
}

/* Whether the domain's record, whatever it says, lets our addresses send. */
static bool
judge_spf(struct dns *dns, struct list const *l, struct needed const *domain,
	char const *hostname)
{
	char sender[DNS_NAME_SIZE + 16];
	bool ok = true;

	snprintf(sender, sizeof sender, "postmaster@%s", domain->name);
	for (size_t i = 0; i < l->count && ok; i++) {
		struct needed const *n = &l->needed[i];
		struct spf_request r = {.helo = hostname,
			.sender = sender,
			.receiver = hostname,
			.now = (uint64_t)time(NULL)};
		struct spf_result result;
		struct query query;
		if (n->use != RECORD_FOR_ADDRESS ||
			strcmp(n->name, hostname) != 0 ||
			!spf_client_parse(n->value, &r.client))
			continue;
		query_init(&query, query_dns, dns, ASKING_MS);
		spf_check(&query, &r, &result);
		query_free(&query);
		ok = result.code == SPF_PASS || result.code == SPF_TEMPERROR;
	}
	return ok;
}

static enum dns_type
type_of(struct needed const *n)
{
	switch ((enum record_type)n->type) {
	case RECORD_A:
		return DNS_A;
	case RECORD_AAAA:
		return DNS_AAAA;
	case RECORD_MX:
		return DNS_MX;
	case RECORD_TLSA:
		return DNS_TLSA;
	case RECORD_TXT:
	case RECORD_CNAME:
	case RECORD_SRV:
	case RECORD_PTR:
		break;
	}
	return DNS_TXT;
}

static void
conclude(struct doctor *d, struct dns *dns, struct list const *l,
	struct needed const *n, struct dns_question const *q)
{
	int found = judge(n, q);

	if (q->status == DNS_TEMPORARY) {
		doctor_find(d, FIND_RECORD_UNKNOWN, 0, n->name,
			records_type_name(n->type), q->why, NULL);
		return;
	}
	if (found == GOOD && n->use == RECORD_FOR_SPF &&
		!judge_spf(dns, l, n, d->hostname))
		found = OTHER;
	/* Nobody has to publish one, but a wrong one does harm. */
	if (found == OTHER || (found == NONE && n->use != RECORD_FOR_DANE))
		tell(d, n,
			found == OTHER ? FIND_RECORD_OTHER
				       : FIND_RECORD_MISSING);
}

static void
ask(struct doctor *d, void *data)
{
	struct list const *l = data;
	struct dns dns;

	asking_open(d, &dns);
	for (size_t at = 0; at < l->count; at += DNS_QUESTIONS_MAX) {
		struct dns_question q[DNS_QUESTIONS_MAX];
		size_t count = 0;
		for (; count < DNS_QUESTIONS_MAX && at + count < l->count;
			count++)
			q[count] = (struct dns_question){
				.name = l->needed[at + count].name,
				.type = type_of(&l->needed[at + count])};
		dns_ask(&dns, q, count, ASKING_MS);
		for (size_t i = 0; i < count; i++)
			conclude(d, &dns, l, &l->needed[at + i], &q[i]);
		dns_free(q, count);
	}
	dns_close(&dns);
}

void
records_examine(struct doctor *d)
{
	struct list *l = mmap(NULL, sizeof *l, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (l == MAP_FAILED) {
		doctor_find(d, FIND_UNEXAMINED, 0, d->section, strerror(errno),
			NULL, NULL);
		return;
	}
	apart_run(d, 0, 0, make_list, l, SECONDS);
	if (l->count > 0)
		asking_run(d, ask, l);
	munmap(l, sizeof *l);
}
