/* Any text as a destination: what is accepted can be asked for or connected to.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "remote/destination.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct destination d, again;

	if (!destination_parse((char const *)data, size, &d))
		return 0;
	if (d.port > 65535 || memchr(d.name, '\0', sizeof d.name) == NULL)
		abort();
	if (d.address_len == 0 ? !dns_name_valid(d.name)
			       : d.by_mx || d.name[0] != '[')
		abort();
	if (!destination_parse(d.name, strlen(d.name), &again) ||
		strcmp(again.name, d.name) != 0 ||
		again.address_len != d.address_len)
		abort();
	return 0;
}
