/* Joins the lines of format=flowed; see flowed.h. */
#include <string.h>

#include "mime/flowed.h"

static bool
put_quote(size_t depth, stralloc *out)
{
	if (depth == 0)
		return true;
	if (!stralloc_readyplus(out, depth + 1))
		return false;
	memset(out->s + out->len, '>', depth);
	out->len += depth;
	return stralloc_catb(out, " ", 1);
}

/* A whole line without its end, which is `end`. */
static bool
put_line(struct flowed *f, char const *s, size_t len, char const *end,
	stralloc *out)
{
	size_t depth = 0;
	bool signature, flows;

	while (depth < len && s[depth] == '>')
		depth++;
	s += depth;
	len -= depth;
	/* RFC 3676, 4.4: one blank was put in front. */
	if (len > 0 && s[0] == ' ') {
		s++;
		len--;
	}
	signature = len == 3 && memcmp(s, "-- ", 3) == 0;
	flows = len > 0 && s[len - 1] == ' ' && !signature && end[0] != '\0';
	/* RFC 3676, 4.5: other depth, other paragraph, whatever was said. */
	if (f->open && (depth != f->depth || signature)) {
		if (!stralloc_cats(out, "\n"))
			return false;
		f->open = false;
	}
	if (!f->open && !put_quote(depth, out))
		return false;
	f->open = flows;
	f->depth = depth;
	if (flows && f->delete_space)
		len--;
	return stralloc_catb(out, s, len) && (flows || stralloc_cats(out, end));
}

static bool
end_line(struct flowed *f, stralloc *out)
{
	size_t len = f->line.len;
	bool const cr = len > 0 && f->line.s[len - 1] == '\r';
	bool const ok = put_line(
		f, f->line.s, cr ? len - 1 : len, cr ? "\r\n" : "\n", out);

	f->line.len = 0;
	return ok;
}

bool
flowed_push(struct flowed *f, char const *s, size_t len, stralloc *out)
{
	while (len > 0) {
		char const *const lf = memchr(s, '\n', len);
		size_t const n = lf ? (size_t)(lf - s) : len;

		if (!stralloc_catb(&f->line, s, n))
			return false;
		if (!lf)
			return true;
		if (!end_line(f, out))
			return false;
		s += n + 1;
		len -= n + 1;
	}
	return true;
}

bool
flowed_finish(struct flowed *f, stralloc *out)
{
	bool ok = f->line.len == 0 ||
		  put_line(f, f->line.s, f->line.len, "", out);

	if (ok && f->open)
		ok = stralloc_cats(out, "\n");
	stralloc_free(&f->line);
	f->open = false;
	return ok;
}
