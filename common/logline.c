/* Reading what log.h wrote; see logline.h. */
#include <string.h>
#include <strings.h>
#include "common/logline.h"

static bool
is_time(char const *s)
{
	static char const form[] = "dddd-dd-dd dd:dd:dd.ddddddddd";

	for (size_t i = 0; i < LOGLINE_TIME_LEN; i++)
		if (form[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != form[i])
			return false;
	return true;
}

/* A word up to a blank; what is behind the blanks is left. */
static char const *
word(char const **s, char const *end, size_t *len_r)
{
	char const *const start = *s;
	char const *p = memchr(start, ' ', (size_t)(end - start));

	if (p == NULL)
		p = end;
	*len_r = (size_t)(p - start);
	while (p < end && *p == ' ')
		p++;
	*s = p;
	return start;
}

bool
logline_parse(char const *s, size_t len, struct logline *l_r)
{
	char const *const end = s + len;

	if (len <= LOGLINE_TIME_LEN || !is_time(s) ||
		s[LOGLINE_TIME_LEN] != ' ')
		return false;
	l_r->time = s;
	s += LOGLINE_TIME_LEN;
	while (s < end && *s == ' ')
		s++;
	l_r->program = word(&s, end, &l_r->program_len);
	if (end - s <= 6 || memcmp(s, "event=", 6) != 0)
		return false;
	s += 6;
	l_r->event = word(&s, end, &l_r->event_len);
	l_r->pairs = s;
	l_r->pairs_len = (size_t)(end - s);
	return true;
}

/* The length of a quoted value up to its last quote; len: it has none. */
static size_t
quoted(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] == '\\')
			i++;
		else if (s[i] == '"')
			return i;
	return len;
}

bool
logline_next(struct logline const *l, size_t *pos, struct logline_pair *p_r)
{
	char const *const s = l->pairs;
	size_t const len = l->pairs_len;
	char const *equals;
	size_t at;

	while (*pos < len && s[*pos] == ' ')
		++*pos;
	equals = *pos < len ? memchr(s + *pos, '=', len - *pos) : NULL;
	if (equals == NULL)
		return false;
	p_r->key = s + *pos;
	p_r->key_len = (size_t)(equals - p_r->key);
	at = (size_t)(equals - s) + 1;
	p_r->is_quoted = at < len && s[at] == '"';
	at += p_r->is_quoted;
	p_r->value = s + at;
	if (p_r->is_quoted) {
		p_r->value_len = quoted(s + at, len - at);
		*pos = at + p_r->value_len;
		*pos += *pos < len;
	} else {
		char const *blank = memchr(s + at, ' ', len - at);
		p_r->value_len =
			blank == NULL ? len - at : (size_t)(blank - s) - at;
		*pos = at + p_r->value_len;
	}
	return true;
}

bool
logline_find(struct logline const *l, char const *key, struct logline_pair *p_r)
{
	size_t const len = strlen(key);
	size_t pos = 0;

	while (logline_next(l, &pos, p_r))
		if (p_r->key_len == len && memcmp(p_r->key, key, len) == 0)
			return true;
	return false;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The octet at s, and how many stand for it. */
static char
octet(char const *s, size_t len, size_t *used_r)
{
	*used_r = 1;
	if (len < 2 || *s != '\\')
		return *s;
	*used_r = 2;
	if (s[1] != 'x' || len < 4 || hex(s[2]) < 0 || hex(s[3]) < 0)
		return s[1];
	*used_r = 4;
	return (char)(hex(s[2]) << 4 | hex(s[3]));
}

size_t
logline_value(struct logline_pair const *p, char *out, size_t max)
{
	size_t n = 0, used;

	for (size_t i = 0; i < p->value_len && n + 1 < max; i += used) {
		used = 1;
		out[n++] = p->is_quoted ? octet(p->value + i, p->value_len - i,
						  &used)
					: p->value[i];
	}
	out[n] = '\0';
	return n;
}

bool
logline_has(struct logline_pair const *p, char const *value, size_t len)
{
	char text[1024];
	size_t n;

	if (!p->is_quoted)
		return p->value_len == len &&
		       strncasecmp(p->value, value, len) == 0;
	n = logline_value(p, text, sizeof text);
	return n == len && strncasecmp(text, value, len) == 0;
}

bool
logline_event_is(struct logline const *l, char const *event)
{
	return l->event_len == strlen(event) &&
	       memcmp(l->event, event, l->event_len) == 0;
}
