/* Any octets as a file of keys: walked over, copied, never left. */
#include <stdint.h>
#include <stdlib.h>
#include "common/admin/pgpkeys.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char const *s = (char const *)data;
	struct pgpkeys_span key, a;
	stralloc out = STRALLOC_ZERO;
	size_t pos = 0;

	while (pgpkeys_next(s, size, &pos, &key) > 0) {
		size_t at = 0;

		out.len = 0;
		while (pgpkeys_address(s, &key, &at, &a))
			if (a.start < key.start || a.end > key.end)
				abort();
		if (!pgpkeys_copy(&out, s, &key, "a@b", 3) ||
			out.len > key.end - key.start)
			abort();
	}
	stralloc_free(&out);
	return 0;
}
