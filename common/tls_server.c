/* The server's side of TLS: certificates here, private keys elsewhere. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "common/tls_internal.h"
#include "common/tls_names.h"

static br_ssl_server_context server;
static struct {
	br_ssl_server_policy_class const *vtable;
	tls_sign_function *sign;
	void *sign_data;
	unsigned chosen;
} policy;
static struct tls_certificates certificates;
static char const *alpn[1];

/* SHA-256 first; SHA-1 is never signed. */
static unsigned
choose_hash(uint32_t offered)
{
	static unsigned const hashes[] = {
		br_sha256_ID, br_sha384_ID, br_sha512_ID};

	for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++)
		if (offered >> hashes[i] & 1)
			return hashes[i];
	return 0;
}

/* The first chain whose key can make the signature of suite, and whose key the
 * client can use; of those for name, if that is not empty. */
static bool
choose_for(br_suite_translated const suite, uint32_t hashes, uint32_t curves,
	char const *name, br_ssl_server_choices *choices)
{
	/* RSA in bits 0 to 7, ECDSA in 8 to 15. */
	bool ec = suite[1] >> 12 == BR_SSLKEYX_ECDHE_ECDSA;
	unsigned hash = choose_hash(ec ? hashes >> 8 & 0xFF : hashes & 0xFF);

	if (hash == 0)
		return false;
	for (unsigned i = 0; i < certificates.count; i++) {
		struct tls_certificate const *c = &certificates.list[i];

		if (c->key_type != (ec ? 'E' : 'R') ||
			(ec && !(curves >> c->curve & 1)) ||
			(*name != '\0' && !tls_names_hold(c->chain[0].data,
						  c->chain[0].data_len, name)))
			continue;
		policy.chosen = i;
		choices->cipher_suite = suite[0];
		choices->algo_id = 0xFF00 + hash;
		choices->chain = c->chain;
		choices->chain_len = c->chain_len;
		return true;
	}
	return false;
}

static int
policy_choose(br_ssl_server_policy_class const **pctx,
	br_ssl_server_context const *cc, br_ssl_server_choices *choices)
{
	uint32_t hashes = br_ssl_server_get_client_hashes(cc);
	uint32_t curves = br_ssl_server_get_client_curves(cc);
	size_t count;
	br_suite_translated const *suites =
		br_ssl_server_get_client_suites(cc, &count);

	char const *name = br_ssl_engine_get_server_name(&cc->eng);

	(void)pctx;
	/* A certificate for the name comes before the better suite; for a name
	 * that we have none for, any will do (SMTP clients seldom look). */
	for (size_t i = 0; *name != '\0' && i < count; i++)
		if (choose_for(suites[i], hashes, curves, name, choices))
			return 1;
	for (size_t i = 0; i < count; i++)
		if (choose_for(suites[i], hashes, curves, "", choices))
			return 1;
	return 0;
}

/* Only ECDHE is offered, whose exchange needs no key of ours. */
static uint32_t
policy_do_keyx(br_ssl_server_policy_class const **pctx, unsigned char *data,
	size_t *len)
{
	(void)pctx;
	(void)data;
	(void)len;
	return 0;
}

static size_t
policy_do_sign(br_ssl_server_policy_class const **pctx, unsigned algo_id,
	unsigned char *data, size_t hash_len, size_t max)
{
	unsigned char signature[TLS_SIGNATURE_MAX];
	size_t len = policy.sign(policy.sign_data, policy.chosen,
		certificates.list[policy.chosen].key_type,
		(int)(algo_id & 0xFF), data, hash_len, signature);

	(void)pctx;
	if (len > sizeof signature || len > max)
		return 0;
	memcpy(data, signature, len);
	return len;
}

static br_ssl_server_policy_class const policy_class = {
	.context_size = sizeof policy,
	.choose = policy_choose,
	.do_keyx = policy_do_keyx,
	.do_sign = policy_do_sign,
};

/* What the leaf says of its key must be what the file says. */
static bool
look_into(struct tls_certificate *c)
{
	br_x509_decoder_context leaf;
	br_x509_pkey const *key;

	br_x509_decoder_init(&leaf, NULL, NULL);
	br_x509_decoder_push(&leaf, c->chain[0].data, c->chain[0].data_len);
	key = br_x509_decoder_get_pkey(&leaf);
	if (key == NULL ||
		key->key_type !=
			(c->key_type == 'E' ? BR_KEYTYPE_EC : BR_KEYTYPE_RSA))
		return false;
	if (c->key_type == 'E')
		c->curve = key->key.ec.curve;
	return c->curve >= 0 && c->curve < 32;
}

bool
tls_server_prepare(struct tls_server_setup const *setup)
{
	struct stat st;
	void *map;

	if (fstat(setup->certificates_fd, &st) < 0)
		return false;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0) {
		errno = ENOENT;
		return false;
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE,
		setup->certificates_fd, 0);
	if (map == MAP_FAILED)
		return false;
	if (!tls_certificates_parse(map, (size_t)st.st_size, &certificates)) {
		errno = EINVAL;
		return false;
	}
	if (certificates.count == 0) {
		errno = ENOENT;
		return false;
	}
	for (size_t i = 0; i < certificates.count; i++)
		if (!look_into(&certificates.list[i])) {
			errno = EINVAL;
			return false;
		}
	policy.vtable = &policy_class;
	policy.sign = setup->sign;
	policy.sign_data = setup->sign_data;
	alpn[0] = setup->alpn;
	return true;
}

bool
tls_server_start(struct stream *s)
{
	uint32_t flags = BR_OPT_ENFORCE_SERVER_PREFERENCES;

	if (!tls_may_start(s))
		return false;
	/* A client that means another protocol is somebody's detour: a request
	 * of a browser, brought here by an attacker (ALPACA). */
	if (alpn[0] != NULL)
		flags |= BR_OPT_FAIL_ON_ALPN_MISMATCH;
	br_ssl_server_zero(&server);
	tls_setup(&server.eng, flags);
	if (alpn[0] != NULL)
		br_ssl_engine_set_protocol_names(&server.eng, alpn, 1);
	br_ssl_server_set_policy(&server, &policy.vtable);
	if (!br_ssl_server_reset(&server)) {
		s->error = errno = EPROTO;
		return false;
	}
	return tls_handshake(s, &server.eng);
}
