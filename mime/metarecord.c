/* Records of kereru-meta; see metarecord.h. */
#include <string.h>

#include "common/crc32c.h"
#include "mime/metarecord.h"

bool
metarecord_is_head(struct meta_head const *h)
{
	return h->len >= sizeof *h && h->len <= META_RECORD_MAX &&
	       h->len % META_UNIT == 0;
}

bool
metarecord_is_whole(char const *s, size_t len)
{
	struct meta_head h;

	if (len < sizeof h)
		return false;
	memcpy(&h, s, sizeof h);
	return metarecord_is_head(&h) && h.len == len &&
	       h.crc == crc32c(0, s + sizeof h.crc, len - sizeof h.crc);
}

bool
metarecord_take_apart(char const *s, size_t len, struct metarecord *r_r,
	struct meta_entry *e_r)
{
	char const *texts[METARECORD_TEXTS];
	size_t at = sizeof *r_r;

	if (len < sizeof *r_r)
		return false;
	memcpy(r_r, s, sizeof *r_r);
	for (int k = 0; k < METARECORD_TEXTS; k++) {
		if (r_r->lens[k] > len - at)
			return false;
		texts[k] = s + at;
		at += r_r->lens[k];
	}
	*e_r = (struct meta_entry){.present = r_r->present,
		.size = r_r->size,
		.date = r_r->date,
		.envelope = texts[METARECORD_ENVELOPE],
		.envelope_len = r_r->lens[METARECORD_ENVELOPE],
		.structure = texts[METARECORD_STRUCTURE],
		.structure_len = r_r->lens[METARECORD_STRUCTURE],
		.body = texts[METARECORD_BODY],
		.body_len = r_r->lens[METARECORD_BODY],
		.header = texts[METARECORD_HEADER],
		.header_len = r_r->lens[METARECORD_HEADER]};
	memcpy(e_r->digest, r_r->digest, sizeof e_r->digest);
	return true;
}

uint32_t
metarecord_name(char const *base, size_t len)
{
	return crc32c(0, base, len);
}
