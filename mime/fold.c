/* Lower case; see fold.h. */
#include <stdbool.h>
#include <stdint.h>

#include "mime/fold.h"

enum step {
	ALTERNATE, /* upper and lower in turn, upper at even code points */
	ODD	   /* the same, upper at odd ones */
};

/* Ranges of capitals, by code point. add: to the small letter. */
static struct {
	uint16_t first, last;
	uint16_t add; /* 0: by step */
	enum step step;
} const ranges[] = {
	{0x00c0, 0x00d6, 32, 0},
	{0x00d8, 0x00de, 32, 0},
	{0x0100, 0x012f, 0, ALTERNATE},
	{0x0132, 0x0137, 0, ALTERNATE},
	{0x0139, 0x0148, 0, ODD},
	{0x014a, 0x0177, 0, ALTERNATE},
	{0x0179, 0x017e, 0, ODD},
	{0x01cd, 0x01dc, 0, ODD},
	{0x01de, 0x01ef, 0, ALTERNATE},
	{0x01f8, 0x021f, 0, ALTERNATE},
	{0x0222, 0x0233, 0, ALTERNATE},
	{0x0388, 0x038a, 37, 0},
	{0x0391, 0x03a1, 32, 0},
	{0x03a3, 0x03ab, 32, 0},
	{0x0386, 0x0386, 38, 0},
	{0x038c, 0x038c, 64, 0},
	{0x038e, 0x038f, 63, 0},
	{0x0400, 0x040f, 80, 0},
	{0x0410, 0x042f, 32, 0},
	{0x0460, 0x0481, 0, ALTERNATE},
	{0x048a, 0x04bf, 0, ALTERNATE},
	{0x04c1, 0x04ce, 0, ODD},
	{0x04d0, 0x052f, 0, ALTERNATE},
	{0x0531, 0x0556, 48, 0},
	{0x1e00, 0x1e95, 0, ALTERNATE},
	{0x1ea0, 0x1eff, 0, ALTERNATE},
	{0xff21, 0xff3a, 32, 0},
};

static uint32_t
lower(uint32_t c)
{
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
		if (c < ranges[i].first || c > ranges[i].last)
			continue;
		if (ranges[i].add != 0)
			return c + ranges[i].add;
		return (c & 1) == (ranges[i].step == ODD) ? c + 1 : c;
	}
	/* The final sigma is searched for as any other. */
	return c == 0x03c2 ? 0x03c3 : c;
}

static bool
is_tail(char const *s, size_t len, size_t i)
{
	return i < len && ((unsigned char)s[i] & 0xc0) == 0x80;
}

static uint32_t
tail(char const *s, size_t i)
{
	return (unsigned char)s[i] & 0x3fu;
}

void
fold(char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char const c = (unsigned char)s[i];
		uint32_t code;

		if (c >= 'A' && c <= 'Z') {
			s[i] = (char)(c + 32);
		} else if (c >= 0xc3 && c <= 0xdf && is_tail(s, len, i + 1)) {
			code = lower((c & 0x1fu) << 6 | tail(s, i + 1));
			if (code < 0x800) {
				s[i] = (char)(0xc0 | code >> 6);
				s[i + 1] = (char)(0x80 | (code & 0x3f));
			}
			i++;
		} else if ((c == 0xe1 || c == 0xef) && is_tail(s, len, i + 1) &&
			   is_tail(s, len, i + 2)) {
			code = lower((c & 0xfu) << 12 | tail(s, i + 1) << 6 |
				     tail(s, i + 2));
			s[i] = (char)(0xe0 | code >> 12);
			s[i + 1] = (char)(0x80 | (code >> 6 & 0x3f));
			s[i + 2] = (char)(0x80 | (code & 0x3f));
			i += 2;
		}
	}
}
