/* Cleans the names of files; see safename.h. */
#include <string.h>

#include "mime/safename.h"
#include "mime/terminal.h"

static bool
is_plain(unsigned char c)
{
	return c > ' ' && c != 0x7f && !strchr("\"'`$&*;<>?|:\\/^!~#", c);
}

static size_t
behind_folders(char const *s, size_t len)
{
	size_t start = 0;

	for (size_t i = 0; i < len; i++)
		if (s[i] == '/' || s[i] == '\\')
			start = i + 1;
	return start;
}

/* Cut to SAFENAME_MAX octets at a character, the extension kept. */
static void
shorten(char *s, size_t *len)
{
	char const *const dot = memrchr(s, '.', *len);
	size_t keep, tail = dot ? *len - (size_t)(dot - s) : 0;

	if (*len <= SAFENAME_MAX)
		return;
	if (tail > 20)
		tail = 0;
	keep = SAFENAME_MAX - tail;
	while (keep > 0 && ((unsigned char)s[keep] & 0xc0) == 0x80)
		keep--;
	memmove(s + keep, s + *len - tail, tail);
	*len = keep + tail;
}

bool
safename(char const *s, size_t len, stralloc *out)
{
	size_t const start = out->len;
	size_t from = behind_folders(s, len), n;
	char *name;

	/* Controls of all kinds, which take more than an octet, first. */
	if (!terminal_line(out, s + from, len - from))
		return false;
	name = out->s + start;
	n = out->len - start;
	for (from = 0; from < n && strchr(".- \t", name[from]); from++)
		;
	while (n > from && strchr(". \t", name[n - 1]))
		n--;
	if (n > from)
		memmove(name, name + from, n - from);
	n -= from;
	for (size_t i = 0; i < n; i++)
		if (name[i] != ' ' && !is_plain((unsigned char)name[i]))
			name[i] = '_';
	shorten(name, &n);
	out->len = start + n;
	return true;
}
