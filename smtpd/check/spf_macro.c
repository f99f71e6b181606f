/* Macros in SPF records: see spf_macro.h. */
#include <string.h>
#include "smtpd/check/spf_macro.h"

#define LETTERS "slodiphv"
#define LETTERS_EXPLAIN "slodiphvcrt"
#define DELIMITERS ".-+,/_="
#define DOMAIN_MAX 253
/* Parts of a value that are told apart; RFC 7208 7.3 wants 127. */
#define PARTS_MAX 256

struct macro {
	char letter; /* lower case; '%', '_' or '-' of the short ones */
	bool is_escaped;
	unsigned keep; /* 0: all parts */
	bool is_reversed;
	char const *delimiters;
	size_t delimiter_count;
	size_t len; /* of the whole macro in the text */
};

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char
lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* s[0] is '%'. False: not a macro. */
static bool
parse_macro(char const *s, size_t len, char const *letters, struct macro *m)
{
	size_t i = 2;

	*m = (struct macro){.letter = '\0'};
	if (len < 2)
		return false;
	if (s[1] == '%' || s[1] == '_' || s[1] == '-') {
		m->letter = s[1];
		m->len = 2;
		return true;
	}
	if (s[1] != '{' || len < 4 || !is_alpha(s[2]) ||
		strchr(letters, lower(s[2])) == NULL)
		return false;
	m->letter = lower(s[2]);
	m->is_escaped = s[2] != m->letter;
	i = 3;
	size_t digits = i;
	for (; i < len && is_digit(s[i]); i++)
		if (m->keep < PARTS_MAX)
			m->keep = m->keep * 10 + (unsigned)(s[i] - '0');
	/* RFC 7208 7.3: a number must not be zero. */
	if (i > digits && m->keep == 0)
		return false;
	if (i < len && lower(s[i]) == 'r') {
		m->is_reversed = true;
		i++;
	}
	m->delimiters = s + i;
	while (i < len && s[i] != '\0' && strchr(DELIMITERS, s[i]) != NULL)
		i++;
	m->delimiter_count = (size_t)(s + i - m->delimiters);
	if (i >= len || s[i] != '}')
		return false;
	m->len = i + 1;
	return true;
}

/* toplabel, with a dot in front and perhaps one behind. */
static bool
ends_in_toplabel(char const *s, size_t len)
{
	size_t start, alpha = 0;

	if (len > 0 && s[len - 1] == '.')
		len--;
	for (start = len; start > 0 && s[start - 1] != '.'; start--) {
		char c = s[start - 1];
		if (is_alpha(c) || c == '-')
			alpha++;
		else if (!is_digit(c))
			return false;
	}
	return start > 0 && start < len && alpha > 0 && s[start] != '-' &&
	       s[len - 1] != '-';
}

bool
spf_macro_valid(char const *s, size_t len, unsigned form)
{
	char const *letters =
		form == SPF_MACRO_EXPLAIN ? LETTERS_EXPLAIN : LETTERS;
	bool ends_in_macro = false;
	size_t literal = 0;

	for (size_t i = 0; i < len;) {
		struct macro m;
		unsigned char c = (unsigned char)s[i];
		ends_in_macro = c == '%';
		if (ends_in_macro) {
			if (!parse_macro(s + i, len - i, letters, &m))
				return false;
			i += m.len;
			literal = i;
			continue;
		}
		if (c > '~' || c < ' ' ||
			(c == ' ' && form != SPF_MACRO_EXPLAIN))
			return false;
		i++;
	}
	if (form != SPF_MACRO_DOMAIN)
		return true;
	/* What ends the name must not reach into a macro. */
	return ends_in_macro || ends_in_toplabel(s + literal, len - literal);
}

bool
spf_macro_uses(char const *s, size_t len, char letter)
{
	for (size_t i = 0; i < len;) {
		struct macro m;
		if (s[i] != '%' ||
			!parse_macro(s + i, len - i, LETTERS_EXPLAIN, &m)) {
			i++;
			continue;
		}
		if (m.letter == letter)
			return true;
		i += m.len;
	}
	return false;
}

static char const *
value_of(struct spf_macro_values const *v, char letter)
{
	switch (letter) {
	case 's':
		return v->sender;
	case 'l':
		return v->local;
	case 'o':
		return v->sender_domain;
	case 'd':
		return v->domain;
	case 'i':
		return v->dotted;
	case 'c':
		return v->readable;
	case 'p':
		return v->name;
	case 'h':
		return v->helo;
	case 'r':
		return v->receiver;
	case 't':
		return v->now;
	case 'v':
		return v->is_ipv6 ? "ip6" : "in-addr";
	case '_':
		return " ";
	case '-':
		return "%20";
	}
	return "%";
}

struct out {
	char *s;
	size_t max, len;
	bool is_full;
};

static void
put(struct out *o, char c)
{
	if (o->len + 1 < o->max)
		o->s[o->len++] = c;
	else
		o->is_full = true;
}

/* RFC 3986 2.3: what needs no escape. */
static void
put_escaped(struct out *o, char c)
{
	static char const hex[] = "0123456789ABCDEF";
	unsigned u = (unsigned char)c;

	if (is_alpha(c) || is_digit(c) || (c != '\0' && strchr("-._~", c))) {
		put(o, c);
		return;
	}
	put(o, '%');
	put(o, hex[u >> 4]);
	put(o, hex[u & 15]);
}

static void
put_part(struct out *o, struct macro const *m, char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (m->is_escaped)
			put_escaped(o, s[i]);
		else
			put(o, s[i]);
}

static bool
is_delimiter(struct macro const *m, char c)
{
	return m->delimiter_count > 0
		       ? memchr(m->delimiters, c, m->delimiter_count) != NULL
		       : c == '.';
}

/* RFC 7208 7.3: split, reverse, keep the right-hand parts, join by dots. */
static void
expand_value(struct out *o, struct macro const *m, char const *value)
{
	size_t at[PARTS_MAX], length[PARTS_MAX], n = 0, start = 0;
	size_t len = strlen(value);

	if (m->keep == 0 && !m->is_reversed && m->delimiter_count == 0) {
		put_part(o, m, value, len);
		return;
	}
	for (size_t i = 0; i <= len; i++) {
		if (i < len &&
			(!is_delimiter(m, value[i]) || n == PARTS_MAX - 1))
			continue;
		at[n] = start;
		length[n++] = i - start;
		start = i + 1;
	}
	size_t first = m->keep > 0 && m->keep < n ? n - m->keep : 0;
	for (size_t i = first; i < n; i++) {
		size_t j = m->is_reversed ? n - 1 - i : i;
		if (i > first)
			put(o, '.');
		put_part(o, m, value + at[j], length[j]);
	}
}

long
spf_macro_expand(char const *s, size_t len,
	struct spf_macro_values const *values, char *out, size_t max)
{
	struct out o = {.s = out, .max = max};

	for (size_t i = 0; i < len;) {
		struct macro m;
		if (s[i] != '%' ||
			!parse_macro(s + i, len - i, LETTERS_EXPLAIN, &m)) {
			put(&o, s[i++]);
			continue;
		}
		expand_value(&o, &m, value_of(values, m.letter));
		i += m.len;
	}
	if (o.is_full || max == 0)
		return -1;
	out[o.len] = '\0';
	return (long)o.len;
}

char const *
spf_macro_shorten(char const *domain, size_t len)
{
	while (len > DOMAIN_MAX) {
		char const *dot = memchr(domain, '.', len);
		if (dot == NULL)
			break;
		len -= (size_t)(dot + 1 - domain);
		domain = dot + 1;
	}
	return domain;
}
