/* Any octets as a header with Autocrypt fields, divided and merged too. */
#include <stdint.h>
#include <stdlib.h>
#include "mime/autocrypt.h"
#include "mime/entity.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char const *s = (char const *)data;
	stralloc key = STRALLOC_ZERO, out = STRALLOC_ZERO;
	enum autocrypt_result result;
	bool mutual;

	if (!autocrypt_read(s, size, &key, &mutual, &result) ||
		key.len > AUTOCRYPT_KEY_MAX || (key.len > 0 && result != 0))
		abort();
	if (!entity_merge(&out, s, size / 2, s + size / 2, size - size / 2) ||
		!entity_lf(&out, s, size))
		abort();
	(void)entity_is_protected(s, size);
	stralloc_free(&key);
	stralloc_free(&out);
	return 0;
}
