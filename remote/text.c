/* Putting together the one line that says how a delivery went. */
#include <stdarg.h>
#include <string.h>
#include "remote/text.h"

void
text_join(char *text_r, size_t size, ...)
{
	char const *piece;
	size_t len = 0;
	va_list args;

	va_start(args, size);
	while ((piece = va_arg(args, char const *)) != NULL) {
		size_t n = strlen(piece);
		if (n > size - 1 - len)
			n = size - 1 - len;
		memcpy(text_r + len, piece, n);
		len += n;
	}
	va_end(args);
	text_r[len] = '\0';
}
