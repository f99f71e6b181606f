/* SMTP mailboxes and paths. */
#include <string.h>
#include <arpa/inet.h>
#include "common/addr.h"

#define LABEL_MAX 63

static bool
is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* RFC 5322 3.2.3 */
static bool
is_atext(unsigned char c)
{
	return is_alnum(c) ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Octets of the UTF-8 character at s[0..len) that is not ASCII, or 0
 * (RFC 3629 4: no overlong form, no surrogate, nothing beyond U+10FFFF). */
static size_t
utf8_len(char const *s, size_t len)
{
	unsigned char const *u = (unsigned char const *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (len == 0)
		return 0;
	if (u[0] >= 0xc2 && u[0] <= 0xdf)
		n = 2;
	else if (u[0] >= 0xe0 && u[0] <= 0xef)
		n = 3;
	else if (u[0] >= 0xf0 && u[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (u[0] == 0xe0)
		low = 0xa0;
	else if (u[0] == 0xed)
		high = 0x9f;
	else if (u[0] == 0xf0)
		low = 0x90;
	else if (u[0] == 0xf4)
		high = 0x8f;
	if (len < n || u[1] < low || u[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (u[i] < 0x80 || u[i] > 0xbf)
			return 0;
	return n;
}

/*
 * One character that is not ASCII, at s: its length, or 0 with *err_r. fallback
 * is the error for octets that are not UTF-8 although it is allowed.
 */
static size_t
foreign_char(char const *s, size_t len, unsigned flags,
	enum addr_error fallback, enum addr_error *err_r)
{
	size_t n = utf8_len(s, len);

	*err_r = flags & ADDR_ALLOW_UTF8 ? fallback : ADDR_ERR_UTF8;
	return flags & ADDR_ALLOW_UTF8 ? n : 0;
}

/* Dot-string (RFC 5321 4.1.2): octets up to what can't belong to it, or 0. */
static size_t
dot_string(char const *s, size_t len, unsigned flags, enum addr_error *err_r)
{
	size_t i = 0;
	bool after_dot = true;

	*err_r = ADDR_ERR_LOCALPART;
	while (i < len) {
		unsigned char c = (unsigned char)s[i];
		size_t n = 1;

		if (c >= 0x80) {
			n = foreign_char(s + i, len - i, flags,
				ADDR_ERR_LOCALPART, err_r);
			if (n == 0)
				return 0;
		} else if (c == '.') {
			if (after_dot)
				return 0;
		} else if (!is_atext(c)) {
			break;
		}
		after_dot = c == '.';
		i += n;
	}
	return after_dot ? 0 : i;
}

/* Quoted-string, its quotes included, or 0. */
static size_t
quoted_string(char const *s, size_t len, unsigned flags, enum addr_error *err_r)
{
	size_t i = 1;

	*err_r = ADDR_ERR_LOCALPART;
	while (i < len && s[i] != '"') {
		unsigned char c = (unsigned char)s[i];
		size_t n = 1;

		if (c == '\\') {
			i++;
			if (i == len || s[i] < ' ' || s[i] == 127)
				return 0;
		} else if (c >= 0x80) {
			n = foreign_char(s + i, len - i, flags,
				ADDR_ERR_LOCALPART, err_r);
			if (n == 0)
				return 0;
		} else if (c < ' ' || c == 127) {
			return 0;
		}
		i += n;
	}
	return i < len ? i + 1 : 0;
}

static size_t
local_part(char const *s, size_t len, unsigned flags, enum addr_error *err_r)
{
	if (len > 0 && s[0] == '"')
		return quoted_string(s, len, flags, err_r);
	return dot_string(s, len, flags, err_r);
}

/* Octets of a host name at the start of s, or 0. A dot at the end is not part
 * of the grammar. */
static size_t
host_name(char const *s, size_t len, unsigned flags, enum addr_error *err_r)
{
	size_t i = 0, label = 0;

	*err_r = ADDR_ERR_DOMAIN;
	while (i < len) {
		unsigned char c = (unsigned char)s[i];
		size_t n = 1;

		if (c == '.') {
			if (label == 0 || s[i - 1] == '-')
				return 0;
			label = 0;
			i++;
			continue;
		}
		if (c >= 0x80) {
			n = foreign_char(
				s + i, len - i, flags, ADDR_ERR_DOMAIN, err_r);
			if (n == 0)
				return 0;
		} else if (c == '-') {
			if (label == 0)
				return 0;
		} else if (!is_alnum(c) &&
			   !(c == '_' && (flags & ADDR_ALLOW_UNDERSCORE))) {
			break;
		}
		label += n;
		/* A U-label's own limit is that of its A-label, which is
		 * counted where it is made. */
		if (label > LABEL_MAX && !(flags & ADDR_ALLOW_UTF8))
			return 0;
		i += n;
	}
	return label == 0 || s[i - 1] == '-' ? 0 : i;
}

/* An address literal (RFC 5321 4.1.3), its brackets included, or 0. */
static size_t
address_literal(char const *s, size_t len)
{
	static char const tag[] = "IPv6:";
	char text[INET6_ADDRSTRLEN];
	unsigned char address[16];
	char const *end = memchr(s, ']', len);
	size_t n, skip = 0;

	if (end == NULL)
		return 0;
	n = (size_t)(end - s) - 1;
	while (skip < sizeof tag - 1 && skip < n &&
		lower(s[1 + skip]) == lower(tag[skip]))
		skip++;
	if (skip < sizeof tag - 1)
		skip = 0;
	if (n - skip >= sizeof text || memchr(s, '\0', n + 1) != NULL)
		return 0;
	memcpy(text, s + 1 + skip, n - skip);
	text[n - skip] = '\0';
	if (inet_pton(skip ? AF_INET6 : AF_INET, text, address) != 1)
		return 0;
	return n + 2;
}

static size_t
domain(char const *s, size_t len, unsigned flags, enum addr_error *err_r)
{
	size_t n;

	*err_r = ADDR_ERR_DOMAIN;
	if (len > 0 && s[0] == '[')
		return address_literal(s, len);
	n = host_name(s, len, flags, err_r);
	if (n > ADDR_DOMAIN_MAX) {
		*err_r = ADDR_ERR_LENGTH;
		return 0;
	}
	return n;
}

/* local@domain at the start of s: its length, or 0. */
static size_t
mailbox(char const *s, size_t len, unsigned flags, struct addr *addr_r,
	enum addr_error *err_r)
{
	size_t n = local_part(s, len, flags, err_r), m;

	if (n == 0)
		return 0;
	if (n == len || s[n] != '@') {
		*err_r = ADDR_ERR_SYNTAX;
		return 0;
	}
	m = domain(
		s + n + 1, len - n - 1, flags & ~ADDR_ALLOW_UNDERSCORE, err_r);
	if (m == 0)
		return 0;
	if ((n > ADDR_LOCAL_MAX && !(flags & ADDR_ALLOW_LONG)) ||
		n + 1 + m > ADDR_PATH_MAX) {
		*err_r = ADDR_ERR_LENGTH;
		return 0;
	}
	*addr_r = (struct addr){.local = s,
		.local_len = n,
		.domain = s + n + 1,
		.domain_len = m,
		.whole = s,
		.whole_len = n + 1 + m,
		.is_literal = s[n + 1] == '['};
	return n + 1 + m;
}

/* `@a,@b:` in front of a mailbox (A-d-l): its length, 0 if there is none. */
static size_t
source_route(char const *s, size_t len, unsigned flags, enum addr_error *err_r)
{
	size_t i = 0, n;

	while (i < len && s[i] == '@') {
		n = domain(s + i + 1, len - i - 1, flags, err_r);
		if (n == 0)
			return 0;
		i += n + 1;
		if (i < len && s[i] == ':')
			return i + 1;
		if (i == len || s[i] != ',')
			break;
		i++;
	}
	*err_r = ADDR_ERR_SYNTAX;
	return 0;
}

/* `<>` and `<Postmaster>`: octets used, or 0. */
static size_t
special_path(char const *s, size_t len, unsigned flags, struct addr *addr_r)
{
	static char const name[] = "postmaster";
	size_t n = 0;

	if ((flags & ADDR_ALLOW_EMPTY) && len >= 2 && s[1] == '>') {
		*addr_r = (struct addr){
			.local = s + 1, .domain = s + 1, .whole = s + 1};
		return 2;
	}
	if (!(flags & ADDR_ALLOW_POSTMASTER) || len < sizeof name + 1)
		return 0;
	while (n < sizeof name - 1 && lower(s[1 + n]) == name[n])
		n++;
	if (n < sizeof name - 1 || s[1 + n] != '>')
		return 0;
	*addr_r = (struct addr){.local = s + 1,
		.local_len = n,
		.domain = s + 1 + n,
		.whole = s + 1,
		.whole_len = n};
	return n + 2;
}

bool
addr_parse_path(char const *s, size_t len, unsigned flags, struct addr *addr_r,
	size_t *used_r, enum addr_error *err_r)
{
	struct addr a;
	size_t i, n;

	*err_r = ADDR_ERR_SYNTAX;
	if (len == 0 || s[0] != '<')
		return false;
	n = special_path(s, len, flags, addr_r);
	if (n > 0) {
		*used_r = n;
		return true;
	}
	i = 1;
	if (i < len && s[i] == '@') {
		n = source_route(s + i, len - i, flags, err_r);
		if (n == 0)
			return false;
		i += n;
		/* The route counts as part of the path. */
		if (i > ADDR_PATH_MAX) {
			*err_r = ADDR_ERR_LENGTH;
			return false;
		}
	}
	n = mailbox(s + i, len - i, flags, &a, err_r);
	if (n == 0)
		return false;
	i += n;
	if (i == len || s[i] != '>') {
		*err_r = ADDR_ERR_SYNTAX;
		return false;
	}
	*addr_r = a;
	*used_r = i + 1;
	return true;
}

bool
addr_parse(char const *s, size_t len, unsigned flags, struct addr *addr_r,
	enum addr_error *err_r)
{
	struct addr a;
	size_t n = mailbox(s, len, flags, &a, err_r);

	if (n == 0)
		return false;
	if (n < len) {
		*err_r = ADDR_ERR_SYNTAX;
		return false;
	}
	*addr_r = a;
	return true;
}

char const *
addr_strerror(enum addr_error e)
{
	switch (e) {
	case ADDR_ERR_SYNTAX:
		return "bad syntax of the address";
	case ADDR_ERR_LOCALPART:
		return "bad local part";
	case ADDR_ERR_DOMAIN:
		return "bad domain";
	case ADDR_ERR_LENGTH:
		return "address too long";
	case ADDR_ERR_UTF8:
		return "address is not in ASCII";
	}
	return "bad address";
}

/* The characters of a quoted local part, without quotes and backslashes, in
 * lower case; out has room for local_len octets. */
static size_t
unquote(char const *local, size_t local_len, char *out)
{
	size_t n = 0;

	for (size_t i = 1; i + 1 < local_len; i++) {
		if (local[i] == '\\' && i + 2 < local_len)
			i++;
		out[n++] = lower(local[i]);
	}
	return n;
}

/* Put the quotes back, with as few backslashes as can be; in place, since it
 * never becomes longer than what the client wrote. */
static size_t
requote(char const *content, size_t len, char *out)
{
	size_t n = 0;

	out[n++] = '"';
	for (size_t i = 0; i < len; i++) {
		if (content[i] == '"' || content[i] == '\\')
			out[n++] = '\\';
		out[n++] = content[i];
	}
	out[n++] = '"';
	return n;
}

static size_t
local_key(struct addr const *a, char *key)
{
	char content[ADDR_PATH_MAX];
	enum addr_error ignored;
	size_t n;

	if (a->local[0] != '"') {
		for (size_t i = 0; i < a->local_len; i++)
			key[i] = lower(a->local[i]);
		return a->local_len;
	}
	n = unquote(a->local, a->local_len, content);
	if (n == 0 || dot_string(content, n, ADDR_ALLOW_UTF8, &ignored) != n)
		return requote(content, n, key);
	memcpy(key, content, n);
	return n;
}

size_t
addr_key(struct addr const *a, char *key, size_t max)
{
	size_t n, domain_len = a->domain_len;

	if (domain_len > 0 && a->domain[domain_len - 1] == '.')
		domain_len--;
	if (a->local_len == 0 || a->local_len > ADDR_PATH_MAX ||
		domain_len > ADDR_DOMAIN_MAX ||
		a->local_len + 1 + domain_len > max)
		return 0;
	n = local_key(a, key);
	if (domain_len == 0)
		return n;
	key[n++] = '@';
	for (size_t i = 0; i < domain_len; i++)
		key[n++] = lower(a->domain[i]);
	return n;
}

size_t
addr_key_base(char *key, size_t len)
{
	char *at = memrchr(key, '@', len), *plus;
	size_t tail;

	if (at == NULL || key[0] == '"')
		return 0;
	plus = memchr(key, '+', (size_t)(at - key));
	if (plus == NULL || plus == key)
		return 0;
	tail = len - (size_t)(at - key);
	memmove(plus, at, tail);
	return (size_t)(plus - key) + tail;
}

bool
addr_is_domain(char const *s, size_t len, unsigned flags)
{
	enum addr_error ignored;

	return len > 0 && domain(s, len, flags, &ignored) == len;
}
