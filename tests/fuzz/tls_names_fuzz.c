/* Any octets in place of a certificate: nothing beyond them is looked at. */
#include <stdint.h>
#include "common/tls_names.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	(void)tls_names_hold(data, size, "mail.example.org");
	return 0;
}
