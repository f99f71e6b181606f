/* Any address list: it ends, and its pieces lie inside the buffer. */
#include <stdint.h>
#include <stdlib.h>
#include "mime/address.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static size_t
inside(char const *buf, size_t size, struct address_text const *text)
{
	if (text->s && (text->s < buf ||
			       text->s + text->len > buf + ADDRESS_BUF(size)))
		abort();
	return text->len;
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct address_cursor c;
	struct address a;
	char *buf = malloc(ADDRESS_BUF(size));
	size_t octets = 0, count = 0;
	int depth = 0;

	address_init(&c, (char const *)data, size, buf);
	while (address_next(&c, &a) > 0) {
		octets += inside(buf, size, &a.name);
		octets += inside(buf, size, &a.route);
		octets += inside(buf, size, &a.local);
		octets += inside(buf, size, &a.host);
		if (a.kind == ADDRESS_GROUP_START)
			depth++;
		else if (a.kind == ADDRESS_GROUP_END)
			depth--;
		if (depth < 0 || depth > 1 || ++count > 2 * size + 2)
			abort();
	}
	/* Nothing is said twice. */
	if (depth != 0 || octets > size)
		abort();
	free(buf);
	return 0;
}
