/* METADATA in a folder; see annotations.h. */
#include <errno.h>
#include <string.h>

#include "common/annotations.h"
#include "common/uidlist.h"

bool
annotations_name(char const *s, size_t len, char *name_r)
{
	size_t root = 0;

	if (len == 0 || len > ANNOTATIONS_NAME_MAX || s[0] != '/' ||
		s[len - 1] == '/')
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char const c = (unsigned char)s[i];

		if (c <= 0x1f || c >= 0x7f || c == '*' || c == '%' ||
			(c == '/' && i > 0 && s[i - 1] == '/'))
			return false;
		name_r[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : (char)c;
		if (root == 0 && i > 0 && c == '/')
			root = i;
	}
	name_r[len] = '\0';
	if (root == 0)
		root = len;
	return (root == strlen("/private") &&
		       memcmp(name_r, "/private", root) == 0) ||
	       (root == strlen("/shared") &&
		       memcmp(name_r, "/shared", root) == 0);
}

int
annotations_read(int folder_fd, char const *file, stralloc *text)
{
	return uidlist_read_file(folder_fd, file, text);
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* False: errno 0 when it is no value. */
static bool
decode(stralloc *out, char const *s, size_t len)
{
	out->len = 0;
	errno = 0;
	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '%') {
			if (len - i < 3 || hex(s[i + 1]) < 0 ||
				hex(s[i + 2]) < 0)
				return false;
			c = (char)(hex(s[i + 1]) << 4 | hex(s[i + 2]));
			i += 2;
		}
		if (!stralloc_catb(out, &c, 1))
			return false;
	}
	return true;
}

static bool
encode(stralloc *out, char const *s, size_t len)
{
	static char const digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		unsigned char const c = (unsigned char)s[i];
		char const escaped[3] = {'%', digits[c >> 4], digits[c & 15]};

		if (c >= ' ' && c < 127 && c != '%'
				? !stralloc_catb(out, s + i, 1)
				: !stralloc_catb(out, escaped, 3))
			return false;
	}
	return true;
}

int
annotations_next(stralloc const *text, size_t *pos, stralloc *value,
	struct annotation *a_r)
{
	while (*pos < text->len) {
		char const *const s = text->s + *pos;
		char const *const lf = memchr(s, '\n', text->len - *pos);
		size_t const len =
			lf != NULL ? (size_t)(lf - s) : text->len - *pos;
		char const *const tab = memchr(s, '\t', len);

		*pos += len + 1;
		if (tab == NULL ||
			!annotations_name(s, (size_t)(tab - s), a_r->name))
			continue;
		if (decode(value, tab + 1, (size_t)(s + len - tab) - 1)) {
			a_r->value = value->s != NULL ? value->s : "";
			a_r->value_len = value->len;
			return 1;
		}
		if (errno != 0)
			return -1;
	}
	return 0;
}

int
annotations_get(
	int folder_fd, char const *file, char const *name, stralloc *value)
{
	stralloc text = STRALLOC_ZERO;
	int r = annotations_read(folder_fd, file, &text);
	struct annotation a;
	size_t pos = 0;

	while (r > 0) {
		r = annotations_next(&text, &pos, value, &a);
		if (r > 0 && strcmp(a.name, name) == 0)
			break;
	}
	stralloc_free(&text);
	return r;
}

static bool
put(stralloc *out, struct annotation const *a)
{
	return stralloc_cats(out, a->name) && stralloc_catb(out, "\t", 1) &&
	       encode(out, a->value, a->value_len) &&
	       stralloc_catb(out, "\n", 1);
}

static bool
is_changed(char const *name, struct annotation const *changes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(changes[i].name, name) == 0)
			return true;
	return false;
}

static bool
edit(stralloc const *text, struct annotation const *changes, size_t count,
	stralloc *out)
{
	stralloc value = STRALLOC_ZERO;
	size_t pos = 0, entries = 0;
	struct annotation a;
	bool ok = true;
	int r = 1;

	while (ok && (r = annotations_next(text, &pos, &value, &a)) > 0)
		if (!is_changed(a.name, changes, count)) {
			ok = put(out, &a);
			entries++;
		}
	stralloc_free(&value);
	for (size_t i = 0; ok && i < count; i++)
		/* Of one that is named twice the last holds. */
		if (changes[i].value != NULL &&
			!is_changed(changes[i].name, changes + i + 1,
				count - i - 1)) {
			ok = put(out, &changes[i]);
			entries++;
		}
	if (ok && r == 0 && entries > ANNOTATIONS_MAX) {
		errno = E2BIG;
		return false;
	}
	return ok && r == 0;
}

bool
annotations_set(int folder_fd, char const *file,
	struct annotation const *changes, size_t count)
{
	stralloc text = STRALLOC_ZERO, out = STRALLOC_ZERO;
	int lock, error;
	bool ok;

	if (!uidlist_lock(folder_fd, &lock))
		return false;
	ok = annotations_read(folder_fd, file, &text) >= 0 &&
	     edit(&text, changes, count, &out) &&
	     uidlist_replace(
		     folder_fd, file, out.s != NULL ? out.s : "", out.len);
	error = errno;
	uidlist_unlock(folder_fd, lock);
	stralloc_free(&text);
	stralloc_free(&out);
	errno = error;
	return ok;
}
