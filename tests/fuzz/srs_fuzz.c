/* Addresses that claim to be of our making; and what is forwarded comes back.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "common/srs.h"

static unsigned char const key[SRS_KEY_LEN] = "a key";

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	char const *s = (char const *)data;
	char made[SRS_ADDRESS_SIZE], back[SRS_ADDRESS_SIZE];
	uint64_t const now = UINT64_C(1795530000);
	enum addr_error error;
	struct addr a, m;
	size_t len, n;

	(void)srs_is_form(s, size);
	(void)srs_reverse(key, now, s, size, back, &n);
	assert(n < sizeof back && back[n] == '\0');
	if (!addr_parse(s, size, ADDR_ALLOW_LONG | ADDR_ALLOW_UTF8, &a, &error))
		return 0;
	len = srs_forward(key, now, &a, "own.test", made);
	if (len == 0)
		return 0;
	assert(addr_parse(
		made, len, ADDR_ALLOW_LONG | ADDR_ALLOW_UTF8, &m, &error));
	assert(srs_reverse(key, now, m.local, m.local_len, back, &n) ==
		SRS_FINE);
	assert(srs_is_form(a.local, a.local_len) ||
		memchr(a.whole, '"', a.whole_len) != NULL ||
		(n == a.local_len + 1 + a.domain_len &&
			memcmp(back, a.local, n) == 0));
	return 0;
}
