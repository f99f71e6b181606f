/* What MTA-STS publishes, and what sts keeps of it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "remote/stscache.h"

int LLVMFuzzerTestOneInput(uint8_t const *s, size_t len);
int
LLVMFuzzerTestOneInput(uint8_t const *s, size_t len)
{
	static struct stscache c;
	char id[STSPOLICY_ID_SIZE];

	(void)stspolicy_record((char const *)s, len, id);
	(void)stscache_parse((char const *)s, len, &c);
	if (!stspolicy_parse((char const *)s, len, &c.policy))
		return 0;
	for (size_t i = 0; i < c.policy.mx_count; i++)
		if (c.policy.mx[i][0] != '*' &&
			!stspolicy_names(&c.policy, c.policy.mx[i]))
			abort();
	return 0;
}
