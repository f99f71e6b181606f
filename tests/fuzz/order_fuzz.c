/* Any command: what is taken has ids or a domain that lie inside the input. */
#include <stdint.h>
#include <stdlib.h>
#include "queue/order.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct order c;
	char const *s = (char const *)data;

	if (!order_parse(s, size, &c))
		return 0;
	for (size_t i = 0; i < c.count; i++)
		if (!id_valid(c.ids[i], ID_LEN))
			abort();
	if (c.verb == ORDER_WAKE_DOMAIN &&
		(c.domain < s || c.domain + c.domain_len > s + size))
		abort();
	return 0;
}
