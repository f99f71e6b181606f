/* Which members' mail comes back; see listbounce.h. */
#include "local/list/listbounce.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool
number(char const **s, char const *end, uint64_t *n)
{
	char const *const start = *s;

	for (*n = 0; *s < end && **s >= '0' && **s <= '9'; ++*s)
		if (*s - start < 9)
			*n = *n * 10 + (uint64_t)(**s - '0');
	return *s > start && *s - start <= 9;
}

bool
listbounce_parse(char const *s, size_t len, struct listbounce *b)
{
	char const *const end = s + len;
	char const *const blank = memchr(s, ' ', len);
	uint64_t *const numbers[] = {&b->count, &b->last, &b->probed};

	if (blank == NULL || blank == s)
		return false;
	b->address = s;
	b->address_len = (size_t)(blank - s);
	s = blank;
	for (size_t i = 0; i < 3; i++) {
		if (s == end || *s != ' ')
			return false;
		s++;
		if (!number(&s, end, numbers[i]))
			return false;
	}
	return s == end && b->count > 0;
}

static bool
next(char const *text, size_t len, size_t *pos, struct listbounce *b)
{
	while (*pos < len) {
		char const *const s = text + *pos;
		char const *const lf = memchr(s, '\n', len - *pos);
		size_t const n = lf != NULL ? (size_t)(lf - s) : len - *pos;

		*pos += n + 1;
		if (listbounce_parse(s, n, b))
			return true;
	}
	return false;
}

bool
listbounce_find(char const *text, size_t len, char const *address,
	size_t address_len, struct listbounce *b)
{
	size_t pos = 0;

	while (next(text, len, &pos, b))
		if (b->address_len == address_len &&
			strncasecmp(b->address, address, address_len) == 0)
			return true;
	*b = (struct listbounce){
		.address = address, .address_len = address_len};
	return false;
}

bool
listbounce_count(struct listbounce *b, uint64_t today, uint64_t days)
{
	if (b->count > 0 && today > b->last + LISTBOUNCE_FORGET_DAYS)
		b->count = b->probed = 0;
	if (b->count > 0 && today <= b->last)
		return false;
	b->count++;
	b->last = today;
	if (b->count < days ||
		(b->probed > 0 && today < b->probed + LISTBOUNCE_AGAIN_DAYS))
		return false;
	b->probed = today;
	return true;
}

static bool
put_line(stralloc *out, struct listbounce const *b)
{
	char text[80];
	int const n = snprintf(text, sizeof text, " %llu %llu %llu\n",
		(unsigned long long)b->count, (unsigned long long)b->last,
		(unsigned long long)b->probed);

	return n > 0 && stralloc_catb(out, b->address, b->address_len) &&
	       stralloc_catb(out, text, (size_t)n);
}

bool
listbounce_update(stralloc *out, char const *text, size_t len, uint64_t today,
	struct listbounce const *put)
{
	struct listbounce b;
	size_t pos = 0, count = 1;

	while (next(text, len, &pos, &b)) {
		if (today > b.last + LISTBOUNCE_FORGET_DAYS ||
			(b.address_len == put->address_len &&
				strncasecmp(b.address, put->address,
					b.address_len) == 0))
			continue;
		if (++count > LISTBOUNCE_MAX)
			break;
		if (!put_line(out, &b))
			return false;
	}
	return put->count == 0 || put_line(out, put);
}
