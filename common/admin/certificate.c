/* PEM files into what fronts and the monitor map. */
#include <bearssl.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <skalibs/uint32.h>
#include <skalibs/uint16.h>
#include "common/admin/certificate.h"
#include "common/admin/text.h"
#include "common/tls.h"
#include "common/tls_chain.h"
#include "common/tls_names.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX (8 * TLS_SIGNATURE_MAX)
#define WARN_DAYS 14
/* Days from the year 0, where BearSSL counts from, to 1970. */
#define DAYS_TO_1970 719528

struct chain {
	size_t count;
	stralloc der[TLS_CHAIN_MAX];
};

static void
collect(void *data, void const *s, size_t len)
{
	stralloc *sa = data;

	/* Without memory the object is left short, and refused as such. */
	(void)!stralloc_catb(sa, s, len);
}

/*
 * Walk over the objects of a PEM file. begin says where an object's octets go
 * (NULL: nowhere), end is called when it is whole. False: malformed, or begin
 * or end said so.
 */
static bool
pem_walk(struct text const *t, stralloc *(*begin)(void *, char const *),
	bool (*end)(void *, stralloc *), void *data)
{
	br_pem_decoder_context pem;
	size_t pos = 0;
	bool is_inside = false, ended = false;
	stralloc *into = NULL;

	br_pem_decoder_init(&pem);
	while (pos < t->len || !ended) {
		/* A last line without a newline gets one. */
		char const *s = pos < t->len ? t->s + pos : "\n";
		size_t len = pos < t->len ? t->len - pos : 1;
		size_t used = br_pem_decoder_push(&pem, s, len);
		if (pos < t->len)
			pos += used;
		else if (used == 1)
			ended = true;
		switch (br_pem_decoder_event(&pem)) {
		case BR_PEM_BEGIN_OBJ:
			is_inside = true;
			into = begin(data, br_pem_decoder_name(&pem));
			br_pem_decoder_setdest(
				&pem, into != NULL ? collect : NULL, into);
			break;
		case BR_PEM_END_OBJ:
			is_inside = false;
			if (into != NULL && !end(data, into))
				return false;
			break;
		case BR_PEM_ERROR:
			return false;
		}
	}
	return !is_inside;
}

static stralloc *
begin_certificate(void *data, char const *name)
{
	struct chain *chain = data;

	if (strcmp(name, "CERTIFICATE") != 0 &&
		strcmp(name, "X509 CERTIFICATE") != 0)
		return NULL;
	/* The one too many is counted and refused by the caller. */
	if (chain->count >= TLS_CHAIN_MAX) {
		chain->count = TLS_CHAIN_MAX + 1;
		return NULL;
	}
	return &chain->der[chain->count];
}

static bool
end_certificate(void *data, stralloc *der)
{
	struct chain *chain = data;

	(void)der;
	chain->count++;
	return true;
}

static struct tls_certificate_der
der_of(stralloc const *sa)
{
	union {
		char const *in;
		unsigned char const *out;
	} octets = {.in = sa->s};

	return (struct tls_certificate_der){octets.out, sa->len};
}

/* A secret. */
static void
forget(stralloc *sa)
{
	if (sa->s != NULL)
		sodium_memzero(sa->s, sa->len);
	stralloc_free(sa);
}

static stralloc *
begin_key(void *data, char const *name)
{
	size_t len = strlen(name);

	/* PRIVATE KEY, EC PRIVATE KEY, RSA PRIVATE KEY */
	if (len < 11 || strcmp(name + len - 11, "PRIVATE KEY") != 0)
		return NULL;
	return data;
}

static bool
end_key(void *data, stralloc *der)
{
	(void)data;
	(void)der;
	return true;
}

static int64_t
seconds(uint32_t days, uint32_t more)
{
	return ((int64_t)days - DAYS_TO_1970) * 86400 + more;
}

static bool
is_valid_now(br_x509_decoder_context const *x)
{
	int64_t now = (int64_t)time(NULL);

	return now >= seconds(x->notbefore_days, x->notbefore_seconds) &&
	       now <= seconds(x->notafter_days, x->notafter_seconds);
}

static void
check_dates(
	br_x509_decoder_context const *x, char const *path, struct faults *f)
{
	int64_t now = (int64_t)time(NULL);
	int64_t from = seconds(x->notbefore_days, x->notbefore_seconds);
	int64_t to = seconds(x->notafter_days, x->notafter_seconds);

	if (now < from)
		fault_warning(f, path, 0, "is not valid yet");
	if (now > to)
		fault_warning(f, path, 0, "has expired %lld days ago",
			(long long)((now - to) / 86400));
	else if (now + (int64_t)WARN_DAYS * 86400 > to)
		fault_warning(f, path, 0, "expires in %lld days",
			(long long)((to - now) / 86400));
}

static bool
ec_belongs(br_ec_public_key const *public, br_ec_private_key const *private)
{
	unsigned char buffer[BR_EC_KBUF_PUB_MAX_SIZE];
	br_ec_public_key computed;

	return public->curve == private->curve &&
	       br_ec_compute_pub(br_ec_get_default(), &computed, buffer,
		       private) == public->qlen &&
	       memcmp(computed.q, public->q, public->qlen) == 0;
}

static bool
rsa_belongs(br_rsa_public_key const *public, br_rsa_private_key const *private)
{
	unsigned char buffer[RSA_BITS_MAX / 8];
	unsigned char const *n = public->n;
	size_t len = public->nlen;

	while (len > 0 && *n == 0) {
		n++;
		len--;
	}
	return len <= sizeof buffer &&
	       br_rsa_compute_modulus_get_default()(NULL, private) == len &&
	       br_rsa_compute_modulus_get_default()(buffer, private) == len &&
	       memcmp(buffer, n, len) == 0;
}

/* NULL, or why the key can't be used with the certificate. */
static char const *
refuse(br_x509_pkey const *public, br_skey_decoder_context const *key)
{
	br_ec_private_key const *ec = br_skey_decoder_get_ec(key);
	br_rsa_private_key const *rsa = br_skey_decoder_get_rsa(key);
	static char const not_its[] = "is not the key of the certificate";

	if (public == NULL || (ec == NULL && rsa == NULL))
		return "is not a key that can be used (EC or RSA)";
	if (ec != NULL) {
		if (ec->curve != BR_EC_secp256r1 &&
			ec->curve != BR_EC_secp384r1)
			return "is on another curve than P-256 and P-384";
		return public->key_type == BR_KEYTYPE_EC &&
				       ec_belongs(&public->key.ec, ec)
			       ? NULL
			       : not_its;
	}
	if (rsa->n_bitlen < RSA_BITS_MIN || rsa->n_bitlen > RSA_BITS_MAX)
		return "has less than 2048 or more than 4096 bits";
	return public->key_type == BR_KEYTYPE_RSA &&
			       rsa_belongs(&public->key.rsa, rsa)
		       ? NULL
		       : not_its;
}

static bool
add_u32(stralloc *sa, uint32_t n)
{
	char packed[4];

	uint32_pack_big(packed, n);
	return stralloc_catb(sa, packed, sizeof packed);
}

static bool
add_number(stralloc *sa, unsigned char const *s, size_t len)
{
	union {
		unsigned char const *in;
		char const *out;
	} octets = {.in = s};
	char packed[2];

	uint16_pack_big(packed, (uint16_t)len);
	return len <= UINT16_MAX && stralloc_catb(sa, packed, sizeof packed) &&
	       stralloc_catb(sa, octets.out, len);
}

static bool
add_key(stralloc *sa, br_skey_decoder_context const *key)
{
	br_ec_private_key const *ec = br_skey_decoder_get_ec(key);
	br_rsa_private_key const *rsa = br_skey_decoder_get_rsa(key);

	if (ec != NULL)
		return stralloc_append(sa, 'E') &&
		       add_u32(sa, (uint32_t)ec->curve) &&
		       add_number(sa, ec->x, ec->xlen);
	return stralloc_append(sa, 'R') && add_u32(sa, rsa->n_bitlen) &&
	       add_number(sa, rsa->p, rsa->plen) &&
	       add_number(sa, rsa->q, rsa->qlen) &&
	       add_number(sa, rsa->dp, rsa->dplen) &&
	       add_number(sa, rsa->dq, rsa->dqlen) &&
	       add_number(sa, rsa->iq, rsa->iqlen);
}

static bool
add_chain(stralloc *sa, struct chain const *chain, bool is_ec)
{
	if (!stralloc_append(sa, is_ec ? 'E' : 'R') ||
		!stralloc_append(sa, (char)chain->count))
		return false;
	for (size_t i = 0; i < chain->count; i++)
		if (!add_u32(sa, (uint32_t)chain->der[i].len) ||
			!stralloc_catb(sa, chain->der[i].s, chain->der[i].len))
			return false;
	return true;
}

/* True: there is one, and it was read whole. */
static bool
read_pem(struct text *t, char const *folder, char const *path, struct faults *f)
{
	bool ok = *path == '/' ? text_read(t, "", path + 1)
			       : text_read(t, folder, path);

	if (!ok || !t->exists) {
		fault(f, t->path != NULL ? t->path : path, 0,
			"cannot be read: %s", strerror(ok ? ENOENT : errno));
		return false;
	}
	return true;
}

/* One certificate with its key; what was read is freed by the caller. */
static bool
join(struct text *chain_text, struct text *key_text, struct chain *chain,
	stralloc *key_der, stralloc *certs, stralloc *keys, struct faults *f)
{
	br_x509_decoder_context x;
	br_skey_decoder_context key;
	char const *wrong;
	bool ok;

	if (!pem_walk(chain_text, begin_certificate, end_certificate, chain) ||
		chain->count == 0 || chain->count > TLS_CHAIN_MAX) {
		fault(f, chain_text->path, 0,
			"is not a PEM file with 1 to %d certificates",
			TLS_CHAIN_MAX);
		return true;
	}
	br_x509_decoder_init(&x, NULL, NULL);
	br_x509_decoder_push(&x, chain->der[0].s, chain->der[0].len);
	if (br_x509_decoder_get_pkey(&x) == NULL) {
		fault(f, chain_text->path, 0,
			"the first certificate is damaged or of a kind that "
			"is not known (error %d)",
			br_x509_decoder_last_error(&x));
		return true;
	}
	check_dates(&x, chain_text->path, f);
	if (br_x509_decoder_isCA(&x))
		fault_warning(f, chain_text->path, 0,
			"is a CA's own certificate: some clients refuse it as "
			"a server's");
	br_skey_decoder_init(&key);
	if (pem_walk(key_text, begin_key, end_key, key_der))
		br_skey_decoder_push(&key, key_der->s, key_der->len);
	wrong = refuse(br_x509_decoder_get_pkey(&x), &key);
	if (wrong != NULL)
		fault(f, key_text->path, 0, "%s", wrong);
	ok = wrong != NULL ||
	     (add_chain(certs, chain, br_skey_decoder_get_ec(&key) != NULL) &&
		     add_key(keys, &key));
	sodium_memzero(&key, sizeof key);
	return ok;
}

bool
certificate_key_path(char const *chain, stralloc *sa)
{
	size_t len = strlen(chain);

	if (len > 4 && strcmp(chain + len - 4, ".pem") == 0)
		len -= 4;
	return stralloc_catb(sa, chain, len) &&
	       stralloc_catb(sa, ".key", sizeof ".key");
}

static bool
read_one(char const *folder, char const *name, stralloc *certs, stralloc *keys,
	struct faults *f)
{
	struct text chain_text = {0}, key_text = {0};
	struct chain chain = {0};
	stralloc key_path = STRALLOC_ZERO, key_der = STRALLOC_ZERO;
	bool ok = certificate_key_path(name, &key_path);

	if (ok && read_pem(&chain_text, folder, name, f) &&
		read_pem(&key_text, folder, key_path.s, f))
		ok = join(&chain_text, &key_text, &chain, &key_der, certs, keys,
			f);
	for (size_t i = 0; i < TLS_CHAIN_MAX; i++)
		stralloc_free(&chain.der[i]);
	if (key_text.s != NULL)
		sodium_memzero(key_text.s, key_text.len);
	text_free(&chain_text);
	text_free(&key_text);
	forget(&key_der);
	stralloc_free(&key_path);
	return ok;
}

/* What a certificate that serves already is only warned of. */
static void
judge(struct tls_certificate_der const *der, char const *path, char const *host,
	struct faults *f)
{
	br_x509_decoder_context x;

	br_x509_decoder_init(&x, NULL, NULL);
	br_x509_decoder_push(&x, der->der, der->len);
	if (!is_valid_now(&x))
		fault(f, path, 0, "has expired, or is not valid yet");
	if (!tls_names_hold(der->der, der->len, host))
		fault(f, path, 0, "is not for the name %s", host);
}

bool
certificate_pair_read(struct certificate_pair *p, char const *chain,
	char const *key, char const *host, struct faults *f)
{
	struct chain read = {0};
	struct tls_certificate_der first, spki;
	stralloc key_der = STRALLOC_ZERO, keys = STRALLOC_ZERO;
	unsigned char digest[br_sha256_SIZE];
	br_sha256_context sha;
	bool ok =
		read_pem(&p->chain, ".", chain, f) &&
		read_pem(&p->key, ".", key, f) && add_u32(&p->certs, 0) &&
		join(&p->chain, &p->key, &read, &key_der, &p->certs, &keys, f);

	if (ok && f->count == 0) {
		uint32_pack_big(p->certs.s, 1);
		p->is_ec = p->certs.s[4] == 'E';
		first = der_of(&read.der[0]);
		judge(&first, p->chain.path, host, f);
		ok = tls_chain_spki(&first, &spki);
		br_sha256_init(&sha);
		if (ok)
			br_sha256_update(&sha, spki.der, spki.len);
		br_sha256_out(&sha, digest);
		sodium_bin2hex(p->spki, sizeof p->spki, digest, sizeof digest);
	}
	for (size_t i = 0; i < TLS_CHAIN_MAX; i++)
		stralloc_free(&read.der[i]);
	forget(&key_der);
	forget(&keys);
	return ok && f->count == 0;
}

void
certificate_pair_free(struct certificate_pair *p)
{
	if (p->key.s != NULL)
		sodium_memzero(p->key.s, p->key.len);
	text_free(&p->chain);
	text_free(&p->key);
	stralloc_free(&p->certs);
}

bool
certificate_first(char const *folder, char const *path, stralloc *der)
{
	struct faults f = {.is_quiet = true, .is_silent = true};
	struct text t = {0};
	struct chain chain = {0};
	bool ok = read_pem(&t, folder, path, &f) &&
		  pem_walk(&t, begin_certificate, end_certificate, &chain) &&
		  chain.count > 0 &&
		  stralloc_catb(der, chain.der[0].s, chain.der[0].len);

	for (size_t i = 0; i < TLS_CHAIN_MAX; i++)
		stralloc_free(&chain.der[i]);
	text_free(&t);
	return ok;
}

bool
certificate_read(char const *folder, char const *names, stralloc *certs,
	stralloc *keys, struct faults *f)
{
	uint32_t count = 0;

	if (!add_u32(certs, 0) || !add_u32(keys, 0))
		return false;
	while (*names != '\0') {
		size_t len = strcspn(names, " ");
		char *name = strndup(names, len);
		bool ok =
			name != NULL && read_one(folder, name, certs, keys, f);
		free(name);
		if (!ok)
			return false;
		count++;
		names += len;
		names += strspn(names, " ");
	}
	if (count > TLS_CERTIFICATES_MAX)
		fault(f, folder, 0, "more than %d certificates",
			TLS_CERTIFICATES_MAX);
	uint32_pack_big(certs->s, count);
	uint32_pack_big(keys->s, count);
	return true;
}
