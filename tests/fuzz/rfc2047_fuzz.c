/* Any value: what comes out is UTF-8, and harmless on a terminal. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "mime/charset.h"
#include "mime/rfc2047.h"
#include "mime/terminal.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
check_utf8(stralloc const *sa)
{
	stralloc again = STRALLOC_ZERO;

	if (!charset_to_utf8("utf-8", 5, sa->s ? sa->s : "", sa->len, &again) ||
		again.len != sa->len ||
		(sa->len > 0 && memcmp(again.s, sa->s, sa->len) != 0))
		abort();
	stralloc_free(&again);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	stralloc decoded = STRALLOC_ZERO, shown = STRALLOC_ZERO;

	if (!rfc2047_decode(&decoded, (char const *)data, size))
		abort();
	check_utf8(&decoded);
	if (!terminal_line(&shown, decoded.s ? decoded.s : "", decoded.len))
		abort();
	check_utf8(&shown);
	for (size_t i = 0; i < shown.len; i++)
		if ((unsigned char)shown.s[i] < ' ' || shown.s[i] == 0x7f)
			abort();
	stralloc_free(&decoded);
	stralloc_free(&shown);
	return 0;
}
