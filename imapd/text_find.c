/* Finding a string; see text_find.h. */
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "imapd/text_find.h"

#ifdef __SSE2__
static __m128i
load(char const *p)
{
	__m128i v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* Bits of the 16 places from p where a match could start. */
static unsigned
candidates(char const *p, size_t len, __m128i first, __m128i last)
{
	__m128i const a = _mm_cmpeq_epi8(load(p), first);
	__m128i const b = _mm_cmpeq_epi8(load(p + len - 1), last);

	return (unsigned)_mm_movemask_epi8(_mm_and_si128(a, b));
}

char const *
text_find(char const *text, size_t text_len, char const *s, size_t len)
{
	__m128i const first = _mm_set1_epi8(s[0]);
	__m128i const last = _mm_set1_epi8(s[len - 1]);
	size_t i = 0;

	if (text_len < len)
		return NULL;
	for (; text_len - i >= len + 15; i += 16) {
		unsigned bits = candidates(text + i, len, first, last);

		while (bits != 0) {
			char const *const at =
				text + i + (unsigned)__builtin_ctz(bits);

			if (memcmp(at, s, len) == 0)
				return at;
			bits &= bits - 1;
		}
	}
	return memmem(text + i, text_len - i, s, len);
}
#else
char const *
text_find(char const *text, size_t text_len, char const *s, size_t len)
{
	return memmem(text, text_len, s, len);
}
#endif
