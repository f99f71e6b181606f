/* What a domain says about its hosts' certificates: see tlsa.h. */
#include <sodium.h>
#include <string.h>
#include "remote/tlsa.h"

static bool
is_usable(struct dns_tlsa const *r)
{
	if (r->usage != TLSA_TA && r->usage != TLSA_EE)
		return false;
	if (r->selector > TLSA_SPKI || r->data_len == 0)
		return false;
	switch (r->matching) {
	case TLSA_FULL:
		return true;
	case TLSA_SHA256:
		return r->data_len == crypto_hash_sha256_BYTES;
	case TLSA_SHA512:
		return r->data_len == crypto_hash_sha512_BYTES;
	}
	return false;
}

bool
tlsa_add(struct tlsa_set *set, struct dns_tlsa const *r)
{
	if (!is_usable(r) || set->count == TLSA_RECORDS_MAX ||
		r->data_len > sizeof set->octets - set->used)
		return false;
	memcpy(set->octets + set->used, r->data, r->data_len);
	set->list[set->count++] = (struct tlsa_record){.usage = r->usage,
		.selector = r->selector,
		.matching = r->matching,
		.at = set->used,
		.len = r->data_len};
	set->used += r->data_len;
	return true;
}

static bool
has_stronger(struct tlsa_set const *set, struct tlsa_record const *than)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->list[i].usage == than->usage &&
			set->list[i].selector == than->selector &&
			set->list[i].matching == TLSA_SHA512)
			return true;
	return false;
}

void
tlsa_settle(struct tlsa_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct tlsa_record r = set->list[i];
		if (r.matching != TLSA_SHA256 || !has_stronger(set, &r))
			set->list[n++] = r;
	}
	set->count = n;
}

static bool
is_same(struct tlsa_set const *set, struct tlsa_record const *r,
	struct tls_certificate_der const *part)
{
	unsigned char hash[crypto_hash_sha512_BYTES];
	unsigned char const *s = hash;
	size_t len = 0;

	switch (r->matching) {
	case TLSA_FULL:
		s = part->der;
		len = part->len;
		break;
	case TLSA_SHA256:
		crypto_hash_sha256(hash, part->der, part->len);
		len = crypto_hash_sha256_BYTES;
		break;
	case TLSA_SHA512:
		crypto_hash_sha512(hash, part->der, part->len);
		len = crypto_hash_sha512_BYTES;
		break;
	}
	return len == r->len && memcmp(s, set->octets + r->at, len) == 0;
}

bool
tlsa_matches(struct tlsa_set const *set, unsigned usage,
	struct tls_certificate_der const *certificate)
{
	struct tls_certificate_der spki;
	bool has_spki = tls_chain_spki(certificate, &spki);

	for (size_t i = 0; i < set->count; i++) {
		struct tlsa_record const *r = &set->list[i];
		if (r->usage != usage ||
			(r->selector == TLSA_SPKI && !has_spki))
			continue;
		if (is_same(set, r,
			    r->selector == TLSA_SPKI ? &spki : certificate))
			return true;
	}
	return false;
}

bool
tlsa_verify(struct tlsa_set const *set, struct tls_chain const *chain,
	char const *const *names, size_t count, unsigned *error_r)
{
	*error_r = 0;
	if (chain->count == 0)
		return false;
	if (tlsa_matches(set, TLSA_EE, &chain->list[0]))
		return true;
	for (size_t i = 1; i < chain->count; i++) {
		if (!tlsa_matches(set, TLSA_TA, &chain->list[i]))
			continue;
		for (size_t k = 0; k < count; k++) {
			unsigned error =
				tls_chain_verify_below(chain, i, names[k]);
			if (error == 0)
				return true;
			*error_r = error;
		}
	}
	return false;
}
