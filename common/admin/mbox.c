/* The messages of an mbox file; see mbox.h. */
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include "common/admin/mbox.h"
#include "mime/date.h"

/* Octets of a From line that are looked at for its date. */
#define FROM_MAX 512

struct line {
	char const *s;
	size_t len;  /* without its end */
	size_t next; /* where the next one begins */
};

static struct line
line_at(char const *s, size_t len, size_t pos)
{
	char const *const lf = memchr(s + pos, '\n', len - pos);
	size_t const end = lf != NULL ? (size_t)(lf - s) : len;
	struct line l = {s + pos, end - pos, end + (lf != NULL)};

	if (l.len > 0 && l.s[l.len - 1] == '\r')
		l.len--;
	return l;
}

/* "From bob@example.org Thu Jan  1 00:00:00 1970": from the day's name on. */
static bool
from_date(struct line const *l, struct date *date_r)
{
	static char const days[] = "Mon Tue Wed Thu Fri Sat Sun ";

	for (size_t i = 5; i + 4 < l->len && i < FROM_MAX; i++)
		if (l->s[i - 1] == ' ' && l->s[i + 3] == ' ')
			for (size_t d = 0; d < sizeof days - 1; d += 4)
				/* A sender may have such a word too. */
				if (memcmp(l->s + i, days + d, 4) == 0 &&
					date_parse(l->s + i,
						l->len - i < FROM_MAX
							? l->len - i
							: FROM_MAX,
						date_r))
					return true;
	return false;
}

static bool
is_from(struct line const *l)
{
	return l->len > 5 && memcmp(l->s, "From ", 5) == 0;
}

bool
mbox_is(char const *s, size_t len)
{
	struct line const l = line_at(s, len, 0);

	return is_from(&l);
}

/* Is this where a message may begin, or the end? */
static bool
is_boundary(char const *s, size_t len, size_t pos)
{
	struct line l;

	if (pos == len)
		return true;
	l = line_at(s, len, pos);
	return is_from(&l);
}

/* The end of the text that begins at pos (its empty line, that divides, not in
 * it), and where the next From is. */
static size_t
find_end(char const *s, size_t len, size_t pos, size_t *next_r)
{
	size_t before = pos;
	bool was_empty = false;

	while (pos < len) {
		struct line const l = line_at(s, len, pos);

		if (was_empty && is_from(&l)) {
			*next_r = pos;
			return before;
		}
		was_empty = l.len == 0;
		if (was_empty)
			before = pos;
		pos = l.next;
	}
	*next_r = len;
	/* The one at the end of the file divides, too. */
	return was_empty && before < len ? before : len;
}

/* "Name: value": its value. */
static bool
field(struct line const *l, char const *name, struct line *value_r)
{
	size_t const n = strlen(name);

	if (l->len <= n || l->s[n] != ':' || strncasecmp(l->s, name, n) != 0)
		return false;
	*value_r = (struct line){l->s + n + 1, l->len - n - 1, 0};
	while (value_r->len > 0 && *value_r->s == ' ') {
		value_r->s++;
		value_r->len--;
	}
	return true;
}

static void
letters(struct import_message *m, struct line const *value)
{
	static char const which[] = "RAFDT";
	static char const *const flags[] = {
		"\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"};

	for (size_t i = 0; i < value->len; i++) {
		char const *const at =
			memchr(which, value->s[i], sizeof which - 1);
		if (at != NULL)
			import_flag(m, flags[at - which],
				strlen(flags[at - which]));
	}
}

static void
words(struct import_message *m, struct line const *value)
{
	for (size_t i = 0; i < value->len;) {
		size_t n = i;

		while (n < value->len && value->s[n] != ' ' &&
			value->s[n] != ',')
			n++;
		import_flag(m, value->s + i, n - i);
		i = n + 1;
	}
}

/* Four hexadecimal digits. False: deleted, and only not yet removed. */
static bool
mozilla(struct import_message *m, struct line const *value)
{
	unsigned bits = 0;

	for (size_t i = 0; i < value->len && i < 4; i++) {
		char const c = value->s[i];
		unsigned const digit =
			c >= '0' && c <= '9'   ? (unsigned)(c - '0')
			: c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
			: c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
					       : 0;
		bits = bits << 4 | digit;
	}
	if (bits & 1)
		import_flag(m, "\\Seen", 5);
	if (bits & 2)
		import_flag(m, "\\Answered", 9);
	if (bits & 4)
		import_flag(m, "\\Flagged", 8);
	return !(bits & 8);
}

struct notes {
	bool has_length;
	uint64_t length;
	bool is_note; /* of a mail program, in place of a message */
};

/* Is the field the file's alone? What it says goes into m and notes. */
static bool
note(struct line const *l, struct import_message *m, struct notes *n)
{
	struct line v;

	if (field(l, "Status", &v) || field(l, "X-Status", &v)) {
		letters(m, &v);
	} else if (field(l, "X-Keywords", &v)) {
		words(m, &v);
	} else if (field(l, "X-Mozilla-Status", &v)) {
		n->is_note |= !mozilla(m, &v);
	} else if (field(l, "Content-Length", &v)) {
		n->has_length = v.len > 0 && v.len < 12;
		n->length = 0;
		for (size_t i = 0; n->has_length && i < v.len; i++) {
			n->has_length = v.s[i] >= '0' && v.s[i] <= '9';
			n->length = n->length * 10 + (uint64_t)(v.s[i] - '0');
		}
	} else if (field(l, "X-IMAP", &v)) {
		n->is_note = true;
	} else {
		return field(l, "X-IMAPbase", &v) || field(l, "X-UID", &v) ||
		       field(l, "X-Mozilla-Status2", &v) ||
		       field(l, "X-Mozilla-Keys", &v);
	}
	return true;
}

static bool
put(stralloc *out, char const *s, size_t len)
{
	return stralloc_catb(out, s, len) && stralloc_catb(out, "\r\n", 2);
}

/* The header up to its empty line, which is in it. */
static bool
read_header(char const *s, size_t len, size_t *pos, struct import_message *m,
	struct notes *n)
{
	bool drop = false;

	while (*pos < len) {
		struct line const l = line_at(s, len, *pos);

		if (l.len == 0) {
			*pos = l.next;
			return put(&m->text, "", 0);
		}
		/* It divides here too: a message without a text. */
		if (is_from(&l))
			return put(&m->text, "", 0);
		if (*l.s != ' ' && *l.s != '\t')
			drop = note(&l, m, n);
		if (!drop && !put(&m->text, l.s, l.len))
			return false;
		*pos = l.next;
	}
	return true;
}

static bool
has_from(char const *s, size_t pos, size_t end)
{
	while (pos < end) {
		struct line const l = line_at(s, end, pos);

		if (is_from(&l))
			return true;
		pos = l.next;
	}
	return false;
}

static bool
is_quoted(struct line const *l)
{
	size_t n = 0;

	while (n < l->len && l->s[n] == '>')
		n++;
	return n > 0 && l->len - n > 5 && memcmp(l->s + n, "From ", 5) == 0;
}

static bool
read_body(char const *s, size_t pos, size_t end, bool unquote, stralloc *out)
{
	while (pos < end) {
		struct line const l = line_at(s, end, pos);
		size_t const skip = unquote && is_quoted(&l);

		if (!put(out, l.s + skip, l.len - skip))
			return false;
		pos = l.next;
	}
	return true;
}

/* Where a Content-Length leads to, if that is a place where a message ends. */
static bool
end_by_length(char const *s, size_t len, size_t pos, struct notes const *n,
	size_t *end_r, size_t *next_r)
{
	struct line l;

	if (!n->has_length || n->length > len - pos)
		return false;
	*end_r = pos + (size_t)n->length;
	*next_r = *end_r;
	if (*end_r < len) {
		l = line_at(s, len, *end_r);
		if (l.len == 0)
			*next_r = l.next;
	}
	return is_boundary(s, len, *next_r) &&
	       (*end_r == pos || s[*end_r - 1] == '\n');
}

int
mbox_next(char const *s, size_t len, size_t *pos, struct import_message *m)
{
	struct notes notes = {.has_length = false};
	struct date date;
	struct line l;
	size_t end, next;
	bool by_length;

	m->flags[0] = '\0';
	m->text.len = 0;
	/* Empty lines in front of the first. */
	for (;;) {
		if (*pos >= len)
			return 0;
		l = line_at(s, len, *pos);
		if (is_from(&l))
			break;
		*pos = l.next;
	}
	m->has_date = from_date(&l, &date);
	if (m->has_date)
		m->date = date.seconds;
	*pos = l.next;
	if (!read_header(s, len, pos, m, &notes))
		return -1;
	by_length = end_by_length(s, len, *pos, &notes, &end, &next);
	if (!by_length)
		end = is_boundary(s, len, *pos) ? (next = *pos)
						: find_end(s, len, *pos, &next);
	if (!read_body(s, *pos, end, !by_length || !has_from(s, *pos, end),
		    &m->text))
		return -1;
	if (notes.is_note)
		m->text.len = 0;
	*pos = next;
	return 1;
}
