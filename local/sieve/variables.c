/* Variables of Sieve scripts; see variables.h. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "local/sieve/program.h"
#include "local/sieve/variables.h"

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t
word_len(char const *s, size_t len)
{
	size_t n = 0;

	if (len == 0 || !is_alpha(*s))
		return 0;
	while (n < len && (is_alpha(s[n]) || is_digit(s[n])))
		n++;
	return n;
}

static size_t
digits_len(char const *s, size_t len, unsigned *number_r)
{
	unsigned value = 0;
	size_t n = 0;

	for (; n < len && is_digit(s[n]); n++)
		if (value < 1000)
			value = value * 10 + (unsigned)(s[n] - '0');
	*number_r = value < SIEVE_MATCHES_MAX ? value : UINT_MAX;
	return n;
}

/* What stands behind "${". */
static bool
read_reference(char const *s, size_t len, size_t pos, struct sieve_reference *r)
{
	size_t n = digits_len(s + pos, len - pos, &r->number);
	unsigned dots = 0;

	r->kind = n > 0 ? SIEVE_NUMBERED : SIEVE_NAMED;
	r->name = s + pos;
	if (n == 0)
		n = word_len(s + pos, len - pos);
	while (n > 0 && pos + n < len && s[pos + n] == '.' &&
		r->kind != SIEVE_NUMBERED) {
		bool const is_global = dots++ == 0 && n == 6 &&
				       strncasecmp(s + pos, "global", 6) == 0;
		unsigned number;

		r->kind = is_global ? SIEVE_GLOBAL_NAMED : SIEVE_FOREIGN;
		pos += n + 1;
		r->name = s + pos;
		n = word_len(s + pos, len - pos);
		if (n == 0) {
			n = digits_len(s + pos, len - pos, &number);
			r->kind = SIEVE_FOREIGN;
		}
	}
	r->name_len = n;
	r->end = pos + n + 1;
	return n > 0 && pos + n < len && s[pos + n] == '}';
}

bool
sieve_reference_next(
	char const *s, size_t len, size_t *pos, struct sieve_reference *r_r)
{
	for (size_t i = *pos; i + 3 < len; i++) {
		char const *const at = memchr(s + i, '$', len - i - 3);

		if (at == NULL)
			return false;
		i = (size_t)(at - s);
		r_r->start = i;
		if (s[i + 1] == '{' && read_reference(s, len, i + 2, r_r)) {
			*pos = r_r->end;
			return true;
		}
	}
	return false;
}

bool
sieve_variable_name(char const *s, size_t len)
{
	return len <= SIEVE_VARIABLE_NAME_MAX && word_len(s, len) == len &&
	       len > 0;
}

struct sieve_variable *
sieve_variable_find(
	struct sieve_variables const *v, char const *name, size_t len)
{
	for (size_t i = 0; i < v->count; i++)
		if (strlen(v->list[i].name) == len &&
			strncasecmp(v->list[i].name, name, len) == 0)
			return &v->list[i];
	return NULL;
}

struct sieve_variable *
sieve_variable_make(struct sieve_variables *v, char const *name, size_t len)
{
	struct sieve_variable *one = sieve_variable_find(v, name, len);

	if (one != NULL)
		return one;
	if (v->list == NULL)
		v->list = calloc(SIEVE_VARIABLES_MAX, sizeof *v->list);
	if (v->list == NULL || v->count == SIEVE_VARIABLES_MAX ||
		!sieve_variable_name(name, len))
		return NULL;
	one = &v->list[v->count++];
	memcpy(one->name, name, len);
	return one;
}

bool
sieve_variable_put(stralloc *value, char const *s, size_t len)
{
	if (len > SIEVE_VALUE_MAX) {
		len = SIEVE_VALUE_MAX;
		while (len > 0 && ((unsigned char)s[len] & 0xc0) == 0x80)
			len--;
	}
	return stralloc_copyb(value, len > 0 ? s : "", len);
}

static bool
append(stralloc *out, size_t max, char const *s, size_t len)
{
	size_t const room = max - (out->len < max ? out->len : max);

	return len == 0 || stralloc_catb(out, s, len < room ? len : room);
}

static bool
append_value(struct sieve_variables const *v,
	struct sieve_variables const *global, struct sieve_reference const *r,
	size_t max, stralloc *out)
{
	struct sieve_variable const *one = NULL;
	stralloc const *value;

	if (r->kind == SIEVE_NUMBERED) {
		if (r->number == UINT_MAX)
			return true;
		value = &v->matches[r->number];
		return append(out, max, value->s, value->len);
	}
	if (r->kind == SIEVE_NAMED)
		one = sieve_variable_find(v, r->name, r->name_len);
	if (global != NULL && (r->kind == SIEVE_GLOBAL_NAMED ||
				      (one != NULL && one->is_global)))
		one = sieve_variable_find(global, r->name, r->name_len);
	return one == NULL || append(out, max, one->value.s, one->value.len);
}

bool
sieve_variables_expand(struct sieve_variables const *v,
	struct sieve_variables const *global, char const *s, size_t len,
	size_t max, stralloc *out)
{
	struct sieve_reference r;
	size_t pos = 0, done = 0;

	while (sieve_reference_next(s, len, &pos, &r)) {
		if (!append(out, max, s + done, r.start - done) ||
			!append_value(v, global, &r, max, out))
			return false;
		done = r.end;
	}
	return append(out, max, s + done, len - done);
}

static void
change_case(char *c, bool upper)
{
	if (upper ? *c >= 'a' && *c <= 'z' : *c >= 'A' && *c <= 'Z')
		*c = (char)(*c ^ 0x20);
}

static bool
quote_wildcards(stralloc *value)
{
	stralloc out = STRALLOC_ZERO;
	bool ok = stralloc_ready(&out, 2 * value->len + 1);

	for (size_t i = 0; ok && i < value->len; i++) {
		char const c = value->s[i];

		if (c == '*' || c == '?' || c == '\\')
			out.s[out.len++] = '\\';
		out.s[out.len++] = c;
	}
	ok = ok && sieve_variable_put(value, out.s, out.len);
	stralloc_free(&out);
	return ok;
}

static bool
replace_by_length(stralloc *value)
{
	char digits[24];
	size_t n = 0;

	for (size_t i = 0; i < value->len; i++)
		n += ((unsigned char)value->s[i] & 0xc0) != 0x80;
	n = (size_t)snprintf(digits, sizeof digits, "%zu", n);
	return stralloc_copyb(value, digits, n);
}

bool
sieve_variables_modify(stralloc *value, uint64_t flags)
{
	for (size_t i = 0;
		i < value->len && (flags & (SIEVE_F_LOWER | SIEVE_F_UPPER));
		i++)
		change_case(&value->s[i], flags & SIEVE_F_UPPER);
	if (value->len > 0 &&
		(flags & (SIEVE_F_LOWERFIRST | SIEVE_F_UPPERFIRST)))
		change_case(&value->s[0], flags & SIEVE_F_UPPERFIRST);
	if ((flags & SIEVE_F_QUOTEWILDCARD) && !quote_wildcards(value))
		return false;
	return !(flags & SIEVE_F_LENGTH) || replace_by_length(value);
}

void
sieve_variables_free(struct sieve_variables *v)
{
	for (size_t i = 0; i < v->count; i++)
		stralloc_free(&v->list[i].value);
	free(v->list);
	for (size_t i = 0; i < SIEVE_MATCHES_MAX; i++)
		stralloc_free(&v->matches[i]);
	*v = (struct sieve_variables){0};
}
