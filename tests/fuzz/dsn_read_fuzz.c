/* Any message: what is found lies inside it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "common/dsn_read.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct dsn_recipient all[10];
	char const *s = (char const *)data;
	size_t n = dsn_read(s, size, all, 10);

	for (size_t i = 0; i < n; i++)
		if ((all[i].address_len > 0 &&
			    (all[i].address < s ||
				    all[i].address + all[i].address_len >
					    s + size)) ||
			strlen(all[i].status) > DSN_READ_STATUS_MAX)
			abort();
	return 0;
}
