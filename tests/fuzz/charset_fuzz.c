/*
 * Any octets in any set: what comes out is UTF-8, the same in one piece or
 * octet by octet, and harmless on a terminal.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "mime/charset.h"
#include "mime/terminal.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static char const *const names[] = {"utf-8", "us-ascii", "iso-8859-1",
	"iso-8859-2", "koi8-r", "windows-1258", "gb18030", "big5", "euc-kr",
	"shift_jis", "euc-jp", "iso-2022-jp", "iso-2022-kr", "hz-gb-2312",
	"utf-7", "utf-16", "utf-16le", "utf-16be", "utf-32", "utf-32le",
	"no-such-set"};

#define NAMES (sizeof names / sizeof names[0])

static void
decode(char const *name, char const *s, size_t len, size_t step, stralloc *out)
{
	struct charset_decoder d;

	charset_init(&d, name, strlen(name));
	for (size_t pos = 0; pos < len; pos += step)
		if (!charset_push(&d, s + pos,
			    len - pos < step ? len - pos : step, out))
			abort();
	if (!charset_finish(&d, out))
		abort();
}

static void
same(stralloc const *a, stralloc const *b)
{
	if (a->len != b->len || (a->len > 0 && memcmp(a->s, b->s, a->len) != 0))
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	stralloc whole = STRALLOC_ZERO, pieces = STRALLOC_ZERO;
	stralloc again = STRALLOC_ZERO, shown = STRALLOC_ZERO;

	if (size == 0)
		return 0;

	char const *name = names[data[0] % NAMES];
	char const *s = (char const *)data + 1;

	size--;
	decode(name, s, size, size ? size : 1, &whole);
	decode(name, s, size, 1, &pieces);
	same(&whole, &pieces);
	if (whole.len > 0) {
		decode("utf-8", whole.s, whole.len, whole.len, &again);
		same(&whole, &again);
		if (!terminal_line(&shown, whole.s, whole.len))
			abort();
	}
	for (size_t i = 0; i < shown.len; i++)
		if ((unsigned char)shown.s[i] < ' ' || shown.s[i] == 0x7f)
			abort();
	stralloc_free(&whole);
	stralloc_free(&pieces);
	stralloc_free(&again);
	stralloc_free(&shown);
	return 0;
}
