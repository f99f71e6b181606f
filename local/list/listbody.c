/* A footer put under a posting; see listbody.h. */
#include "local/list/listbody.h"
#include <string.h>
#include <strings.h>
#include "mime/encode.h"
#include "mime/header.h"
#include "mime/structure.h"

static bool
is_word(struct header_field const *f, char const *word)
{
	size_t start = 0, n = f->value_len;

	while (start < n && strchr(" \t\r\n", f->value[start]) != NULL)
		start++;
	while (n > start && strchr(" \t\r\n", f->value[n - 1]) != NULL)
		n--;
	return n - start == strlen(word) &&
	       strncasecmp(f->value + start, word, n - start) == 0;
}

/* Whether text of this character set can have ASCII, or UTF-8, put behind it;
 * format=flowed and delsp are left alone. */
static bool
can_grow(struct header_field const *f, bool is_ascii)
{
	static char const *const utf8[] = {"utf-8", "us-ascii"};
	char const *const s = f->value;
	size_t const len = f->value_len;
	bool named = false;

	if (memmem(s, len, "delsp", 5) != NULL ||
		memmem(s, len, "DelSp", 5) != NULL)
		return false;
	for (size_t i = 0; i + 8 <= len; i++)
		if (strncasecmp(s + i, "charset=", 8) == 0) {
			char const *v = s + i + 8;
			size_t left = len - i - 8;

			named = true;
			if (left > 0 && *v == '"') {
				v++;
				left--;
			}
			for (size_t k = 0; k < 2; k++)
				if (left >= strlen(utf8[k]) &&
					strncasecmp(v, utf8[k],
						strlen(utf8[k])) == 0)
					return is_ascii || k == 0;
			/* ISO-8859-1 and so on; not UTF-16 or ISO-2022. */
			return is_ascii && left >= 9 &&
			       (strncasecmp(v, "iso-8859-", 9) == 0 ||
				       strncasecmp(v, "windows-1", 9) == 0);
		}
	return is_ascii && !named;
}

enum listbody_way
listbody_way(char const *header, size_t len, bool is_ascii)
{
	static struct structure_part part;
	struct header_field type, encoding;
	char name[STRUCTURE_TYPE_MAX];
	bool const has_encoding = header_find(
		header, len, "content-transfer-encoding", &encoding);

	(void)structure_parse(header, len, &part, 1);
	structure_type(header, &part, name);
	if (strcmp(name, "multipart/signed") == 0 ||
		strcmp(name, "multipart/encrypted") == 0 ||
		strcmp(name, "application/pkcs7-mime") == 0 ||
		strcmp(name, "application/x-pkcs7-mime") == 0)
		return LISTBODY_NOT;
	if (strcmp(name, "text/plain") != 0)
		return LISTBODY_WRAP;
	if (header_find(header, len, "content-type", &type)
			? !can_grow(&type, is_ascii)
			: !is_ascii)
		return LISTBODY_WRAP;
	if (!has_encoding || is_word(&encoding, "7bit") ||
		is_word(&encoding, "8bit"))
		/* 7bit is a promise. */
		return is_ascii || (has_encoding && is_word(&encoding, "8bit"))
			       ? LISTBODY_BEHIND
			       : LISTBODY_WRAP;
	return is_word(&encoding, "quoted-printable") ? LISTBODY_QUOTED
						      : LISTBODY_WRAP;
}

static bool
put(stralloc *out, char const *s)
{
	return stralloc_cats(out, s);
}

static bool
put_crlf(stralloc *out, char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] != '\r' &&
			!(s[i] == '\n' ? put(out, "\r\n")
				       : stralloc_append(out, s[i])))
			return false;
	return len == 0 || s[len - 1] == '\n' || put(out, "\r\n");
}

static bool
put_encoded(stralloc *out, enum encode_text way, char const *s, size_t len)
{
	stralloc text = STRALLOC_ZERO;
	bool const ok = encode_text(&text, way, s, len) &&
			put_crlf(out, text.s, text.len);

	stralloc_free(&text);
	return ok;
}

bool
listbody_before(stralloc *out, enum listbody_way way, char const *boundary,
	char const *header, size_t len)
{
	struct header_field f;
	size_t pos = 0;

	if (way != LISTBODY_WRAP)
		return true;
	if (!put(out, "--") || !put(out, boundary) || !put(out, "\r\n"))
		return false;
	while (header_next(header, len, &pos, &f) > 0)
		if (f.name_len > 8 && strncasecmp(f.name, "content-", 8) == 0 &&
			!put_crlf(out, f.line, f.line_len))
			return false;
	return put(out, "\r\n");
}

bool
listbody_behind(stralloc *out, enum listbody_way way, char const *boundary,
	char const *footer, size_t footer_len)
{
	enum encode_text e;

	switch (way) {
	case LISTBODY_NOT:
		return true;
	case LISTBODY_BEHIND:
		return put_crlf(out, footer, footer_len);
	case LISTBODY_QUOTED:
		return put_encoded(out, ENCODE_QUOTED, footer, footer_len);
	case LISTBODY_WRAP:
		break;
	}
	e = encode_choose(footer, footer_len);
	return put(out, "\r\n--") && put(out, boundary) &&
	       put(out, "\r\nContent-Type: text/plain; charset=utf-8\r\n"
			"Content-Disposition: inline\r\n"
			"Content-Transfer-Encoding: ") &&
	       put(out, encode_name(e)) && put(out, "\r\n\r\n") &&
	       put_encoded(out, e, footer, footer_len) && put(out, "--") &&
	       put(out, boundary) && put(out, "--\r\n");
}
