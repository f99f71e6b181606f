/* Finds armored blocks; see armor.h. */
#include <string.h>

#include "mime/armor.h"
#include "mime/header.h"

/* Is s[0..content) this line, blanks behind it aside? */
static bool
is_line(char const *s, size_t content, char const *line)
{
	size_t const n = strlen(line);

	return content >= n && memcmp(s, line, n) == 0 &&
	       armor_is_blank(s + n, content - n);
}

bool
armor_is_blank(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] != ' ' && s[i] != '\t' && s[i] != '\r' && s[i] != '\n')
			return false;
	return true;
}

bool
armor_find(char const *s, size_t len, size_t pos, struct armor *armor_r)
{
	char const *end = NULL; /* the line that is waited for */

	while (pos < len) {
		size_t content;
		size_t const next = header_line(s, len, pos, &content);
		char const *const line = s + pos;

		if (is_line(line, content, "-----BEGIN PGP MESSAGE-----")) {
			end = "-----END PGP MESSAGE-----";
			armor_r->kind = ARMOR_MESSAGE;
			armor_r->start = pos;
		} else if (is_line(line, content,
				   "-----BEGIN PGP SIGNED MESSAGE-----")) {
			end = "-----END PGP SIGNATURE-----";
			armor_r->kind = ARMOR_SIGNED;
			armor_r->start = pos;
		} else if (end && is_line(line, content, end)) {
			armor_r->end = next;
			return true;
		}
		pos = next;
	}
	return false;
}

/* Of the entity at s: its octet in *c_r, its length, or 0. */
static size_t
entity(char const *s, size_t len, char *c_r)
{
	static struct {
		char const *name;
		char c;
	} const known[] = {{"&nbsp;", ' '}, {"&#43;", '+'}, {"&#61;", '='},
		{"&#47;", '/'}, {"&#45;", '-'}, {"&amp;", '&'}, {"&lt;", '<'},
		{"&gt;", '>'}, {"&quot;", '"'}};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		size_t const n = strlen(known[i].name);

		if (n <= len && memcmp(s, known[i].name, n) == 0) {
			*c_r = known[i].c;
			return n;
		}
	}
	return 0;
}

/* Tags gone, entities decoded; a tag that ends a line does so. */
static bool
strip(char const *s, size_t len, stralloc *out)
{
	size_t i = 0;

	while (i < len) {
		char c = s[i];
		size_t n = c == '&' ? entity(s + i, len - i, &c) : 0;

		if (c == '<' && n == 0) {
			char const *const end = memchr(s + i, '>', len - i);

			n = end ? (size_t)(end - s) - i + 1 : len - i;
			c = '\n';
			if (len - i >= 3 && memcmp(s + i, "<br", 3) != 0 &&
				memcmp(s + i, "</p", 3) != 0 &&
				memcmp(s + i, "</d", 3) != 0) {
				i += n;
				continue;
			}
		}
		if (!stralloc_append(out, c))
			return false;
		i += n > 0 ? n : 1;
	}
	return true;
}

/* Lines without blanks at their ends; of empty ones the first alone. */
static bool
tidy(char const *s, size_t len, stralloc *out)
{
	bool gap = false;
	size_t pos = 0;

	while (pos < len) {
		size_t content;
		size_t const next = header_line(s, len, pos, &content);
		size_t skip = 0;

		while (skip < content &&
			(s[pos + skip] == ' ' || s[pos + skip] == '\t'))
			skip++;
		while (content > skip && (s[pos + content - 1] == ' ' ||
						 s[pos + content - 1] == '\t'))
			content--;
		if ((content > skip || !gap) &&
			(!stralloc_catb(out, s + pos + skip, content - skip) ||
				!stralloc_append(out, '\n')))
			return false;
		/* The empty line that ends an armor's own header. */
		gap = gap || (content == skip && out->len > 1);
		pos = next;
	}
	return true;
}

bool
armor_from_html(char const *s, size_t len, stralloc *out)
{
	static char const begin[] = "-----BEGIN PGP MESSAGE-----";
	static char const finish[] = "-----END PGP MESSAGE-----";
	char const *const start = memmem(s, len, begin, sizeof begin - 1);
	char const *end = NULL;
	stralloc text = STRALLOC_ZERO;
	bool ok = true;

	if (start)
		end = memmem(start, len - (size_t)(start - s), finish,
			sizeof finish - 1);
	if (end)
		ok = strip(start, (size_t)(end - start) + sizeof finish - 1,
			     &text) &&
		     tidy(text.s, text.len, out);
	stralloc_free(&text);
	return ok;
}
