/* Certificate authorities from PEM: see tls_anchors.h. */
#include "common/tls_anchors.h"
#include <errno.h>
#include <skalibs/stralloc.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	stralloc der, dn;
	bool failed; /* memory */
};

static void
take_der(void *arg, void const *s, size_t len)
{
	struct reader *r = arg;

	r->failed = r->failed || !stralloc_catb(&r->der, s, len);
}

static void
take_dn(void *arg, void const *s, size_t len)
{
	struct reader *r = arg;

	r->failed = r->failed || !stralloc_catb(&r->dn, s, len);
}

static unsigned char *
copy(unsigned char const *s, size_t len, bool *failed)
{
	unsigned char *to = malloc(len > 0 ? len : 1);

	if (to == NULL)
		*failed = true;
	else
		memcpy(to, s, len);
	return to;
}

/* What was read points into the decoder. */
static void
keep(br_x509_trust_anchor *a, br_x509_decoder_context *d,
	br_x509_pkey const *key, struct reader *r)
{
	bool *failed = &r->failed;

	*a = (br_x509_trust_anchor){.flags = BR_X509_TA_CA, .pkey = *key};
	if (!br_x509_decoder_isCA(d))
		a->flags = 0;
	a->dn.data = copy((unsigned char const *)r->dn.s, r->dn.len, failed);
	a->dn.len = r->dn.len;
	if (key->key_type == BR_KEYTYPE_RSA) {
		a->pkey.key.rsa.n =
			copy(key->key.rsa.n, key->key.rsa.nlen, failed);
		a->pkey.key.rsa.e =
			copy(key->key.rsa.e, key->key.rsa.elen, failed);
	} else {
		a->pkey.key.ec.q =
			copy(key->key.ec.q, key->key.ec.qlen, failed);
	}
}

static void
add(struct tls_anchors *a, struct reader *r)
{
	br_x509_decoder_context d;
	br_x509_pkey const *key;
	br_x509_trust_anchor *list;

	r->dn.len = 0;
	br_x509_decoder_init(&d, take_dn, r);
	br_x509_decoder_push(&d, r->der.s, r->der.len);
	key = br_x509_decoder_get_pkey(&d);
	if (key == NULL || r->failed)
		return;
	list = realloc(a->list, (a->count + 1) * sizeof *list);
	if (list == NULL) {
		r->failed = true;
		return;
	}
	a->list = list;
	keep(&list[a->count++], &d, key, r);
}

bool
tls_anchors_parse(struct tls_anchors *a, char const *s, size_t len)
{
	struct reader r = {.der = STRALLOC_ZERO, .dn = STRALLOC_ZERO};
	br_pem_decoder_context pem;
	bool wanted = false;

	br_pem_decoder_init(&pem);
	while (len > 0 && !r.failed) {
		size_t const n = br_pem_decoder_push(&pem, s, len);

		s += n;
		len -= n;
		switch (br_pem_decoder_event(&pem)) {
		case BR_PEM_BEGIN_OBJ:
			r.der.len = 0;
			wanted = strcmp(br_pem_decoder_name(&pem),
					 "CERTIFICATE") == 0;
			br_pem_decoder_setdest(&pem, take_der, &r);
			break;
		case BR_PEM_END_OBJ:
			if (wanted && r.der.len > 0)
				add(a, &r);
			break;
		default:
			break;
		}
	}
	stralloc_free(&r.der);
	stralloc_free(&r.dn);
	errno = r.failed ? ENOMEM : EINVAL;
	return !r.failed && a->count > 0;
}
