/* The header of a message in memory: see fields.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "mime/dkim/fields.h"

#define PIECE 16384

/* Whether the header ends within the first len octets. */
static bool
has_end(char const *s, size_t len, size_t from)
{
	from = from > 3 ? from - 3 : 0;
	return memmem(s + from, len - from, "\r\n\r\n", 4) != NULL ||
	       (len >= 2 && memcmp(s, "\r\n", 2) == 0);
}

static bool
read_bytes(struct source const *message, struct fields *f, size_t *len_r)
{
	size_t len = 0;

	for (;;) {
		char *more = realloc(f->bytes, len + PIECE);
		ssize_t n;
		if (more == NULL)
			return false;
		f->bytes = more;
		n = source_read(message, len, f->bytes + len, PIECE);
		if (n < 0)
			return false;
		*len_r = len + (size_t)n;
		if (n == 0 || has_end(f->bytes, *len_r, len))
			return true;
		len = *len_r;
		if (len > FIELDS_BYTES_MAX) {
			f->is_too_long = true;
			return true;
		}
	}
}

static bool
take_apart(struct fields *fields_r, size_t len)
{
	struct header_field field;
	size_t pos = 0, room = 0;

	while (header_next(fields_r->bytes, len, &pos, &field) > 0) {
		if (field.name_len == 0)
			continue;
		if (fields_r->count == FIELDS_MAX) {
			fields_r->is_too_long = true;
			break;
		}
		if (fields_r->count == room) {
			room = room * 2 + 32;
			struct header_field *more =
				realloc(fields_r->list, room * sizeof *more);
			if (more == NULL)
				return false;
			fields_r->list = more;
		}
		fields_r->list[fields_r->count++] = field;
	}
	fields_r->len = pos;
	fields_r->body_at = pos;
	return true;
}

bool
fields_read(struct source const *message, struct fields *fields_r)
{
	size_t len = 0;

	*fields_r = (struct fields){0};
	return read_bytes(message, fields_r, &len) && take_apart(fields_r, len);
}

bool
fields_take(char *bytes, size_t len, struct fields *fields_r)
{
	*fields_r = (struct fields){.bytes = bytes};
	return take_apart(fields_r, len);
}

void
fields_free(struct fields *f)
{
	free(f->list);
	free(f->bytes);
	f->list = NULL;
	f->bytes = NULL;
	f->count = 0;
}
