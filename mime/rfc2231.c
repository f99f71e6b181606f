/* Puts parameter values together; see rfc2231.h. */
#include <string.h>
#include <strings.h>

#include "mime/charset.h"
#include "mime/rfc2045.h"
#include "mime/rfc2047.h"
#include "mime/rfc2231.h"

struct section {
	bool there;
	bool extended; /* "name*1*": with %XX */
	struct rfc2045_param param;
};

struct sections {
	struct section plain; /* "name" or "name*" */
	struct section numbered[RFC2231_SECTIONS_MAX];
};

/* The number in "*12" or "*12*"; -1 if it is none that counts. */
static int
section_number(char const *s, size_t len)
{
	int n = 0;

	if (len == 0 || len > 2)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		n = n * 10 + (s[i] - '0');
	}
	return n;
}

static void
note(struct sections *sections, char const *name,
	struct rfc2045_param const *param)
{
	size_t const n = strlen(name);
	struct section *section = &sections->plain;
	char const *rest = param->name + n;
	size_t left = param->name_len - n;
	bool const extended = left > 0 && rest[left - 1] == '*';

	if (extended)
		left--;
	if (left > 0) {
		int const number = rest[0] == '*'
					   ? section_number(rest + 1, left - 1)
					   : -1;

		if (number < 0)
			return;
		section = &sections->numbered[number];
	}
	/* RFC 2231, 4: the extended form is better than the plain one. */
	if (section->there && (section->extended || !extended))
		return;
	section->there = true;
	section->extended = extended;
	section->param = *param;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t
decode_percent(char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '%' && i + 2 < len && hex_value(s[i + 1]) >= 0 &&
			hex_value(s[i + 2]) >= 0) {
			s[n++] = (char)(hex_value(s[i + 1]) << 4 |
					hex_value(s[i + 2]));
			i += 2;
		} else {
			s[n++] = s[i];
		}
	}
	return n;
}

/* Takes "charset'language'" off the front and starts the decoder with it. */
static size_t
read_charset(struct charset_decoder *d, char const *s, size_t len)
{
	char const *first = memchr(s, '\'', len);
	char const *second =
		first ? memchr(first + 1, '\'', len - (size_t)(first + 1 - s))
		      : NULL;

	if (!second)
		return 0;
	charset_init(d, s, (size_t)(first - s));
	return (size_t)(second + 1 - s);
}

static bool
push_section(struct charset_decoder *d, struct section const *section,
	bool first, stralloc *space, stralloc *out)
{
	size_t n, start = 0;

	if (!stralloc_ready(space, section->param.value_len + 1))
		return false;
	n = rfc2045_value(&section->param, space->s);
	if (section->extended) {
		if (first)
			start = read_charset(d, space->s, n);
		n = start + decode_percent(space->s + start, n - start);
	}
	return charset_push(d, space->s + start, n - start, out);
}

static bool
push_plain(struct section const *section, stralloc *space, stralloc *out)
{
	return stralloc_ready(space, section->param.value_len + 1) &&
	       rfc2047_decode(
		       out, space->s, rfc2045_value(&section->param, space->s));
}

static bool
push_sections(struct sections const *sections, stralloc *space, stralloc *out)
{
	struct charset_decoder d;

	charset_init(&d, "utf-8", 5);
	if (sections->plain.there && sections->plain.extended)
		return push_section(&d, &sections->plain, true, space, out) &&
		       charset_finish(&d, out);
	if (sections->numbered[0].there) {
		for (size_t i = 0;
			i < RFC2231_SECTIONS_MAX && sections->numbered[i].there;
			i++)
			if (!push_section(&d, &sections->numbered[i], i == 0,
				    space, out))
				return false;
		return charset_finish(&d, out);
	}
	return push_plain(&sections->plain, space, out);
}

int
rfc2231_find(
	char const *s, size_t len, size_t pos, char const *name, stralloc *out)
{
	struct sections sections = {0};
	struct rfc2045_param param;
	size_t const n = strlen(name);
	stralloc space = STRALLOC_ZERO;
	bool ok;

	while (rfc2045_param(s, len, &pos, &param) > 0)
		if (param.name_len >= n &&
			strncasecmp(param.name, name, n) == 0)
			note(&sections, name, &param);
	if (!sections.plain.there && !sections.numbered[0].there)
		return 0;
	ok = push_sections(&sections, &space, out);
	stralloc_free(&space);
	return ok ? 1 : -1;
}
