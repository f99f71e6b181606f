/* The name of a channel: see destination.h. */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include "remote/destination.h"

#define IPV6_TAG "IPv6:"

static bool
parse_port(char const *s, size_t len, unsigned *port_r)
{
	unsigned n = 0;

	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		n = n * 10 + (unsigned)(s[i] - '0');
	}
	*port_r = n;
	return n > 0 && n < 65536;
}

/* What stands between the brackets. */
static bool
parse_address(char const *s, size_t len, struct destination *d)
{
	size_t tag = sizeof IPV6_TAG - 1;
	char text[INET6_ADDRSTRLEN];

	if (len > tag && strncasecmp(s, IPV6_TAG, tag) == 0) {
		s += tag;
		len -= tag;
	}
	if (len >= sizeof text || memchr(s, '\0', len) != NULL)
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	if (inet_pton(AF_INET, text, d->address) == 1)
		d->address_len = 4;
	else if (inet_pton(AF_INET6, text, d->address) == 1)
		d->address_len = 16;
	return d->address_len != 0;
}

static bool
parse_name(char const *s, size_t len, struct destination *d)
{
	if (len > 0 && s[len - 1] == '.')
		len--;
	if (len == 0 || len >= sizeof d->name || s[len - 1] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = s[i];
		if (c <= ' ' || c > '~')
			return false;
		d->name[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	d->name[len] = '\0';
	return dns_name_valid(d->name);
}

bool
destination_parse(char const *s, size_t len, struct destination *d_r)
{
	bool bracket = len > 0 && s[0] == '[';
	char const *close = bracket ? memchr(s, ']', len) : NULL;
	size_t end = len;

	*d_r = (struct destination){0};
	if (bracket) {
		if (close == NULL)
			return false;
		end = (size_t)(close - s) + 1;
		if (end >= sizeof d_r->name ||
			!parse_address(s + 1, end - 2, d_r))
			return false;
		memcpy(d_r->name, s, end);
	} else {
		char const *colon = memchr(s, ':', len);
		if (colon != NULL)
			end = (size_t)(colon - s);
		if (!parse_name(s, end, d_r))
			return false;
	}
	if (end == len) {
		d_r->by_mx = !bracket;
		return true;
	}
	return s[end] == ':' &&
	       parse_port(s + end + 1, len - end - 1, &d_r->port);
}
