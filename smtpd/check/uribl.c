/* Hosts of URLs in the text of a message. */
#include <idn2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "common/utf8.h"
#include "smtpd/check/uribl.h"

/* Hosts are shorter; more than this is none. */
#define HOST_MAX 512

void
uribl_start(struct uribl *u, struct psl const *psl)
{
	u->psl = psl;
	u->count = 0;
	u->is_full = false;
}

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

static int
hex(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* One part of a numeric host: decimal, 0x hexadecimal, 0 octal. */
static bool
number_part(char const *s, size_t len, uint64_t *n_r)
{
	unsigned base = 10;
	uint64_t n = 0;

	if (len == 0)
		return false;
	if (len > 1 && s[0] == '0') {
		bool is_hex = s[1] == 'x' || s[1] == 'X';

		base = is_hex ? 16 : 8;
		s += is_hex ? 2 : 1;
		len -= is_hex ? 2 : 1;
	}
	for (size_t i = 0; i < len; i++) {
		int d = hex(s[i]);

		if (d < 0 || (unsigned)d >= base)
			return false;
		n = n * base + (unsigned)d;
		if (n > UINT32_MAX)
			return false;
	}
	*n_r = n;
	return true;
}

/* As browsers read numbers: 1 to 4 parts, the last fills what is left. */
static bool
numeric_host(char const *s, size_t len, uint32_t *address_r)
{
	uint64_t parts[4];
	size_t count = 0, at = 0;
	uint64_t address = 0;

	while (at <= len) {
		char const *dot = memchr(s + at, '.', len - at);
		size_t n = dot != NULL ? (size_t)(dot - (s + at)) : len - at;

		if (count == 4 || !number_part(s + at, n, &parts[count]))
			return false;
		count++;
		at += n + 1;
	}
	for (size_t i = 0; i + 1 < count; i++) {
		if (parts[i] > 255)
			return false;
		address |= parts[i] << (8 * (3 - i));
	}
	if (parts[count - 1] >> (8 * (5 - count)) != 0)
		return false;
	*address_r = (uint32_t)(address | parts[count - 1]);
	return true;
}

static void
keep(struct uribl *u, char const *domain, bool is_address)
{
	size_t len = strlen(domain);

	if (len >= DNS_NAME_SIZE)
		return;
	for (size_t i = 0; i < u->count; i++)
		if (strcmp(u->domains[i], domain) == 0)
			return;
	if (u->count == URIBL_DOMAINS_MAX) {
		u->is_full = true;
		return;
	}
	memcpy(u->domains[u->count], domain, len + 1);
	u->is_address[u->count++] = is_address;
}

/* Whether it is a name that can be asked for: labels of letters, digits,
 * hyphens and underscores, at least two. */
static bool
is_host_name(char const *s)
{
	bool has_dot = false;
	size_t label = 0;

	for (; *s != '\0'; s++) {
		if (*s == '.') {
			if (label == 0)
				return false;
			label = 0;
			has_dot = true;
			continue;
		}
		if (!is_alpha(*s) && !is_digit(*s) && *s != '-' && *s != '_')
			return false;
		if (++label > 63)
			return false;
	}
	return has_dot && label > 0;
}

/* No top level domain is a number: it would be an address, gone wrong. */
static bool
ends_in_number(char const *s)
{
	char const *last = strrchr(s, '.');

	last = last != NULL ? last + 1 : s;
	return strspn(last, "0123456789") == strlen(last);
}

/* A host in A-labels, NUL-ended. */
static void
add_name(struct uribl *u, char *host)
{
	char const *domain = NULL;
	uint32_t a;
	char text[16];

	for (char *p = host; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	if (numeric_host(host, strlen(host), &a)) {
		snprintf(text, sizeof text, "%u.%u.%u.%u", a >> 24,
			a >> 16 & 255, a >> 8 & 255, a & 255);
		keep(u, text, true);
		return;
	}
	if (strlen(host) >= DNS_NAME_SIZE || !is_host_name(host) ||
		ends_in_number(host))
		return;
	if (u->psl != NULL)
		domain = psl_registered(u->psl, host);
	/* A public suffix itself (a hoster's, say) can be listed too. */
	keep(u, domain != NULL ? domain : host, false);
}

static bool
has_high(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] > 0x7f)
			return true;
	return false;
}

/* The host of an authority, s[0..len): user names and ports cut. */
static void
add_authority(struct uribl *u, char const *s, size_t len)
{
	char host[HOST_MAX + 1];
	char const *at = memrchr(s, '@', len), *colon;
	size_t n = 0;

	if (at != NULL) {
		len -= (size_t)(at + 1 - s);
		s = at + 1;
	}
	colon = memchr(s, ':', len);
	if (colon != NULL)
		len = (size_t)(colon - s);
	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '%' && len - i > 2 && hex(s[i + 1]) >= 0 &&
			hex(s[i + 2]) >= 0) {
			c = (char)(hex(s[i + 1]) * 16 + hex(s[i + 2]));
			i += 2;
		}
		if (c == '/' || c == '?' || c == '#' || c == '\\')
			break;
		if (c == '\0' || n == HOST_MAX)
			return;
		host[n++] = c;
	}
	while (n > 0 && host[n - 1] == '.')
		n--;
	host[n] = '\0';
	if (n == 0)
		return;
	if (has_high(host, n)) {
		char *ascii = NULL;

		/* UTS 46 as browsers do: other dots, widths and cases too. */
		if (idn2_to_ascii_8z(host, &ascii, IDN2_NONTRANSITIONAL) ==
				IDN2_OK &&
			strlen(ascii) < sizeof host)
			add_name(u, ascii);
		idn2_free(ascii);
		return;
	}
	add_name(u, host);
}

static bool
ends_authority(char c)
{
	return (unsigned char)c <= ' ' || strchr("/?#\\<>\"'`|{}^()[],;!*", c);
}

/* Octets of the authority at s. */
static size_t
authority(char const *s, size_t len)
{
	size_t n = 0;

	while (n < len && n < URIBL_AUTHORITY_MAX && !ends_authority(s[n]))
		n++;
	return n;
}

/* `:` as it is or percent-encoded, at s; the octets of it, or 0. */
static size_t
encoded(char const *s, size_t len, char c, char const *code)
{
	if (len > 0 && s[0] == c)
		return 1;
	return len > 2 && s[0] == '%' && strncasecmp(s + 1, code, 2) == 0 ? 3
									  : 0;
}

/* The slashes of a URL at s: how many octets, and how many slashes. */
static size_t
slashes(char const *s, size_t len, size_t *count_r)
{
	size_t at = 0;

	for (*count_r = 0; at < len; ++*count_r) {
		size_t n = encoded(s + at, len - at, '/', "2f");

		if (n == 0)
			n = encoded(s + at, len - at, '\\', "5c");
		if (n == 0)
			break;
		at += n;
	}
	return at;
}

static bool
is_scheme(char const *s, size_t len)
{
	static char const *const schemes[] = {
		"http", "https", "ftp", "hxxp", "hxxps"};

	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (len == strlen(schemes[i]) &&
			strncasecmp(s, schemes[i], len) == 0)
			return true;
	return false;
}

/* `scheme://` at a colon: s[0..colon) is all before it. */
static bool
scheme_before(char const *s, size_t colon)
{
	size_t start = colon;

	while (start > 0 && colon - start < 6 && is_alpha(s[start - 1]))
		start--;
	/* Words may run into it: look at the end of the letters alone. */
	for (; start < colon; start++)
		if (is_scheme(s + start, colon - start))
			return true;
	return false;
}

void
uribl_text(struct uribl *u, char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		size_t n = encoded(s + i, len - i, ':', "3a"), count, skip;

		if (n > 0) {
			skip = slashes(s + i + n, len - i - n, &count);
			if (count < 2 || !scheme_before(s, i))
				continue;
			i += n + skip;
		} else if (len - i > 4 && strncasecmp(s + i, "www.", 4) == 0 &&
			   (i == 0 || ends_authority(s[i - 1]) ||
				   s[i - 1] == '.')) {
			skip = 0;
		} else {
			continue;
		}
		n = authority(s + i, len - i);
		add_authority(u, s + i, n);
		/* Not past the octet that ended it: the loop steps over it. */
		i += n > 0 ? n - 1 : 0;
	}
}

static struct {
	char const *name;
	char c;
} const entities[] = {{"amp", '&'}, {"colon", ':'}, {"sol", '/'},
	{"period", '.'}, {"commat", '@'}, {"percnt", '%'}, {"lt", '<'},
	{"gt", '>'}, {"quot", '"'}, {"Tab", '\t'}, {"NewLine", '\n'},
	{"bsol", '\\'}, {"num", '#'}, {"quest", '?'}};

/* `#NNN;` or `#xHH;` behind the &. Its octets, or 0. */
static size_t
number_entity(char const *s, size_t len, uint32_t *c_r)
{
	bool is_hex = len > 1 && (s[1] == 'x' || s[1] == 'X');
	size_t start = is_hex ? 2 : 1, at = start;
	uint32_t c = 0;

	for (; at < len && at < 12; at++) {
		int d = hex(s[at]);

		if (d < 0 || (!is_hex && d > 9))
			break;
		c = c * (is_hex ? 16 : 10) + (uint32_t)d;
		if (c > 0x10ffff)
			return 0;
	}
	if (at == start || c == 0 || (c >= 0xd800 && c < 0xe000))
		return 0;
	*c_r = c;
	return at + (at < len && s[at] == ';');
}

/* The entity behind an &: its octets, or 0. A code is never longer in UTF-8
 * than `&#N` was: four digits make three octets, five make four. */
static size_t
entity(char const *s, size_t len, uint32_t *c_r)
{
	if (len > 0 && s[0] == '#')
		return number_entity(s, len, c_r);
	for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
		size_t n = strlen(entities[i].name);

		if (len <= n || memcmp(s, entities[i].name, n) != 0 ||
			s[n] != ';')
			continue;
		*c_r = (unsigned char)entities[i].c;
		return n + 1;
	}
	return 0;
}

static size_t
decode_entities(char *s, size_t len)
{
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		uint32_t c;
		size_t n = s[i] == '&' ? entity(s + i + 1, len - i - 1, &c) : 0;

		if (n == 0) {
			s[out++] = s[i];
			continue;
		}
		out += utf8_put(s + out, c);
		i += n;
	}
	return out;
}

/* A link, as an attribute holds it: blanks within are nothing to a browser. */
static void
add_link(struct uribl *u, char const *s, size_t len)
{
	char text[URIBL_AUTHORITY_MAX];
	size_t n = 0, at = 0, count;

	for (size_t i = 0; i < len && n < sizeof text; i++)
		if (s[i] != '\t' && s[i] != '\r' && s[i] != '\n' &&
			!(n == 0 && (unsigned char)s[i] <= ' '))
			text[n++] = s[i];
	while (at < n && is_alpha(text[at]))
		at++;
	if (at < n && text[at] == ':' && is_scheme(text, at)) {
		at++;
		at += slashes(text + at, n - at, &count);
	} else {
		at = slashes(text, n, &count);
		if (count < 2)
			return;
	}
	add_authority(u, text + at, authority(text + at, n - at));
}

static bool
is_link_attribute(char const *s, size_t len)
{
	static char const *const names[] = {"href", "src", "action",
		"formaction", "background", "data", "poster", "cite"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (len == strlen(names[i]) &&
			strncasecmp(s, names[i], len) == 0)
			return true;
	return false;
}

/* At the `=` of an attribute whose name ends before it; returns where its value
 * ends. */
static size_t
attribute(struct uribl *u, char const *s, size_t len, size_t equals)
{
	size_t name_end = equals, name, at = equals + 1, end;
	char quote;

	while (name_end > 0 && (unsigned char)s[name_end - 1] <= ' ' &&
		equals - name_end < 16)
		name_end--;
	name = name_end;
	while (name > 0 && is_alpha(s[name - 1]) && name_end - name < 12)
		name--;
	if (!is_link_attribute(s + name, name_end - name))
		return equals;
	while (at < len && (unsigned char)s[at] <= ' ')
		at++;
	if (at == len)
		return len;
	quote = s[at];
	if (quote == '"' || quote == '\'') {
		char const *close = memchr(s + at + 1, quote, len - at - 1);

		at++;
		end = close != NULL ? (size_t)(close - s) : len;
	} else {
		for (end = at; end < len && (unsigned char)s[end] > ' ' &&
			       s[end] != '>';)
			end++;
	}
	add_link(u, s + at, end - at);
	/* Not past the value: it can hold more, a redirect's target say. */
	return equals;
}

void
uribl_html(struct uribl *u, char *s, size_t len)
{
	size_t values = 0;

	len = decode_entities(s, len);
	for (size_t i = 0; i < len; i++) {
		/* Each looks ahead for a quote: bounded, to stay linear. */
		if (s[i] == '=' && values < 10000) {
			values++;
			i = attribute(u, s, len - i > 8192 ? i + 8192 : len, i);
		}
	}
	uribl_text(u, s, len);
}

bool
uribl_name(struct uribl const *u, size_t i, char const *zone, size_t zone_len,
	char name_r[DNS_NAME_SIZE])
{
	char const *domain = u->domains[i];
	size_t len = strlen(domain), n = 0;

	if (len + 1 + zone_len >= DNS_NAME_SIZE)
		return false;
	if (!u->is_address[i]) {
		memcpy(name_r, domain, len);
		n = len;
	} else {
		size_t end = len;

		while (end > 0) {
			char const *dot = memrchr(domain, '.', end);
			size_t start =
				dot != NULL ? (size_t)(dot - domain) + 1 : 0;

			if (n > 0)
				name_r[n++] = '.';
			memcpy(name_r + n, domain + start, end - start);
			n += end - start;
			end = start > 0 ? start - 1 : 0;
		}
	}
	name_r[n++] = '.';
	memcpy(name_r + n, zone, zone_len);
	name_r[n + zone_len] = '\0';
	return true;
}
