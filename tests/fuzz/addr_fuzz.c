/* Any path: what is accepted lies inside the input, and its key is stable. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "common/addr.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char key[ADDR_KEY_MAX], again[ADDR_KEY_MAX];
	struct addr a, b;
	size_t used, n;
	enum addr_error e;

	if (size == 0)
		return 0;
	unsigned flags = data[0] & 31u;
	char const *s = (char const *)data + 1;
	size--;
	(void)addr_is_domain(s, size, flags);
	if (!addr_parse_path(s, size, flags, &a, &used, &e))
		return 0;
	if (used > size || a.whole < s || a.whole + a.whole_len >= s + size)
		abort();
	n = addr_key(&a, key, sizeof key);
	if ((n == 0) != (a.whole_len == 0))
		abort();
	if (a.domain_len == 0)
		return 0;
	if (!addr_parse(key, n, ADDR_ALLOW_UTF8 | ADDR_ALLOW_LONG, &b, &e) ||
		addr_key(&b, again, sizeof again) != n ||
		memcmp(key, again, n) != 0)
		abort();
	return 0;
}
