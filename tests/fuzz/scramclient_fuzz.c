/* Any server: its two messages, with a newline between. */
#include <stdlib.h>
#include <string.h>
#include "common/scramclient.h"

#define NONCE "abcdefghijklmnopqrstuvwx"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char const *s = (char const *)data;
	char const *end = size > 0 ? memchr(s, '\n', size) : NULL;
	size_t len = end != NULL ? (size_t)(end - s) : size;
	char out[SCRAMCLIENT_MESSAGE_MAX];
	struct scramclient x;

	/* Work that a server may ask for is not what is looked for here. */
	if (memmem(s, len, "i=4096", 6) == NULL && len % 16 != 0)
		return 0;
	if (scramclient_first(&x, "user", 4, NONCE, out) == 0)
		abort();
	if (scramclient_final(&x, s, len, "pencil", 6, out) >
		SCRAMCLIENT_MESSAGE_MAX)
		abort();
	/* Nobody guesses a signature. */
	if (end != NULL && scramclient_verify(&x, end + 1, size - len - 1))
		abort();
	return 0;
}
