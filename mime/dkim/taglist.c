/* Tag lists: see taglist.h. */
#include <limits.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>
#include "mime/dkim/taglist.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_name(char const *s, size_t len)
{
	if (len == 0 || !is_alpha(*s))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!is_alpha(s[i]) && !(s[i] >= '0' && s[i] <= '9') &&
			s[i] != '_')
			return false;
	return true;
}

static void
trim(char const **s, size_t *len)
{
	while (*len > 0 && is_blank(**s)) {
		++*s;
		--*len;
	}
	while (*len > 0 && is_blank((*s)[*len - 1]))
		--*len;
}

static bool
parse_tag(char const *s, size_t len, struct tag *tag)
{
	char const *equals = memchr(s, '=', len);

	if (equals == NULL)
		return false;
	*tag = (struct tag){.name = s,
		.name_len = (size_t)(equals - s),
		.value = equals + 1,
		.value_len = len - (size_t)(equals - s) - 1};
	trim(&tag->name, &tag->name_len);
	trim(&tag->value, &tag->value_len);
	for (size_t i = 0; i < tag->value_len; i++) {
		unsigned char c = (unsigned char)tag->value[i];
		if ((c < ' ' && !is_blank(tag->value[i])) || c == 0x7f)
			return false;
	}
	return is_name(tag->name, tag->name_len);
}

static bool
is_same_name(struct tag const *a, struct tag const *b)
{
	return a->name_len == b->name_len &&
	       memcmp(a->name, b->name, a->name_len) == 0;
}

bool
taglist_parse(char const *s, size_t len, struct taglist *list_r)
{
	list_r->count = 0;
	trim(&s, &len);
	while (len > 0) {
		char const *end = memchr(s, ';', len);
		size_t n = end != NULL ? (size_t)(end - s) : len;
		if (list_r->count == TAGLIST_MAX)
			return false;
		struct tag *tag = &list_r->list[list_r->count];
		if (!parse_tag(s, n, tag))
			return false;
		for (size_t i = 0; i < list_r->count; i++)
			if (is_same_name(tag, &list_r->list[i]))
				return false;
		list_r->count++;
		if (end == NULL)
			break;
		s += n + 1;
		len -= n + 1;
		trim(&s, &len);
	}
	return list_r->count > 0;
}

struct tag const *
taglist_find(struct taglist const *list, char const *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < list->count; i++)
		if (list->list[i].name_len == len &&
			memcmp(list->list[i].name, name, len) == 0)
			return &list->list[i];
	return NULL;
}

bool
taglist_is(struct taglist const *list, char const *name, char const *value)
{
	struct tag const *tag = taglist_find(list, name);
	size_t len = strlen(value);

	return tag != NULL && tag->value_len == len &&
	       memcmp(tag->value, value, len) == 0;
}

bool
taglist_squeeze(struct tag const *tag, char *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < tag->value_len; i++) {
		if (is_blank(tag->value[i]))
			continue;
		if (n + 1 >= max)
			return false;
		out[n++] = tag->value[i];
	}
	out[n] = '\0';
	return true;
}

bool
taglist_base64(
	struct tag const *tag, unsigned char *out, size_t max, size_t *len_r)
{
	/* Padding that is missing does no harm: the rest must still be zero. */
	static int const variants[] = {sodium_base64_VARIANT_ORIGINAL,
		sodium_base64_VARIANT_ORIGINAL_NO_PADDING};

	for (size_t i = 0; i < 2; i++)
		if (sodium_base642bin(out, max, tag->value, tag->value_len,
			    " \t\r\n", len_r, NULL, variants[i]) == 0)
			return true;
	return false;
}

bool
taglist_number(struct tag const *tag, unsigned long long *n_r)
{
	if (tag->value_len == 0 || tag->value_len > 76)
		return false;
	*n_r = 0;
	for (size_t i = 0; i < tag->value_len; i++) {
		char c = tag->value[i];
		if (c < '0' || c > '9')
			return false;
		if (*n_r >= ULLONG_MAX / 10 - 1)
			*n_r = ULLONG_MAX;
		else
			*n_r = *n_r * 10 + (unsigned)(c - '0');
	}
	return true;
}

bool
taglist_item(
	struct tag const *tag, size_t *pos, char const **item_r, size_t *len_r)
{
	char const *s = tag->value + *pos, *colon;
	size_t len;

	if (*pos > tag->value_len)
		return false;
	len = tag->value_len - *pos;
	colon = memchr(s, ':', len);
	if (colon != NULL)
		len = (size_t)(colon - s);
	*pos += len + 1;
	trim(&s, &len);
	*item_r = s;
	*len_r = len;
	return true;
}

bool
taglist_has(struct tag const *tag, char const *item)
{
	size_t pos = 0, len, n = strlen(item);
	char const *s;

	while (taglist_item(tag, &pos, &s, &len))
		if (len == n && strncasecmp(s, item, n) == 0)
			return true;
	return false;
}
