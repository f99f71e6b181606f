/* A message whose sender does without TLS: see tlsrequired.h. */
#include <string.h>
#include <strings.h>
#include "remote/tlsrequired.h"

static bool
is_field(char const *s, size_t len)
{
	static char const name[] = "tls-required:";
	size_t n = sizeof name - 1;

	if (len < n || strncasecmp(s, name, n) != 0)
		return false;
	while (n < len && (s[n] == ' ' || s[n] == '\t'))
		n++;
	while (len > n && strchr(" \t\r", s[len - 1]) != NULL)
		len--;
	return len - n == 2 && strncasecmp(s + n, "no", 2) == 0;
}

bool
tlsrequired_is_no(char const *s, size_t len)
{
	while (len > 0) {
		char const *lf = memchr(s, '\n', len);
		size_t n = lf != NULL ? (size_t)(lf - s) : len;
		if (n == 0 || (n == 1 && s[0] == '\r'))
			return false;
		if (is_field(s, n))
			return true;
		n += lf != NULL;
		s += n;
		len -= n;
	}
	return false;
}
