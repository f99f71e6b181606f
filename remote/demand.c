/* What is demanded of a host: see demand.h. */
#include <string.h>
#include "remote/demand.h"
#include "remote/text.h"

static bool
refuse(struct security *s, enum tlsrpt_result result, char const *why,
	char const *code, char const *host, char text_r[CLIENT_TEXT_SIZE])
{
	(void)security_fails(s, result, why);
	text_join(text_r, CLIENT_TEXT_SIZE, code, " ", host, ": ", why, " (",
		s->whose != NULL ? s->whose : "", ")", (char *)0);
	return false;
}

static void
by_tlsa(struct demand *d, struct demand_host const *h, struct security *s)
{
	s->judge = SECURITY_TLSA;
	s->tlsa = &d->tlsa;
	/* RFC 7672 3.2.2: the names that a certificate below DANE-TA may have;
	 * RFC 7672 8.1: the one for SNI. */
	s->names[s->name_count++] = d->base;
	if (strcmp(d->base, h->name) != 0)
		s->names[s->name_count++] = h->name;
	if (h->mx != NULL && strcmp(h->destination->name, h->name) != 0)
		s->names[s->name_count++] = h->destination->name;
	memcpy(s->sni, d->base, sizeof s->sni);
}

/* 1 DANE has something to say, 0 nothing, -1 the host is not used now. */
static int
by_dane(struct demand *d, struct demand_host const *h, struct security *s,
	char text_r[CLIENT_TEXT_SIZE])
{
	enum dane_status status;

	if (h->origin == NULL || (h->mx != NULL && !h->mx->authentic))
		return 0;
	status = dane_lookup(d->dns, h->name, h->origin, h->port, h->timeout_ms,
		&d->tlsa, d->base, text_r);
	if (status == DANE_NONE)
		return 0;
	s->whose = "DANE";
	s->policy = TLSRPT_TLSA;
	switch (status) {
	case DANE_NONE:
		break;
	case DANE_LATER:
		(void)security_fails(s, TLSRPT_DNSSEC_INVALID,
			"its TLSA records are not known now");
		return -1;
	case DANE_UNUSABLE:
		s->need = SECURITY_MUST;
		break;
	case DANE_USABLE:
		s->need = SECURITY_MUST;
		by_tlsa(d, h, s);
		break;
	}
	return 1;
}

static bool
is_named_by_sts(struct demand const *d, struct demand_host const *h)
{
	return h->mx != NULL && d->has_sts && d->sts.mode != STSPOLICY_NONE &&
	       stspolicy_names(&d->sts, h->name);
}

static bool
by_sts(struct demand *d, struct demand_host const *h, struct security *s,
	char text_r[CLIENT_TEXT_SIZE])
{
	static char const why[] = "the domain's policy names other hosts";

	if (h->mx == NULL || !d->has_sts || d->sts.mode == STSPOLICY_NONE)
		return true;
	s->policy = TLSRPT_STS;
	s->whose = "MTA-STS";
	if (!is_named_by_sts(d, h)) {
		if (d->sts.mode == STSPOLICY_ENFORCE)
			return refuse(s, TLSRPT_VALIDATION_FAILURE, why,
				"4.7.5", h->name, text_r);
		(void)security_fails(s, TLSRPT_VALIDATION_FAILURE, why);
		return true;
	}
	security_verify(s, h->name, s->whose);
	/* RFC 8461 5: what fails while they test is only told them. */
	s->is_lenient = d->sts.mode == STSPOLICY_TESTING;
	return true;
}

/* RFC 8689 4.2.1, 2 and 4. */
static bool
by_message(struct demand const *d, struct demand_host const *h,
	struct security *s, char text_r[CLIENT_TEXT_SIZE])
{
	static char const why[] =
		"neither DNSSEC nor MTA-STS says that this is the host";

	if (!d->is_host_known) {
		s->whose = "REQUIRETLS";
		return refuse(s, TLSRPT_VALIDATION_FAILURE, why, "5.7.10",
			h->name, text_r);
	}
	s->is_lenient = false;
	s->need = SECURITY_MUST;
	if (s->judge == SECURITY_ANY)
		security_verify(s, h->name, "REQUIRETLS");
	return true;
}

bool
demand_of(struct demand *d, struct demand_host const *h, struct security *s,
	char text_r[CLIENT_TEXT_SIZE])
{
	int dane;

	d->is_host_known = h->mx == NULL || h->mx->authentic ||
			   is_named_by_sts(d, h) ||
			   d->table.level >= TLSPOLICY_VERIFY;
	security_init(s, h->name, d->anchors);
	if (d->table.level != TLSPOLICY_UNSET) {
		security_from_table(s, &d->table, h->name);
	} else {
		dane = by_dane(d, h, s, text_r);
		if (dane < 0 || (dane == 0 && !by_sts(d, h, s, text_r)))
			return false;
		/* A password is for its owner alone. */
		if (h->has_login && s->judge == SECURITY_ANY)
			security_verify(s, h->name, "a password goes there");
	}
	return !h->is_tls_required || by_message(d, h, s, text_r);
}
