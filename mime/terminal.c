/* Keeps control sequences off the terminal; see terminal.h. */
#include "mime/terminal.h"

static bool
put_control(struct terminal const *t, char c, stralloc *out)
{
	char const caret[2] = {'^', (char)(c ^ 0x40)};

	if (c == '\n' || c == '\t')
		return stralloc_catb(out, t->one_line ? " " : &c, 1);
	return stralloc_catb(out, caret, 2);
}

/* Octets of the character at s if it must not be shown, else 0. */
static size_t
forbidden(unsigned char const *s, size_t len)
{
	/* U+0080 to U+009F */
	if (len >= 2 && s[0] == 0xc2 && s[1] < 0xa0)
		return 2;
	/* U+202A to U+202E, U+2066 to U+2069 */
	if (len >= 3 && s[0] == 0xe2 &&
		((s[1] == 0x80 && s[2] >= 0xaa && s[2] <= 0xae) ||
			(s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9)))
		return 3;
	return 0;
}

static bool
is_control(unsigned char c)
{
	return c < ' ' || c == 0x7f;
}

bool
terminal_push(struct terminal *t, char const *s, size_t len, stralloc *out)
{
	unsigned char const *u = (unsigned char const *)s;
	size_t start = 0, i = 0;

	while (i < len) {
		size_t n;

		if (t->cr) {
			t->cr = false;
			if (u[i] != '\n' && !put_control(t, '\r', out))
				return false;
		}
		n = is_control(u[i]) ? 0 : forbidden(u + i, len - i);
		if (!is_control(u[i]) && n == 0) {
			i++;
			continue;
		}
		if (!stralloc_catb(out, s + start, i - start))
			return false;
		if (u[i] == '\r')
			t->cr = true;
		else if (!(n > 0 ? stralloc_catb(out, "\xef\xbf\xbd", 3)
				 : put_control(t, s[i], out)))
			return false;
		i += n > 0 ? n : 1;
		start = i;
	}
	return stralloc_catb(out, s + start, i - start);
}

bool
terminal_line(stralloc *out, char const *s, size_t len)
{
	struct terminal t = {.one_line = true};

	return terminal_push(&t, s, len, out);
}
