/* Finds uuencoded files; see uutext.h. */
#include <string.h>

#include "mime/uutext.h"

/* TAIL: behind the line without octets, before "end". */
enum { TEXT, LINES, TAIL };

size_t
uutext_count(struct uutext const *u)
{
	return genalloc_len(struct uutext_file, &u->files);
}

struct uutext_file const *
uutext_get(struct uutext const *u, size_t i)
{
	return &genalloc_s(struct uutext_file, &u->files)[i];
}

static size_t
trimmed(char const *s, size_t len)
{
	while (len > 0 &&
		(s[len - 1] == ' ' || s[len - 1] == '\t' || s[len - 1] == '\r'))
		len--;
	return len;
}

/* "begin 644 name": where the name is. */
static bool
is_begin(char const *s, size_t len, size_t *name_r)
{
	size_t pos = 6, digits = 0;

	if (len < pos || memcmp(s, "begin ", pos) != 0)
		return false;
	for (; pos < len && s[pos] >= '0' && s[pos] <= '7'; pos++)
		digits++;
	if (digits < 3 || digits > 4 || pos == len || s[pos] != ' ')
		return false;
	while (pos < len && s[pos] == ' ')
		pos++;
	*name_r = pos;
	return pos < len;
}

static bool
is_letter(char c)
{
	return c >= ' ' && c <= '`';
}

/* The octets that a line of a file has; -1: it is none. */
static int
octets(char const *s, size_t len)
{
	unsigned int n;
	size_t letters;

	if (len > 0 && s[len - 1] == '\r')
		len--;
	if (len == 0)
		return 0;
	if (!is_letter(s[0]))
		return -1;
	n = (unsigned int)(s[0] - ' ') & 63u;
	letters = (n + 2) / 3 * 4;
	/* Some add a letter or two as a checksum. */
	if (len - 1 < letters || len - 1 > letters + 2)
		return -1;
	for (size_t i = 1; i < len; i++)
		if (!is_letter(s[i]))
			return -1;
	return (int)n;
}

static bool
begin(struct uutext *u, size_t len, size_t name)
{
	u->names.len = u->file.name;
	u->file.start = u->at;
	u->file.size = 0;
	u->file.name_len = len - name;
	u->state = LINES;
	return stralloc_catb(&u->names, u->line + name, len - name);
}

static bool
keep(struct uutext *u, uint64_t end)
{
	u->file.end = end;
	u->state = TEXT;
	if (!genalloc_append(struct uutext_file, &u->files, &u->file))
		return false;
	u->file.name += u->file.name_len;
	return true;
}

/* The line is whole; `next` is where the one behind it starts. */
static bool
take_line(struct uutext *u, uint64_t next)
{
	bool const fits = u->line_len <= sizeof u->line;
	size_t const len = fits ? (size_t)u->line_len : 0;
	size_t const end = trimmed(u->line, len);
	size_t name;

	if (u->state != TEXT && fits) {
		int const n = octets(u->line, len);

		if (end == 3 && memcmp(u->line, "end", 3) == 0 &&
			u->file.size > 0)
			return keep(u, next);
		if (n >= 0 && u->state == LINES) {
			u->file.size += (unsigned int)n;
			u->state = n == 0 ? TAIL : LINES;
			return true;
		}
	}
	/* What was begun is no file, but this line may begin one. */
	u->state = TEXT;
	if (fits && uutext_count(u) < UUTEXT_FILES_MAX &&
		is_begin(u->line, end, &name))
		return begin(u, end, name);
	return true;
}

bool
uutext_push(struct uutext *u, char const *s, size_t len)
{
	while (len > 0) {
		char const *const lf = memchr(s, '\n', len);
		size_t const n = lf ? (size_t)(lf - s) : len;

		if (n > 0 && u->line_len < sizeof u->line) {
			size_t const room =
				sizeof u->line - (size_t)u->line_len;

			memcpy(u->line + u->line_len, s, n < room ? n : room);
		}
		u->line_len += n;
		if (!lf)
			return true;
		if (!take_line(u, u->at + u->line_len + 1))
			return false;
		u->at += u->line_len + 1;
		u->line_len = 0;
		s += n + 1;
		len -= n + 1;
	}
	return true;
}

bool
uutext_finish(struct uutext *u)
{
	bool const ok = u->line_len == 0 || take_line(u, u->at + u->line_len);

	u->at += u->line_len;
	u->line_len = 0;
	u->state = TEXT;
	return ok;
}

void
uutext_free(struct uutext *u)
{
	genalloc_free(struct uutext_file, &u->files);
	stralloc_free(&u->names);
	*u = (struct uutext){0};
}
