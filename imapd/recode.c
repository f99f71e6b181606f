/* Binary parts as base64; see recode.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "imapd/recode.h"
#include "mime/encode.h"
#include "mime/header.h"
#include "mime/structure.h"

/* Is it `binary`, with blanks around? */
static bool
is_binary(struct header_field const *field)
{
	static char const word[] = "binary";
	char const *s = field->value;
	size_t len = field->value_len;

	while (len > 0 && strchr(" \t\r\n", *s) != NULL && *s != '\0') {
		s++;
		len--;
	}
	return len >= strlen(word) && strncasecmp(s, word, strlen(word)) == 0 &&
	       (len == strlen(word) ||
		       strchr(" \t\r\n;(", s[strlen(word)]) != NULL);
}

/* at: the first octet that is not in out yet. */
static bool
recode_part(stralloc *out, char const *s, struct structure_part const *part,
	size_t *at)
{
	struct header_field field;
	bool const leaf = part->kind == STRUCTURE_LEAF;
	size_t value;

	if (!header_find(s + part->header_offset, part->header_len,
		    "Content-Transfer-Encoding", &field) ||
		!is_binary(&field))
		return true;
	value = (size_t)(field.value - s);
	if (value < *at || !stralloc_catb(out, s + *at, value - *at) ||
		!stralloc_cats(out, leaf ? " base64" : " 8bit"))
		return false;
	*at = value + field.value_len;
	if (!leaf)
		return true;
	if (!stralloc_catb(out, s + *at, part->body_offset - *at) ||
		!encode_base64(out, s + part->body_offset, part->body_len))
		return false;
	/* The last line end is the boundary's, which brings its own. */
	if (part->depth > 0 && out->len > 0 && out->s[out->len - 1] == '\n')
		out->len--;
	*at = part->body_offset + part->body_len;
	return true;
}

bool
recode_binary(stralloc *out, char const *s, size_t len)
{
	struct structure_part *const parts =
		calloc(STRUCTURE_PARTS_MAX, sizeof *parts);
	size_t const start = out->len;
	size_t count, at = 0;
	bool ok = parts != NULL;

	if (ok) {
		count = structure_parse(s, len, parts, STRUCTURE_PARTS_MAX);
		for (size_t i = 0; ok && i < count; i++)
			ok = recode_part(out, s, &parts[i], &at);
	}
	free(parts);
	ok = ok && stralloc_catb(out, s + at, len - at);
	if (ok && memchr(out->s + start, '\0', out->len - start) != NULL) {
		errno = EILSEQ;
		return false;
	}
	return ok;
}
