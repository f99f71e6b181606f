/* Fuzzes mime/metarecord.c: records whose checksum is made right, too. */
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "mime/metarecord.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
read_all(char const *s, size_t len)
{
	char volatile last;

	if (len > 0)
		last = s[len - 1];
	(void)last;
}

static void
try(char const *s, size_t len)
{
	struct metarecord r;
	struct meta_entry e;

	if (!metarecord_is_whole(s, len) ||
		!metarecord_take_apart(s, len, &r, &e))
		return;
	read_all(e.envelope, e.envelope_len);
	read_all(e.structure, e.structure_len);
	read_all(e.body, e.body_len);
	read_all(e.header, e.header_len);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct meta_head h;
	char *const s = calloc(1, size > 0 ? size : 1);

	if (!s)
		return 0;
	if (size > 0)
		memcpy(s, data, size);
	try(s, size);
	if (size >= sizeof h) {
		h.len = (uint32_t)size;
		memcpy(s, &h, sizeof h);
		h.crc = crc32c(0, s + sizeof h.crc, size - sizeof h.crc);
		memcpy(s, &h, sizeof h);
		try(s, size);
	}
	free(s);
	return 0;
}
