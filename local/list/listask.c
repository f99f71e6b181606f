/* Questions of a list that are open; see listask.h. */
#include "local/list/listask.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FIELDS 5

/* Fields with one blank between. */
static size_t
split(char const *s, size_t len, char const *field[FIELDS],
	size_t field_len[FIELDS])
{
	size_t n = 0;

	while (n < FIELDS) {
		char const *const blank = memchr(s, ' ', len);
		size_t const here = blank != NULL ? (size_t)(blank - s) : len;

		field[n] = s;
		field_len[n++] = here;
		if (blank == NULL)
			break;
		s += here + 1;
		len -= here + 1;
	}
	return n;
}

static bool
mode_of(char const *s, size_t len, enum member_mode *mode)
{
	static char const letters[] = "-dn";
	char const *const at = len == 1 ? strchr(letters, *s) : NULL;

	if (at == NULL || *at == '\0')
		return false;
	*mode = (enum member_mode)(at - letters);
	return true;
}

bool
listask_parse(char const *s, size_t len, struct listask *ask)
{
	char const *field[FIELDS];
	size_t field_len[FIELDS];

	*ask = (struct listask){0};
	if (split(s, len, field, field_len) != FIELDS || field_len[0] == 0 ||
		field_len[0] > 12 || field_len[1] != 1 ||
		memchr("sjumar", *field[1], 6) == NULL ||
		!mode_of(field[3], field_len[3], &ask->mode))
		return false;
	for (size_t i = 0; i < field_len[0]; i++) {
		if (field[0][i] < '0' || field[0][i] > '9')
			return false;
		ask->expires =
			ask->expires * 10 + (uint64_t)(field[0][i] - '0');
	}
	ask->action = (enum listask_action) * field[1];
	ask->address = field[2];
	ask->address_len = field_len[2];
	ask->asker = field[4];
	ask->asker_len = field_len[4];
	return members_may_be(ask->address, ask->address_len) &&
	       members_may_be(ask->asker, ask->asker_len);
}

static bool
put(stralloc *out, struct listask const *ask)
{
	char const mode[] = {' ', "-dn"[ask->mode], ' '};
	char const action[] = {(char)ask->action, ' '};

	return stralloc_catb(out, action, sizeof action) &&
	       stralloc_catb(out, ask->address, ask->address_len) &&
	       stralloc_catb(out, mode, sizeof mode) &&
	       stralloc_catb(out, ask->asker, ask->asker_len);
}

bool
listask_format(stralloc *out, struct listask const *ask)
{
	char digits[32];
	int const n = snprintf(digits, sizeof digits, "%llu ",
		(unsigned long long)ask->expires);

	return n > 0 && stralloc_catb(out, digits, (size_t)n) &&
	       put(out, ask) && stralloc_append(out, '\n');
}

bool
listask_word(char word[LISTTOKEN_LEN + 1],
	unsigned char const key[LISTTOKEN_KEY], struct listask const *ask)
{
	stralloc text = STRALLOC_ZERO;
	bool const ok = put(&text, ask);

	if (ok)
		listtoken_make(word, key, LISTTOKEN_ASK, ask->expires, text.s,
			text.len);
	stralloc_free(&text);
	return ok;
}

/* The next line that can be read; line and n are the whole of it. */
static bool
next(char const *text, size_t len, size_t *pos, struct listask *ask,
	char const **line, size_t *n)
{
	while (*pos < len) {
		char const *const s = text + *pos;
		char const *const lf = memchr(s, '\n', len - *pos);
		size_t const here = lf != NULL ? (size_t)(lf - s) : len - *pos;

		*pos += here + 1;
		*line = s;
		*n = here;
		if (listask_parse(s, here, ask))
			return true;
	}
	return false;
}

bool
listask_find(char const *text, size_t len,
	unsigned char const key[LISTTOKEN_KEY], uint64_t now, char const *word,
	size_t word_len, struct listask *ask)
{
	char const *line;
	size_t pos = 0, n;

	while (next(text, len, &pos, ask, &line, &n)) {
		char const *const blank = memchr(line, ' ', n);
		size_t const skip = (size_t)(blank - line) + 1;

		/* What follows the time is what the word was made of. */
		if (ask->expires > now &&
			listtoken_is(word, word_len, key, LISTTOKEN_ASK,
				ask->expires, line + skip, n - skip))
			return true;
	}
	return false;
}

static bool
same(struct listask const *a, struct listask const *b)
{
	return b != NULL && a->action == b->action &&
	       a->address_len == b->address_len &&
	       strncasecmp(a->address, b->address, a->address_len) == 0;
}

bool
listask_update(stralloc *out, char const *text, size_t len, uint64_t now,
	struct listask const *drop, struct listask const *add)
{
	struct listask ask;
	char const *line;
	size_t pos = 0, count = 0, n, skip;

	while (next(text, len, &pos, &ask, &line, &n))
		count++;
	skip = count >= LISTASK_MAX ? count - LISTASK_MAX + 1 : 0;
	for (pos = 0; next(text, len, &pos, &ask, &line, &n);) {
		if (skip > 0) {
			skip--;
			continue;
		}
		if (ask.expires <= now || same(&ask, drop) || same(&ask, add))
			continue;
		if (!stralloc_catb(out, line, n) || !stralloc_append(out, '\n'))
			return false;
	}
	return add == NULL || listask_format(out, add);
}
