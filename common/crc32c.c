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

__attribute__((target("sse4.2"))) static void
lanes_by_instruction(uint32_t lanes[4], unsigned char const *s, size_t len)
{
	uint64_t a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3];

	for (; len > 0; s += 32, len -= 32) {
		uint64_t words[4];

		memcpy(words, s, sizeof words);
		a = _mm_crc32_u64(a, words[0]);
		b = _mm_crc32_u64(b, words[1]);
		c = _mm_crc32_u64(c, words[2]);
		d = _mm_crc32_u64(d, words[3]);
	}
	lanes[0] = (uint32_t)a;
	lanes[1] = (uint32_t)b;
	lanes[2] = (uint32_t)c;
	lanes[3] = (uint32_t)d;
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

static void
lanes_by_instruction(uint32_t lanes[4], unsigned char const *s, size_t len)
{
	(void)lanes;
	(void)s;
	(void)len;
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

uint32_t
crc32c_lanes(void const *data, size_t len)
{
	unsigned char const *const s = data;
	size_t const even = len / 32 * 32;
	uint32_t lanes[4] = {1, 2, 3, 4};

	if (has_instruction())
		lanes_by_instruction(lanes, s, even);
	else
		for (size_t at = 0; at < even; at += 8)
			lanes[at / 8 % 4] =
				by_table(lanes[at / 8 % 4], s + at, 8);
	/* The same on every machine: octet by octet, the low ones first. */
	for (unsigned k = 0; k < 4; k++) {
		unsigned char const octets[4] = {(unsigned char)lanes[k],
			(unsigned char)(lanes[k] >> 8),
			(unsigned char)(lanes[k] >> 16),
			(unsigned char)(lanes[k] >> 24)};

		lanes[0] = k == 0 ? crc32c(0, octets, 4)
				  : crc32c(lanes[0], octets, 4);
	}
	return crc32c(lanes[0], s + even, len - even);
}
