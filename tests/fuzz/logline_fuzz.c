/* common/logline: pairs go forward, stay within the line, and end. */
#include <stdint.h>
#include <stdlib.h>
#include "common/logline.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char const *const s = (char const *)data;
	struct logline_pair p;
	struct logline l;
	char value[64];
	size_t pos = 0, last;

	if (!logline_parse(s, size, &l)) {
		/* Most of what is tried has no time in front. */
		l = (struct logline){.pairs = s, .pairs_len = size};
	}
	for (last = 0; logline_next(&l, &pos, &p); last = pos)
		if (pos <= last || pos > l.pairs_len || p.key < l.pairs ||
			p.value + p.value_len > l.pairs + l.pairs_len ||
			logline_value(&p, value, sizeof value) >= sizeof value)
			abort();
	return 0;
}
