/* Asking the DNS which certificates a host shows: see dane.h. */
#include <stdio.h>
#include <string.h>
#include "remote/dane.h"
#include "remote/text.h"

static enum dane_status
later(char const *name, char const *why, char text_r[MX_TEXT_SIZE])
{
	text_join(text_r, MX_TEXT_SIZE, "4.7.5 ", name, ": ",
		why != NULL ? why : "not known now", (char *)0);
	return DANE_LATER;
}

/* Answers that are not validated count as none (RFC 7672 2.1.2). */
static enum dane_status
ask(struct dns *dns, char const *base, unsigned port, int timeout_ms,
	struct tlsa_set *set, char text_r[MX_TEXT_SIZE])
{
	char name[DNS_NAME_SIZE + 16];
	struct dns_question q = {.name = name, .type = DNS_TLSA};
	enum dane_status status = DANE_NONE;

	snprintf(name, sizeof name, "_%u._tcp.%s", port, base);
	set->count = set->used = 0;
	dns_ask(dns, &q, 1, timeout_ms);
	if (q.status == DNS_TEMPORARY) {
		status = later(name, q.why, text_r);
	} else if (q.status == DNS_FOUND && q.authentic) {
		for (size_t i = 0; i < q.reply.record_count; i++) {
			struct dns_tlsa record;
			dns_record_tlsa(&q.reply, i, &record);
			(void)tlsa_add(set, &record);
		}
		tlsa_settle(set);
		status = set->count > 0 ? DANE_USABLE : DANE_UNUSABLE;
	}
	dns_free(&q, 1);
	return status;
}

/* Whether the name's own zone is signed, whatever its alias leads to. 1 yes,
 * 0 no, -1 not known now (text_r). */
static int
is_signed_alias(struct dns *dns, char const *host, int timeout_ms,
	char text_r[MX_TEXT_SIZE])
{
	struct dns_question q = {.name = host, .type = DNS_CNAME};
	int r;

	dns_ask(dns, &q, 1, timeout_ms);
	r = q.status == DNS_FOUND && q.authentic;
	if (q.status == DNS_TEMPORARY) {
		(void)later(host, q.why, text_r);
		r = -1;
	}
	dns_free(&q, 1);
	return r;
}

enum dane_status
dane_lookup(struct dns *dns, char const *host, struct mx_origin const *origin,
	unsigned port, int timeout_ms, struct tlsa_set *set_r,
	char base_r[DNS_NAME_SIZE], char text_r[MX_TEXT_SIZE])
{
	bool is_alias = origin->alias_of[0] != '\0';
	enum dane_status status;
	int r;

	if (!dns->local)
		return DANE_NONE;
	if (origin->authentic && is_alias) {
		memcpy(base_r, origin->alias_of, DNS_NAME_SIZE);
		status = ask(dns, base_r, port, timeout_ms, set_r, text_r);
		if (status != DANE_NONE)
			return status;
	} else if (!origin->authentic) {
		r = is_alias ? is_signed_alias(dns, host, timeout_ms, text_r)
			     : 0;
		if (r <= 0)
			return r < 0 ? DANE_LATER : DANE_NONE;
	}
	memcpy(base_r, host, strlen(host) + 1);
	return ask(dns, base_r, port, timeout_ms, set_r, text_r);
}
