/* Tokens, types and parameters of Content-* fields; see rfc2045.h. */
#include <string.h>
#include <strings.h>

#include "mime/rfc2045.h"

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t
skip_comment(char const *s, size_t len, size_t pos)
{
	size_t depth = 0;

	for (; pos < len; pos++) {
		if (s[pos] == '\\' && pos + 1 < len)
			pos++;
		else if (s[pos] == '(')
			depth++;
		else if (s[pos] == ')' && --depth == 0)
			return pos + 1;
	}
	return len;
}

size_t
rfc2045_skip(char const *s, size_t len, size_t pos)
{
	while (pos < len) {
		if (is_space(s[pos]))
			pos++;
		else if (s[pos] == '(')
			pos = skip_comment(s, len, pos);
		else
			break;
	}
	return pos;
}

size_t
rfc2045_token(char const *s, size_t len, size_t pos)
{
	size_t n = 0;

	while (pos + n < len) {
		unsigned char const c = (unsigned char)s[pos + n];

		if (c <= ' ' || c == 0x7f || strchr("()<>@,;:\\\"/[]?=", c))
			break;
		n++;
	}
	return n;
}

bool
rfc2045_type(char const *s, size_t len, size_t *type_r, size_t *type_len_r,
	size_t *subtype_r, size_t *subtype_len_r, size_t *pos_r)
{
	size_t pos = rfc2045_skip(s, len, 0);

	*type_r = pos;
	*type_len_r = rfc2045_token(s, len, pos);
	pos = rfc2045_skip(s, len, pos + *type_len_r);
	if (*type_len_r == 0 || pos == len || s[pos] != '/')
		return false;
	pos = rfc2045_skip(s, len, pos + 1);
	*subtype_r = pos;
	*subtype_len_r = rfc2045_token(s, len, pos);
	*pos_r = pos + *subtype_len_r;
	return *subtype_len_r > 0;
}

/* Where the quoted string ends whose first octet is s[pos]. */
static size_t
quoted_end(char const *s, size_t len, size_t pos)
{
	while (pos < len && s[pos] != '"')
		pos += s[pos] == '\\' && pos + 1 < len ? 2 : 1;
	return pos;
}

/* To the ';' that ends a parameter, minding quotes. */
static size_t
skip_param(char const *s, size_t len, size_t pos)
{
	while (pos < len && s[pos] != ';') {
		if (s[pos] == '"')
			pos = quoted_end(s, len, pos + 1);
		if (pos < len)
			pos++;
	}
	return pos;
}

static size_t
parse_value(char const *s, size_t len, size_t pos, struct rfc2045_param *param)
{
	param->quoted = pos < len && s[pos] == '"';
	if (param->quoted) {
		size_t const end = quoted_end(s, len, pos + 1);

		param->value = s + pos + 1;
		param->value_len = end - (pos + 1);
		return end < len ? end + 1 : len;
	}

	size_t end = pos;

	while (end < len && !is_space(s[end]) && s[end] != ';')
		end++;
	param->value = s + pos;
	param->value_len = end - pos;
	return end;
}

int
rfc2045_param(
	char const *s, size_t len, size_t *pos, struct rfc2045_param *param_r)
{
	size_t p = *pos;

	for (;;) {
		p = rfc2045_skip(s, len, p);
		if (p >= len)
			break;
		if (s[p] == ';') {
			p++;
			continue;
		}

		size_t const n = rfc2045_token(s, len, p);
		size_t const equals = rfc2045_skip(s, len, p + n);

		if (n == 0 || equals == len || s[equals] != '=') {
			p = skip_param(s, len, p);
			continue;
		}
		param_r->name = s + p;
		param_r->name_len = n;
		p = rfc2045_skip(s, len, equals + 1);
		*pos = parse_value(s, len, p, param_r);
		return 1;
	}
	*pos = len;
	return 0;
}

bool
rfc2045_find(char const *s, size_t len, size_t pos, char const *name,
	struct rfc2045_param *param_r)
{
	size_t const n = strlen(name);
	struct rfc2045_param param;

	while (rfc2045_param(s, len, &pos, &param) > 0) {
		if (param.name_len == n &&
			strncasecmp(param.name, name, n) == 0) {
			*param_r = param;
			return true;
		}
	}
	return false;
}

size_t
rfc2045_value(struct rfc2045_param const *param, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < param->value_len; i++) {
		char c = param->value[i];

		if (c == '\r' || c == '\n')
			continue;
		if (c == '\\' && param->quoted && i + 1 < param->value_len)
			c = param->value[++i];
		out[n++] = c;
	}
	return n;
}
