/* Our certificate chains, as `kereru compile` writes them. */
#include "common/tls_internal.h"

struct in {
	unsigned char *s;
	size_t len;
	bool failed;
};

static uint32_t
get(struct in *in, size_t octets)
{
	uint32_t n = 0;

	if (in->len < octets) {
		in->failed = true;
		return 0;
	}
	for (size_t i = 0; i < octets; i++)
		n = n << 8 | in->s[i];
	in->s += octets;
	in->len -= octets;
	return n;
}

static void
get_chain(struct in *in, struct tls_certificate *c)
{
	c->key_type = (char)get(in, 1);
	c->chain_len = get(in, 1);
	if ((c->key_type != 'E' && c->key_type != 'R') || c->chain_len == 0 ||
		c->chain_len > TLS_CHAIN_MAX) {
		in->failed = true;
		return;
	}
	for (size_t i = 0; i < c->chain_len && !in->failed; i++) {
		size_t len = get(in, 4);

		if (len == 0 || len > in->len) {
			in->failed = true;
			return;
		}
		c->chain[i].data = in->s;
		c->chain[i].data_len = len;
		in->s += len;
		in->len -= len;
	}
}

bool
tls_certificates_parse(
	unsigned char *s, size_t len, struct tls_certificates *certificates_r)
{
	struct in in = {.s = s, .len = len};

	certificates_r->count = get(&in, 4);
	if (certificates_r->count > TLS_CERTIFICATES_MAX)
		return false;
	for (size_t i = 0; i < certificates_r->count && !in.failed; i++)
		get_chain(&in, &certificates_r->list[i]);
	return !in.failed && in.len == 0;
}
