/* TLSA records against a chain: any octets are both. */
#include <stddef.h>
#include <stdint.h>
#include "remote/tlsa.h"

int LLVMFuzzerTestOneInput(uint8_t const *s, size_t len);
int
LLVMFuzzerTestOneInput(uint8_t const *s, size_t len)
{
	static struct tlsa_set set;
	struct tls_chain chain = {.count = 2};
	char const *names[] = {"mx.example.org"};
	struct dns_tlsa r;
	unsigned error;
	size_t cut;

	if (len < 5)
		return 0;
	set.count = set.used = 0;
	r = (struct dns_tlsa){s[0] & 7u, s[1] & 3u, s[2] & 3u, s + 4, len - 4};
	cut = s[3] % (len - 4);
	(void)tlsa_add(&set, &r);
	tlsa_settle(&set);
	chain.list[0] = (struct tls_certificate_der){s + 4, len - 4 - cut};
	chain.list[1] = (struct tls_certificate_der){s + 4, len - 4};
	(void)tlsa_verify(&set, &chain, names, 1, &error);
	return 0;
}
