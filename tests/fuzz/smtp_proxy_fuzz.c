/* Any header of a balancer: what is found is an address, and every beginning of
 * what parses is not all there yet. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "smtpd/proxy.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char const *s = (char const *)data;
	struct smtp_proxy p, q;
	unsigned char raw[16];
	char address[46];
	size_t used;
	int r;

	(void)smtp_proxy_address(s, size, address);
	if (size == 0)
		return 0;
	r = smtp_proxy_parse(s, size, &p, &used);
	if (r <= 0)
		return 0;
	if (used > size)
		abort();
	if (!p.is_own && inet_pton(AF_INET, p.address, raw) != 1 &&
		inet_pton(AF_INET6, p.address, raw) != 1)
		abort();
	for (size_t i = 1, end = used; i < end; i++)
		if (smtp_proxy_parse(s, i, &q, &used) != 0)
			abort();
	return 0;
}
