/* Any draft: what is made of it is ASCII in lines of bearable length, and has
 * the parts it was given. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "mime/draft.h"
#include "mime/encode.h"
#include "mime/safename.h"
#include "mime/structure.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
check(stralloc const *out, size_t attachments)
{
	static struct structure_part parts[8];
	size_t line = 0;

	for (size_t i = 0; i < out->len; i++) {
		line = out->s[i] == '\n' ? 0 : line + 1;
		if ((unsigned char)out->s[i] >= 0x80 || line > ENCODE_LINE_MAX)
			abort();
	}
	if (structure_parse(out->s, out->len, parts, 8) !=
		(attachments > 0 ? attachments + 2 : 1))
		abort();
}

static void
check_name(uint8_t const *data, size_t size)
{
	stralloc name = STRALLOC_ZERO;

	if (!safename((char const *)data, size, &name) ||
		name.len > SAFENAME_MAX ||
		(name.len > 0 && (memchr(name.s, '/', name.len) ||
					 memchr(name.s, '\0', name.len) ||
					 name.s[0] == '.' || name.s[0] == '-')))
		abort();
	stralloc_free(&name);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct draft_attachment const attachment = {
		.name = "a.txt", .s = (char const *)data, .len = size};
	struct draft const d = {.s = (char const *)data,
		.len = size,
		.attachments = &attachment,
		.attachments_count = size & 1,
		.id = "id",
		.boundary = "=_boundary"};
	struct draft_error e;
	stralloc out = STRALLOC_ZERO;

	if (draft_compose(&d, &out, &e))
		check(&out, d.attachments_count);
	else if (!e.what)
		abort();
	stralloc_free(&out);
	check_name(data, size);
	return 0;
}
