/* The client's message of OAUTHBEARER. */
#include <stdint.h>
#include <stdlib.h>
#include "common/monitor/bearer.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char const *s = (char const *)data;
	struct bearer b;

	if (bearer_parse(s, size, &b) &&
		(b.user_len > sizeof b.user || b.token_len == 0 ||
			b.token < s || b.token + b.token_len > s + size))
		abort();
	return 0;
}
