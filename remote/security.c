/* What a session must be like before mail goes over it: see security.h. */
#include <string.h>
#include "remote/security.h"

void
security_init(
	struct security *s, char const *host, struct tls_anchors const *anchors)
{
	*s = (struct security){.policy = TLSRPT_NO_POLICY, .anchors = anchors};
	if (host[0] != '[')
		memcpy(s->sni, host, strlen(host) + 1);
}

void
security_verify(struct security *s, char const *name, char const *whose)
{
	s->need = SECURITY_MUST;
	s->judge = SECURITY_ANCHORS;
	s->whose = whose;
	if (s->name_count < SECURITY_NAMES_MAX)
		s->names[s->name_count++] = name;
}

void
security_from_table(
	struct security *s, struct tlspolicy const *policy, char const *host)
{
	s->whose = "tls-policy";
	switch (policy->level) {
	case TLSPOLICY_UNSET:
	case TLSPOLICY_MAY:
		break;
	case TLSPOLICY_NONE:
		s->need = SECURITY_CLEAR;
		break;
	case TLSPOLICY_MUST:
		s->need = SECURITY_MUST;
		break;
	case TLSPOLICY_PIN:
		s->need = SECURITY_MUST;
		s->judge = SECURITY_PINS;
		s->pins = policy;
		break;
	case TLSPOLICY_VERIFY:
		for (size_t i = 0; i < policy->name_count; i++)
			security_verify(s, policy->names[i], s->whose);
		if (policy->name_count == 0)
			security_verify(s, host, s->whose);
		break;
	}
}

bool
security_fails(struct security *s, enum tlsrpt_result result, char const *why)
{
	if (s->result == TLSRPT_SUCCESS) {
		s->result = result;
		s->why = why;
	}
	return s->is_lenient;
}

static enum tlsrpt_result
result_of(unsigned error)
{
	switch (error) {
	case BR_ERR_X509_EXPIRED:
		return TLSRPT_CERTIFICATE_EXPIRED;
	case BR_ERR_X509_BAD_SERVER_NAME:
		return TLSRPT_CERTIFICATE_HOST_MISMATCH;
	case BR_ERR_X509_NOT_TRUSTED:
		return TLSRPT_CERTIFICATE_NOT_TRUSTED;
	default:
		return TLSRPT_VALIDATION_FAILURE;
	}
}

static bool
judge_by_anchors(struct security *s, struct tls_chain const *chain)
{
	size_t count = s->anchors != NULL ? s->anchors->count : 0;
	unsigned error = BR_ERR_X509_NOT_TRUSTED;

	for (size_t i = 0; i < s->name_count && error != 0; i++)
		error = tls_chain_verify(chain,
			count > 0 ? s->anchors->list : NULL, count,
			s->names[i]);
	if (error == 0)
		return true;
	(void)security_fails(s, result_of(error), tls_chain_strerror(error));
	return false;
}

static bool
judge_by_tlsa(struct security *s, struct tls_chain const *chain)
{
	unsigned error;

	if (tlsa_verify(s->tlsa, chain, s->names, s->name_count, &error))
		return true;
	if (error == 0)
		(void)security_fails(s, TLSRPT_VALIDATION_FAILURE,
			"no TLSA record matches it");
	else
		(void)security_fails(
			s, result_of(error), tls_chain_strerror(error));
	return false;
}

bool
security_judge(void *data, struct tls_chain const *chain)
{
	struct security *s = data;

	switch (s->judge) {
	case SECURITY_ANY:
		return true;
	case SECURITY_ANCHORS:
		s->is_verified = judge_by_anchors(s, chain);
		break;
	case SECURITY_TLSA:
		s->is_verified = judge_by_tlsa(s, chain);
		break;
	case SECURITY_PINS:
		s->is_verified = chain->count > 0 &&
				 tlspolicy_is_pinned(s->pins, &chain->list[0]);
		if (!s->is_verified)
			(void)security_fails(s, TLSRPT_VALIDATION_FAILURE,
				"it is not one of those that are pinned");
		break;
	}
	return s->is_verified || s->is_lenient;
}
