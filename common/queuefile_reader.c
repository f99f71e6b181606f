/* The lines of an envelope, read. */
#include <string.h>
#include "common/queuefile_reader.h"

static void
bound(struct queuefile_reader *r, size_t max)
{
	r->max = max;
	r->len = r->given < max ? r->given : max;
}

void
queuefile_reader_start(struct queuefile_reader *r, char const *s, size_t len)
{
	*r = (struct queuefile_reader){.s = s, .given = len};
	bound(r, QUEUEFILE_ENVELOPE_MAX);
}

void
queuefile_reader_allow_more(struct queuefile_reader *r)
{
	bound(r, QUEUEFILE_VERP_ENVELOPE_MAX);
}

int
queuefile_reader_next(struct queuefile_reader *r)
{
	char const *end = memchr(r->s + r->at, '\n', r->len - r->at);

	if (end == NULL)
		return r->len < r->max ? 0 : -1;
	r->line = r->s + r->at;
	r->line_len = (size_t)(end - r->line);
	r->at += r->line_len + 1;
	return 1;
}

int
queuefile_reader_next_of(struct queuefile_reader *r, char const *key)
{
	size_t before = r->at, n = strlen(key);
	int got = queuefile_reader_next(r);

	if (got != 1)
		return got;
	if (r->line_len >= n && memcmp(r->line, key, n) == 0) {
		r->line += n;
		r->line_len -= n;
		return 1;
	}
	r->at = before;
	return 2;
}

bool
queuefile_reader_skip(struct queuefile_reader *r, char const *key)
{
	size_t n = strlen(key);

	if (r->line_len < n || memcmp(r->line, key, n) != 0)
		return false;
	r->line += n;
	r->line_len -= n;
	return true;
}

bool
queuefile_reader_digits(struct queuefile_reader *r, uint64_t *n_r)
{
	uint64_t n = 0;

	if (r->line_len < QUEUEFILE_DIGITS)
		return false;
	for (size_t i = 0; i < QUEUEFILE_DIGITS; i++) {
		unsigned digit = (unsigned)(unsigned char)r->line[i] - '0';
		if (digit > 9 || __builtin_mul_overflow(n, 10, &n) ||
			__builtin_add_overflow(n, digit, &n))
			return false;
	}
	r->line += QUEUEFILE_DIGITS;
	r->line_len -= QUEUEFILE_DIGITS;
	*n_r = n;
	return true;
}

int
queuefile_reader_number(struct queuefile_reader *r, char const *key,
	uint64_t *n_r, size_t *offset_r)
{
	int got = queuefile_reader_next(r);

	if (got <= 0)
		return got;
	if (!queuefile_reader_skip(r, key))
		return -1;
	if (offset_r != NULL)
		*offset_r = (size_t)(r->line - r->s);
	return queuefile_reader_digits(r, n_r) && r->line_len == 0 ? 1 : -1;
}

int
queuefile_reader_span(struct queuefile_reader *r, char const *key,
	uint64_t *offset_r, uint64_t *len_r)
{
	int got = queuefile_reader_next(r);

	if (got <= 0)
		return got;
	return queuefile_reader_skip(r, key) &&
			       queuefile_reader_digits(r, offset_r) &&
			       queuefile_reader_skip(r, " ") &&
			       queuefile_reader_digits(r, len_r) &&
			       r->line_len == 0
		       ? 1
		       : -1;
}

static bool
take_name(struct queuefile_reader *r, struct queuefile_name const *names,
	unsigned *bits)
{
	for (; names->name != NULL; names++) {
		size_t n = strlen(names->name);
		bool whole = r->line_len == n ||
			     (r->line_len > n && r->line[n] == ' ');
		if (whole && queuefile_reader_skip(r, names->name)) {
			*bits |= names->bit;
			return true;
		}
	}
	return false;
}

bool
queuefile_reader_names(struct queuefile_reader *r,
	struct queuefile_name const *names, unsigned *bits)
{
	while (r->line_len > 0)
		if (!queuefile_reader_skip(r, " ") ||
			!take_name(r, names, bits))
			return false;
	return true;
}

int
queuefile_reader_text(struct queuefile_reader *r, char const *key, size_t max,
	char const **s_r, size_t *len_r)
{
	int got = queuefile_reader_next(r);

	if (got <= 0)
		return got;
	if (!queuefile_reader_skip(r, key) ||
		!queuefile_is_clean(r->line, r->line_len, max))
		return -1;
	*s_r = r->line;
	*len_r = r->line_len;
	return 1;
}

int
queuefile_reader_word(struct queuefile_reader *r, char const *key, size_t max,
	char const **s_r, size_t *len_r)
{
	int got = queuefile_reader_next_of(r, key);

	if (got != 1)
		return got;
	if (!queuefile_is_word(r->line, r->line_len, max))
		return -1;
	*s_r = r->line;
	*len_r = r->line_len;
	return 1;
}
