/* The client's message of OAUTHBEARER. */
#include <string.h>
#include <strings.h>
#include "common/monitor/bearer.h"
#include "common/monitor/scram.h"

#define SEPARATOR '\x01'

/* RFC 6750 2.1: b64token. */
static bool
is_token(char const *s, size_t len)
{
	size_t i = 0;

	for (; i < len && s[i] != '='; i++)
		if ((s[i] < '0' || s[i] > '9') && (s[i] < 'A' || s[i] > 'Z') &&
			(s[i] < 'a' || s[i] > 'z') &&
			(s[i] == '\0' || strchr("-._~+/", s[i]) == NULL))
			return false;
	if (i == 0)
		return false;
	for (; i < len; i++)
		if (s[i] != '=')
			return false;
	return true;
}

/* `n,a=user,`: up to its second comma. A comma in a name is escaped. */
static bool
take_header(char const **s, char const *end, struct bearer *b)
{
	char const *start, *comma;

	if (end - *s < 3 || (**s != 'n' && **s != 'y') || (*s)[1] != ',')
		return false;
	start = *s + 2;
	comma = memchr(start, ',', (size_t)(end - start));
	if (comma == NULL)
		return false;
	*s = comma + 1;
	if (comma == start)
		return true;
	return comma - start > 2 && start[0] == 'a' && start[1] == '=' &&
	       scram_unescape(start + 2, (size_t)(comma - start) - 2, b->user,
		       sizeof b->user, &b->user_len);
}

/* `Bearer token` */
static bool
take_token(char const *s, size_t len, struct bearer *b)
{
	if (b->token != NULL || len < 8 || strncasecmp(s, "Bearer ", 7) != 0)
		return false;
	for (s += 7, len -= 7; len > 0 && *s == ' '; s++)
		len--;
	b->token = s;
	b->token_len = len;
	return is_token(s, len);
}

static bool
is_key(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((s[i] < 'A' || s[i] > 'Z') && (s[i] < 'a' || s[i] > 'z'))
			return false;
	return len > 0;
}

bool
bearer_parse(char const *s, size_t len, struct bearer *b_r)
{
	char const *end = s + len;

	*b_r = (struct bearer){.token = NULL};
	if (!take_header(&s, end, b_r) || s == end || *s++ != SEPARATOR)
		return false;
	while (s < end && *s != SEPARATOR) {
		char const *stop = memchr(s, SEPARATOR, (size_t)(end - s));
		char const *equals;

		if (stop == NULL)
			return false;
		equals = memchr(s, '=', (size_t)(stop - s));
		if (equals == NULL || !is_key(s, (size_t)(equals - s)) ||
			memchr(s, '\0', (size_t)(stop - s)) != NULL)
			return false;
		if (equals - s == 4 && strncasecmp(s, "auth", 4) == 0 &&
			!take_token(
				equals + 1, (size_t)(stop - equals) - 1, b_r))
			return false;
		s = stop + 1;
	}
	return end - s == 1 && b_r->token != NULL;
}
