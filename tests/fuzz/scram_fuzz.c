/* SCRAM messages: two of the client's, with a newline between. */
#include <stdlib.h>
#include <string.h>
#include "common/monitor/scram.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct scramkey key = {.iterations = SCRAMKEY_ITERATIONS_MAX};
	char const *s = (char const *)data;
	char const *end = size > 0 ? memchr(s, '\n', size) : NULL;
	size_t len = end != NULL ? (size_t)(end - s) : size;
	char out[LOGIN_CHALLENGE_MAX], text[SCRAMKEY_TEXT_SIZE];
	struct scram x;

	if (scramkey_parse(s, size, &key)) {
		scramkey_format(text, &key);
		if (strlen(text) != size || memcmp(text, s, size) != 0)
			abort();
	}
	if (!scram_first(&x, s, len))
		return 0;
	if (x.user_len == 0 || x.user_len > sizeof x.user ||
		scram_challenge(&x, &key, "abcdefghijklmnopqrstuvwx", out) >=
			LOGIN_CHALLENGE_MAX)
		abort();
	/* Nobody guesses a proof. */
	if (end != NULL && scram_final(&x, &key, end + 1, size - len - 1, out))
		abort();
	return 0;
}
