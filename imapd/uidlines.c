/* The text of dovecot-uidlist; see uidlines.h. */
#include <stdio.h>
#include <string.h>

#include "imapd/uidlines.h"

/* The next whole line at *pos. */
bool
uidlines_line(stralloc const *sa, size_t *pos, char const **s_r, size_t *len_r)
{
	char const *lf;

	if (*pos >= sa->len)
		return false;
	*s_r = sa->s + *pos;
	lf = memchr(*s_r, '\n', sa->len - *pos);
	if (lf == NULL)
		return false;
	*len_r = (size_t)(lf - *s_r);
	*pos += *len_r + 1;
	return true;
}

/* The next line that can be believed: UIDs only grow. */
bool
uidlines_next(struct uidlines *l, size_t *pos, struct uidlist_line *line_r,
	char const **s_r, size_t *len_r)
{
	while (uidlines_line(&l->text, pos, s_r, len_r)) {
		if (uidlist_parse_line(
			    *s_r, *len_r, l->header.version, line_r) &&
			line_r->uid > l->last) {
			l->last = line_r->uid;
			l->lines++;
			return true;
		}
		l->broken = true;
	}
	return false;
}

bool
uidlines_read(struct uidlines *l, int folder_fd)
{
	char const *s;
	size_t len;

	*l = (struct uidlines){.text = STRALLOC_ZERO};
	switch (uidlist_read_from(folder_fd, 0, &l->text, &l->stamp)) {
	case 1:
		l->missing = !uidlines_line(&l->text, &l->body, &s, &len) ||
			     !uidlist_parse_header(s, len, &l->header);
		break;
	case 0:
		l->missing = true;
		break;
	default:
		return false;
	}
	l->broken = l->missing || l->header.version != 3 ||
		    l->text.s[l->text.len - 1] != '\n';
	return true;
}

bool
uidlines_add(
	stralloc *sa, int version, uint32_t uid, char const *name, size_t len)
{
	char number[32];

	(void)snprintf(number, sizeof number, version == 3 ? "%lu :" : "%lu ",
		(unsigned long)uid);
	return stralloc_cats(sa, number) && stralloc_catb(sa, name, len) &&
	       stralloc_catb(sa, "\n", 1);
}

/* The header's fields but V and N are kept. */
bool
uidlines_header(stralloc *out, struct uidlines const *l, uint32_t next)
{
	size_t pos = 2, end = l->body - 1;
	char start[48];

	if (l->header.version != 3)
		return uidlist_header_make(out, l->header.validity, next);
	(void)snprintf(start, sizeof start, "3 V%lu N%lu",
		(unsigned long)l->header.validity, (unsigned long)next);
	if (!stralloc_cats(out, start))
		return false;
	while (pos < end) {
		char const *const word = l->text.s + pos;
		char const *const blank = memchr(word, ' ', end - pos);
		size_t const n =
			blank != NULL ? (size_t)(blank - word) : end - pos;

		if (n > 0 && *word != 'V' && *word != 'N' &&
			(!stralloc_catb(out, " ", 1) ||
				!stralloc_catb(out, word, n)))
			return false;
		pos += n + 1;
	}
	return stralloc_catb(out, "\n", 1);
}
