/* URLs of messages; see imapurl.h. */
#include <string.h>
#include <strings.h>

#include "imapd/imapurl.h"
#include "common/utf7.h"

struct cursor {
	char const *s;
	size_t len, pos;
};

static bool
word(struct cursor *c, char const *text)
{
	size_t const n = strlen(text);

	if (c->len - c->pos < n || strncasecmp(c->s + c->pos, text, n) != 0)
		return false;
	c->pos += n;
	return true;
}

static bool
number(struct cursor *c, uint32_t *n_r)
{
	size_t const start = c->pos;
	uint64_t n = 0;

	for (; c->pos < c->len; c->pos++) {
		unsigned const digit = (unsigned char)c->s[c->pos] - '0';

		if (digit > 9)
			break;
		n = n * 10 + digit;
		if (n > UINT32_MAX)
			return false;
	}
	*n_r = (uint32_t)n;
	return c->pos > start;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Up to one of the octets of `ends`, %XX decoded. */
static bool
decoded(struct cursor *c, char const *ends, char *out, size_t max,
	size_t *len_r)
{
	size_t n = 0;

	for (; c->pos < c->len && strchr(ends, c->s[c->pos]) == NULL; n++) {
		char octet = c->s[c->pos++];

		if (octet == '%') {
			if (c->len - c->pos < 2)
				return false;

			int const high = hex(c->s[c->pos]);
			int const low = hex(c->s[c->pos + 1]);

			if (high < 0 || low < 0)
				return false;
			octet = (char)(high << 4 | low);
			c->pos += 2;
		}
		if (n == max || octet == '\0')
			return false;
		out[n] = octet;
	}
	*len_r = n;
	return true;
}

static bool
mailbox(struct cursor *c, struct imapurl *url)
{
	char plain[BOXNAME_MAX], name[UTF7_ROOM(BOXNAME_MAX)];
	size_t len, name_len;

	if (!decoded(c, ";/", plain, sizeof plain, &len))
		return false;
	if (len == 0)
		return true;
	/* RFC 5092, 3: a name stands in UTF-8, whatever the session does. */
	return utf7_encode(plain, len, name, &name_len) &&
	       boxname_check(name, name_len, url->mailbox);
}

static bool
tail(struct cursor *c, struct imapurl *url)
{
	if (word(c, "/;SECTION=") &&
		(!decoded(c, ";/", url->section, sizeof url->section,
			 &url->section_len) ||
			url->section_len == 0))
		return false;
	if (word(c, "/;PARTIAL=")) {
		url->partial = true;
		if (!number(c, &url->origin))
			return false;
		if (word(c, ".") &&
			(!number(c, &url->length) || url->length == 0))
			return false;
	}
	return c->pos == c->len;
}

bool
imapurl_parse(char const *s, size_t len, struct imapurl *url_r)
{
	struct cursor c = {.s = s, .len = len};

	*url_r = (struct imapurl){0};
	if (!word(&c, "/") || !mailbox(&c, url_r))
		return false;
	if (word(&c, ";UIDVALIDITY=") &&
		(url_r->mailbox[0] == '\0' || !number(&c, &url_r->validity) ||
			url_r->validity == 0))
		return false;
	if (url_r->mailbox[0] != '\0' && !word(&c, "/"))
		return false;
	return word(&c, ";UID=") && number(&c, &url_r->uid) &&
	       url_r->uid != 0 && tail(&c, url_r);
}
