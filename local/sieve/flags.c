/* Sets of IMAP flags as text; see flags.h. */
#include <string.h>
#include <strings.h>
#include "local/sieve/flags.h"

#define NAME_MAX_LEN 64

int
sieve_flags_next(char const *s, size_t len, size_t *pos, char const **word_r,
	size_t *word_len_r)
{
	size_t start;

	if (len == 0)
		return 0;
	while (*pos < len && s[*pos] == ' ')
		++*pos;
	start = *pos;
	while (*pos < len && s[*pos] != ' ')
		++*pos;
	*word_r = s + start;
	*word_len_r = *pos - start;
	return *pos > start;
}

/* A system flag that can be set, or a keyword (RFC 3501, 9: flag). */
static bool
is_flag(char const *s, size_t len)
{
	static char const *const names[] = {
		"\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"};

	if (len == 0 || len > NAME_MAX_LEN)
		return false;
	if (*s == '\\') {
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			if (strlen(names[i]) == len &&
				strncasecmp(names[i], s, len) == 0)
				return true;
		return false;
	}
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] > '~' ||
			memchr("(){%*\"\\]", s[i], 8) != NULL)
			return false;
	return true;
}

static bool
find(stralloc const *set, char const *name, size_t len, size_t *at_r)
{
	size_t pos = 0, n;
	char const *word;

	while (sieve_flags_next(set->s, set->len, &pos, &word, &n) > 0)
		if (n == len && strncasecmp(word, name, len) == 0) {
			*at_r = (size_t)(word - set->s);
			return true;
		}
	return false;
}

bool
sieve_flags_has(stralloc const *set, char const *name, size_t len)
{
	size_t at;

	return find(set, name, len, &at);
}

bool
sieve_flags_add(stralloc *set, char const *s, size_t len)
{
	size_t pos = 0, n;
	char const *word;

	while (sieve_flags_next(s, len, &pos, &word, &n) > 0) {
		if (!is_flag(word, n) || sieve_flags_has(set, word, n) ||
			set->len + n + 1 > SIEVE_FLAGS_MAX)
			continue;
		if ((set->len > 0 && !stralloc_catb(set, " ", 1)) ||
			!stralloc_catb(set, word, n))
			return false;
	}
	return true;
}

void
sieve_flags_remove(stralloc *set, char const *s, size_t len)
{
	size_t pos = 0, n, at;
	char const *word;

	while (sieve_flags_next(s, len, &pos, &word, &n) > 0)
		while (find(set, word, n, &at)) {
			size_t const end = at + n;
			size_t const next = end < set->len ? end + 1 : end;

			memmove(set->s + at, set->s + next, set->len - next);
			set->len -= next - at;
			if (set->len > 0 && at == set->len)
				set->len--; /* the blank before the last */
		}
}
