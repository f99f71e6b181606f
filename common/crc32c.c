/* CRC-32C; see crc32c.h. */
#include <stdbool.h>
#include <string.h>

#include "common/crc32c.h"

#define POLYNOMIAL 0x82F63B78u /* reflected */

static uint32_t
by_table(uint32_t crc, unsigned char const *s, size_t len)
{
	static uint32_t table[256];

	if (table[1] == 0)
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = i;

			for (int k = 0; k < 8; k++)
				c = c & 1 ? c >> 1 ^ POLYNOMIAL : c >> 1;
			table[i] = c;
		}
	while (len-- > 0)
		crc = crc >> 8 ^ table[(crc ^ *s++) & 0xff];
	return crc;
}

#ifdef __x86_64__
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t crc, unsigned char const *s, size_t len)
{
	uint64_t c = crc;

	for (; len >= 8; s += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, s, sizeof word);
		c = _mm_crc32_u64(c, word);
	}
	crc = (uint32_t)c;
	while (len-- > 0)
		crc = _mm_crc32_u8(crc, *s++);
	return crc;
}

static bool
has_instruction(void)
{
	return __builtin_cpu_supports("sse4.2");
}
#else
static uint32_t
by_instruction(uint32_t crc, unsigned char const *s, size_t len)
{
	return by_table(crc, s, len);
}

static bool
has_instruction(void)
{
	return false;
}
#endif

uint32_t
crc32c(uint32_t crc, void const *s, size_t len)
{
	crc = ~crc;
	crc = has_instruction() ? by_instruction(crc, s, len)
				: by_table(crc, s, len);
	return ~crc;
}
