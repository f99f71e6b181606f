/* Any octets as a tag list, a DMARC record, a signature field and a line of
 * report data: what is given back lies inside, and is bounded. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "mime/header.h"
#include "mime/dkim/dkim_signature.h"
#include "smtpd/check/dmarc_line.h"
#include "smtpd/check/dmarc_record.h"
#include "mime/dkim/taglist.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
use_tag(struct tag const *tag)
{
	unsigned char octets[64];
	char text[64];
	char const *item;
	unsigned long long number;
	size_t pos = 0, len, n = 0;

	while (taglist_item(tag, &pos, &item, &len))
		if (item < tag->value ||
			item + len > tag->value + tag->value_len ||
			n++ > tag->value_len)
			abort();
	if (taglist_squeeze(tag, text, sizeof text) &&
		strlen(text) >= sizeof text)
		abort();
	if (taglist_base64(tag, octets, sizeof octets, &len) &&
		len > sizeof octets)
		abort();
	if (!taglist_number(tag, &number))
		(void)taglist_has(tag, "x");
}

static void
use_signature(char const *s, size_t len)
{
	struct header_field f;
	struct dkim_signature sig;
	size_t pos = 0;

	while (header_next(s, len, &pos, &f) > 0)
		for (unsigned kind = 0; f.name_len > 0 && kind < 3; kind++) {
			if (!dkim_signature_parse(kind, &f, &sig)) {
				if (sig.code == DKIM_NONE || sig.why == NULL)
					abort();
				continue;
			}
			if (sig.b_at > sig.b_end || sig.b_end > f.line_len ||
				sig.b_len > sizeof sig.b)
				abort();
		}
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char const *s = (char const *)data;
	struct taglist list;
	struct dmarc_record record;
	struct dmarc_line line;
	unsigned instance;
	size_t rest;

	if (taglist_parse(s, size, &list))
		for (size_t i = 0; i < list.count; i++)
			use_tag(&list.list[i]);
	if (dmarc_record_is(s, size) && dmarc_record_parse(s, size, &record) &&
		(strlen(record.rua) >= sizeof record.rua ||
			strlen(record.fo) >= sizeof record.fo))
		abort();
	if (dkim_signature_instance(s, size, &instance, &rest) &&
		(rest > size || instance < 1 || instance > 50))
		abort();
	if (dmarc_line_parse(s, size, &line) &&
		line.fields[DMARC_FIELD_RUA].s == NULL)
		abort();
	use_signature(s, size);
	return 0;
}
