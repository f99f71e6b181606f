/* The certificates that a server has shown: see tls_chain.h. */
#include <string.h>
#include "common/tls_chain.h"

#define SEQUENCE 0x30u
#define VERSION 0xa0u /* [0] of a TBSCertificate */
/* Octets of a distinguished name that is an anchor's. */
#define NAME_MAX_OCTETS 2048u

/* The next element; whole_r has its tag and length too. Its tag; 0 at the end,
 * or if it is malformed. */
static unsigned
next(struct tls_certificate_der *in, struct tls_certificate_der *whole_r,
	struct tls_certificate_der *content_r)
{
	unsigned char const *start = in->der;
	size_t len, head = 2, n;

	if (in->len < 2)
		return 0;
	len = start[1];
	if (len >= 0x80) {
		n = len & 0x7f;
		if (n == 0 || n > 3 || in->len - 2 < n)
			return 0;
		len = 0;
		for (size_t i = 0; i < n; i++)
			len = len << 8 | start[2 + i];
		head += n;
	}
	if (len > in->len - head)
		return 0;
	*content_r = (struct tls_certificate_der){start + head, len};
	*whole_r = (struct tls_certificate_der){start, head + len};
	in->der += head + len;
	in->len -= head + len;
	return start[0];
}

/* RFC 5280 4.1: serialNumber, signature, issuer, validity and subject stand
 * before it, and perhaps a version. */
bool
tls_chain_spki(struct tls_certificate_der const *certificate,
	struct tls_certificate_der *spki_r)
{
	struct tls_certificate_der in = *certificate, whole, content;
	unsigned tag;

	if (next(&in, &whole, &content) != SEQUENCE)
		return false;
	in = content;
	if (next(&in, &whole, &content) != SEQUENCE)
		return false;
	in = content;
	tag = next(&in, &whole, &content);
	if (tag == VERSION)
		tag = next(&in, &whole, &content);
	for (int i = 0; i < 4 && tag != 0; i++)
		tag = next(&in, &whole, &content);
	if (tag == 0 || next(&in, spki_r, &content) != SEQUENCE)
		return false;
	return true;
}

unsigned
tls_chain_verify(struct tls_chain const *chain,
	br_x509_trust_anchor const *anchors, size_t count, char const *name)
{
	static br_x509_minimal_context x;
	br_x509_class const **v = &x.vtable;

	br_x509_minimal_init(&x, &br_sha256_vtable, anchors, count);
	br_x509_minimal_set_rsa(&x, br_rsa_pkcs1_vrfy_get_default());
	br_x509_minimal_set_ecdsa(
		&x, br_ec_get_default(), br_ecdsa_vrfy_asn1_get_default());
	br_x509_minimal_set_hash(&x, br_sha256_ID, &br_sha256_vtable);
	br_x509_minimal_set_hash(&x, br_sha384_ID, &br_sha384_vtable);
	br_x509_minimal_set_hash(&x, br_sha512_ID, &br_sha512_vtable);
	x.vtable->start_chain(v, name);
	for (size_t i = 0; i < chain->count; i++) {
		x.vtable->start_cert(v, (uint32_t)chain->list[i].len);
		x.vtable->append(v, chain->list[i].der, chain->list[i].len);
		x.vtable->end_cert(v);
	}
	return x.vtable->end_chain(v);
}

struct name {
	size_t len;
	bool too_long;
	unsigned char s[NAME_MAX_OCTETS];
};

static void
take_name(void *data, void const *s, size_t len)
{
	struct name *n = data;

	if (len > sizeof n->s - n->len) {
		n->too_long = true;
		return;
	}
	memcpy(n->s + n->len, s, len);
	n->len += len;
}

unsigned
tls_chain_verify_below(
	struct tls_chain const *chain, size_t index, char const *name)
{
	static br_x509_decoder_context d;
	static struct name dn;
	struct tls_chain below = *chain;
	br_x509_trust_anchor anchor = {.flags = BR_X509_TA_CA};
	br_x509_pkey const *key;

	if (index == 0 || index >= chain->count)
		return BR_ERR_X509_NOT_TRUSTED;
	dn.len = 0;
	dn.too_long = false;
	br_x509_decoder_init(&d, take_name, &dn);
	br_x509_decoder_push(
		&d, chain->list[index].der, chain->list[index].len);
	key = br_x509_decoder_get_pkey(&d);
	if (key == NULL || dn.too_long)
		return BR_ERR_X509_NOT_TRUSTED;
	if (!br_x509_decoder_isCA(&d))
		return BR_ERR_X509_NOT_CA;
	anchor.dn.data = dn.s;
	anchor.dn.len = dn.len;
	anchor.pkey = *key;
	below.count = index;
	return tls_chain_verify(&below, &anchor, 1, name);
}

char const *
tls_chain_strerror(unsigned error)
{
	switch (error) {
	case 0:
		return "it is fine";
	case BR_ERR_X509_EMPTY_CHAIN:
		return "there is none";
	case BR_ERR_X509_EXPIRED:
		return "it has expired, or is not valid yet";
	case BR_ERR_X509_BAD_SERVER_NAME:
		return "it is for another name";
	case BR_ERR_X509_NOT_TRUSTED:
		return "no known authority has signed it";
	case BR_ERR_X509_BAD_SIGNATURE:
		return "a signature is wrong";
	case BR_ERR_X509_NOT_CA:
	case BR_ERR_X509_FORBIDDEN_KEY_USAGE:
		return "a certificate may not be used so";
	case BR_ERR_X509_WEAK_PUBLIC_KEY:
		return "a key is too weak";
	case BR_ERR_X509_CRITICAL_EXTENSION:
	case BR_ERR_X509_UNSUPPORTED:
		return "it uses what is not supported";
	default:
		return "it is malformed";
	}
}
