/* Any octets as a key record, and as the DER of a key: what is taken is
 * bounded, and can be used. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "mime/dkim/dkim_key.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
use(struct dkim_key const *key)
{
	unsigned char hash[32] = {1}, b[512] = {2};

	if (key->bits > DKIM_RSA_BITS_MAX ||
		key->modulus_len > sizeof key->modulus ||
		key->exponent_len > sizeof key->exponent)
		abort();
	/* Nobody finds a signature by chance. */
	if (!key->is_ed25519 && key->bits >= DKIM_RSA_BITS_MIN &&
		dkim_key_verify(key, hash, b, key->modulus_len) &&
		key->exponent[key->exponent_len - 1] != 1)
		abort();
	if (key->is_ed25519 && dkim_key_verify(key, hash, b, 64))
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct dkim_key key;

	if (dkim_key_parse((char const *)data, size, &key))
		use(&key);
	else if (key.why == NULL)
		abort();
	memset(&key, 0, sizeof key);
	if (dkim_key_rsa(data, size, &key))
		use(&key);
	return 0;
}
