/* The client's side of TLS. */
#include <errno.h>
#include <string.h>
#include "common/tls_anchors.h"
#include "common/tls_chain.h"
#include "common/tls_internal.h"

/* Takes any chain, and from its first certificate the key, with which the
 * server then has to prove that it speaks for itself. */
struct any_chain {
	br_x509_class const *vtable;
	br_x509_decoder_context leaf;
	unsigned seen;
	/* Only for who judges: all certificates, one behind the other. */
	tls_judge_function *judge;
	void *data;
	struct tls_chain chain;
	size_t used;
	bool too_long;
	unsigned char octets[TLS_CHAIN_OCTETS];
};

static br_ssl_client_context client;
static struct any_chain any_chain;
static struct tls_anchors const *trusted;
static br_x509_minimal_context chain;

static void
start_chain(br_x509_class const **ctx, char const *server_name)
{
	(void)ctx;
	(void)server_name;
	any_chain.seen = 0;
	any_chain.used = 0;
	any_chain.chain.count = 0;
	any_chain.too_long = false;
}

static void
start_cert(br_x509_class const **ctx, uint32_t len)
{
	struct any_chain *a = &any_chain;

	(void)ctx;
	if (a->seen == 0)
		br_x509_decoder_init(&a->leaf, NULL, NULL);
	if (a->judge == NULL)
		return;
	if (a->seen == TLS_CHAIN_CERTIFICATES ||
		len > sizeof a->octets - a->used)
		a->too_long = true;
	if (!a->too_long)
		a->chain.list[a->chain.count++] =
			(struct tls_certificate_der){a->octets + a->used, 0};
}

static void
append(br_x509_class const **ctx, unsigned char const *s, size_t len)
{
	struct any_chain *a = &any_chain;

	(void)ctx;
	if (a->seen == 0)
		br_x509_decoder_push(&a->leaf, s, len);
	if (a->judge == NULL || a->too_long || len > sizeof a->octets - a->used)
		return;
	memcpy(a->octets + a->used, s, len);
	a->used += len;
	a->chain.list[a->chain.count - 1].len += len;
}

static void
end_cert(br_x509_class const **ctx)
{
	(void)ctx;
	any_chain.seen++;
}

static unsigned
end_chain(br_x509_class const **ctx)
{
	struct any_chain *a = &any_chain;
	unsigned error;

	(void)ctx;
	if (a->seen == 0)
		return BR_ERR_X509_EMPTY_CHAIN;
	error = (unsigned)br_x509_decoder_last_error(&a->leaf);
	if (error != 0 || a->judge == NULL)
		return error;
	if (a->too_long)
		return BR_ERR_X509_LIMIT_EXCEEDED;
	return a->judge(a->data, &a->chain) ? 0 : BR_ERR_X509_NOT_TRUSTED;
}

static br_x509_pkey const *
get_pkey(br_x509_class const *const *ctx, unsigned *usages)
{
	(void)ctx;
	if (usages != NULL)
		*usages = BR_KEYTYPE_KEYX | BR_KEYTYPE_SIGN;
	return br_x509_decoder_get_pkey(&any_chain.leaf);
}

static br_x509_class const any_chain_class = {
	.context_size = sizeof any_chain,
	.start_chain = start_chain,
	.start_cert = start_cert,
	.append = append,
	.end_cert = end_cert,
	.end_chain = end_chain,
	.get_pkey = get_pkey,
};

void
tls_client_trust(struct tls_anchors const *anchors)
{
	trusted = anchors;
}

/* The whole chain is checked, and that the leaf is the host's. */
static void
check_chain(void)
{
	br_x509_minimal_init(&chain, &br_sha256_vtable,
		trusted != NULL ? trusted->list : NULL,
		trusted != NULL ? trusted->count : 0);
	br_x509_minimal_set_rsa(&chain, br_rsa_pkcs1_vrfy_get_default());
	br_x509_minimal_set_ecdsa(
		&chain, br_ec_get_default(), br_ecdsa_vrfy_asn1_get_default());
	br_x509_minimal_set_hash(&chain, br_sha256_ID, &br_sha256_vtable);
	br_x509_minimal_set_hash(&chain, br_sha384_ID, &br_sha384_vtable);
	br_x509_minimal_set_hash(&chain, br_sha512_ID, &br_sha512_vtable);
	br_ssl_engine_set_x509(&client.eng, &chain.vtable);
}

static void
take_any_chain(tls_judge_function *judge, void *data)
{
	any_chain.vtable = &any_chain_class;
	any_chain.judge = judge;
	any_chain.data = data;
	br_ssl_engine_set_x509(&client.eng, &any_chain.vtable);
}

static bool
shake_hands(struct stream *s, char const *host)
{
	if (!br_ssl_client_reset(&client, host, 0)) {
		s->error = errno = EPROTO;
		return false;
	}
	return tls_handshake(s, &client.eng);
}

static void
set_up(void)
{
	br_ssl_client_zero(&client);
	tls_setup(&client.eng, 0);
	br_ssl_engine_set_default_rsavrfy(&client.eng);
	br_ssl_engine_set_default_ecdsa(&client.eng);
}

bool
tls_client_start(struct stream *s, char const *host, enum tls_verify v)
{
	if (!tls_may_start(s))
		return false;
	set_up();
	switch (v) {
	case TLS_VERIFY_NONE:
		take_any_chain(NULL, NULL);
		break;
	case TLS_VERIFY_ANCHORS:
		check_chain();
		break;
	}
	return shake_hands(s, host);
}

bool
tls_client_start_judged(struct stream *s, char const *host,
	tls_judge_function *judge, void *data)
{
	if (!tls_may_start(s))
		return false;
	set_up();
	take_any_chain(judge, data);
	return shake_hands(s, host);
}
