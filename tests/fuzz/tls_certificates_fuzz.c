/* The file of our certificate chains. */
#include <stdlib.h>
#include <string.h>
#include "common/tls_internal.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	static struct tls_certificates c;
	unsigned char *s = malloc(size > 0 ? size : 1);
	size_t sum = 0;

	if (s == NULL)
		abort();
	if (size > 0)
		memcpy(s, data, size);
	if (tls_certificates_parse(s, size, &c))
		for (size_t i = 0; i < c.count; i++)
			for (size_t j = 0; j < c.list[i].chain_len; j++) {
				br_x509_certificate *x = &c.list[i].chain[j];
				sum += x->data[0];
				sum += x->data[x->data_len - 1];
			}
	free(s);
	return sum > size * 510;
}
