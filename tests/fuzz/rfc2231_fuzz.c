/* Any Content-* value: parameters move on, and what is found is UTF-8. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "mime/charset.h"
#include "mime/rfc2045.h"
#include "mime/rfc2231.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
walk(char const *s, size_t len, size_t pos)
{
	struct rfc2045_param param;
	char *out = malloc(len + 1);

	for (;;) {
		size_t const before = pos;

		if (rfc2045_param(s, len, &pos, &param) == 0)
			break;
		if (pos <= before || pos > len || param.name < s ||
			param.value + param.value_len > s + len ||
			rfc2045_value(&param, out) > param.value_len)
			abort();
	}
	free(out);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char const *s = (char const *)data;
	stralloc out = STRALLOC_ZERO, again = STRALLOC_ZERO;
	size_t type, type_len, subtype, subtype_len, pos = 0;

	if (rfc2045_type(
		    s, size, &type, &type_len, &subtype, &subtype_len, &pos) &&
		(pos > size || type + type_len > subtype))
		abort();
	walk(s, size, pos);
	if (rfc2231_find(s, size, pos, "name", &out) < 0)
		abort();
	if (out.len > 0 &&
		(!charset_to_utf8("utf-8", 5, out.s, out.len, &again) ||
			again.len != out.len ||
			memcmp(again.s, out.s, out.len) != 0))
		abort();
	stralloc_free(&out);
	stralloc_free(&again);
	return 0;
}
