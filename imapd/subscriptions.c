/* The file `subscriptions`; see subscriptions.h. */
#include <errno.h>
#include <string.h>

#include "common/boxname.h"
#include "imapd/courier.h"
#include "imapd/subscriptions.h"
#include "common/uidlist.h"

#define FILE_NAME "subscriptions"
#define VERSION_2 "V\t2\n\n"

static bool
is_version_2(stralloc const *text)
{
	return text->len >= strlen(VERSION_2) &&
	       memcmp(text->s, VERSION_2, strlen(VERSION_2)) == 0;
}

/* A line as a checked name. */
static bool
line_name(char const *s, size_t len, bool version_2, char *name_r)
{
	char plain[BOXNAME_MAX];

	if (len > sizeof plain)
		return false;
	for (size_t i = 0; i < len; i++)
		plain[i] = version_2 && s[i] == '\t' ? BOXNAME_SEPARATOR : s[i];
	return boxname_check(plain, len, name_r);
}

static bool
next_line(stralloc const *text, size_t *pos, char const **s_r, size_t *len_r)
{
	char const *lf;

	if (*pos >= text->len)
		return false;
	*s_r = text->s + *pos;
	lf = memchr(*s_r, '\n', text->len - *pos);
	*len_r = lf != NULL ? (size_t)(lf - *s_r) : text->len - *pos;
	*pos += *len_r + 1;
	return true;
}

/* Those of Courier until there are ones of ours. */
static bool
read_text(int root_fd, stralloc *text)
{
	int const r = uidlist_read_file(root_fd, FILE_NAME, text);

	return r > 0 || (r == 0 && courier_subscriptions(root_fd, text) >= 0);
}

bool
subscriptions_read(struct boxlist *b, int root_fd, unsigned flags)
{
	stralloc text = STRALLOC_ZERO;
	bool ok = read_text(root_fd, &text);
	bool const version_2 = ok && is_version_2(&text);
	size_t pos = version_2 ? strlen(VERSION_2) : 0, len;
	char name[BOXNAME_MAX + 1];
	char const *s;

	while (ok && next_line(&text, &pos, &s, &len))
		if (line_name(s, len, version_2, name))
			ok = boxlist_add(b, name, strlen(name), flags);
	stralloc_free(&text);
	return ok;
}

static bool
add(stralloc *out, char const *name, bool version_2)
{
	size_t const start = out->len;

	if (!stralloc_cats(out, name))
		return false;
	for (size_t i = start; version_2 && i < out->len; i++)
		if (out->s[i] == BOXNAME_SEPARATOR)
			out->s[i] = '\t';
	return stralloc_catb(out, "\n", 1);
}

/* Lines that mean nothing to us stay. */
static bool
edit(stralloc const *text, char const *name, bool on, stralloc *out)
{
	bool const version_2 = is_version_2(text);
	size_t pos = version_2 ? strlen(VERSION_2) : 0, len;
	char have[BOXNAME_MAX + 1];
	char const *s;

	if (version_2 && !stralloc_cats(out, VERSION_2))
		return false;
	while (next_line(text, &pos, &s, &len)) {
		if (line_name(s, len, version_2, have) &&
			strcmp(have, name) == 0)
			continue;
		if (!stralloc_catb(out, s, len) || !stralloc_catb(out, "\n", 1))
			return false;
	}
	return !on || add(out, name, version_2);
}

bool
subscriptions_change(int root_fd, char const *name, bool on)
{
	stralloc text = STRALLOC_ZERO, out = STRALLOC_ZERO;
	int lock, error;
	bool ok;

	if (!uidlist_lock(root_fd, &lock))
		return false;
	ok = read_text(root_fd, &text) && edit(&text, name, on, &out) &&
	     uidlist_replace(root_fd, FILE_NAME, out.s, out.len);
	error = errno;
	uidlist_unlock(root_fd, lock);
	stralloc_free(&text);
	stralloc_free(&out);
	errno = error;
	return ok;
}
