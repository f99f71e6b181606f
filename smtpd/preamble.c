/* What submit-front tells the smtpd behind it. */
#include <string.h>
#include "common/addr.h"
#include "smtpd/preamble.h"

bool
smtp_helo_ok(char const *s, size_t len)
{
	return len <= SMTP_HELO_MAX &&
	       addr_is_domain(s, len, ADDR_ALLOW_UNDERSCORE);
}

/* What may stand in the comment of a Received field. */
static bool
tls_ok(char const *s, size_t len)
{
	if (len > SMTP_TLS_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (s[i] < ' ' || s[i] == 127 || strchr("()\\", s[i]) != NULL)
			return false;
	return true;
}

void
smtp_preamble_set_tls(struct smtp_preamble *p, char const *tls)
{
	size_t len = strlen(tls);

	if (len > SMTP_TLS_MAX)
		len = SMTP_TLS_MAX;
	memcpy(p->tls, tls, len);
	p->tls[len] = '\0';
}

/* A string with its NUL. */
static size_t
put(char *out, char const *s)
{
	size_t len = strlen(s) + 1;

	memcpy(out, s, len);
	return len;
}

size_t
smtp_preamble_format(char out[SMTP_PREAMBLE_MAX], struct smtp_preamble const *p)
{
	size_t len = strlen(p->helo) + strlen(p->tls) + 2;
	size_t n = 0;

	if (len >= 100)
		out[n++] = (char)('0' + len / 100);
	if (len >= 10)
		out[n++] = (char)('0' + len / 10 % 10);
	out[n++] = (char)('0' + len % 10);
	out[n++] = ':';
	n += put(out + n, p->helo);
	n += put(out + n, p->tls);
	out[n++] = ',';
	return n;
}

/* The next string of s[*i..len), its NUL behind it. */
static bool
take(char const *s, size_t len, size_t *i, char const **text_r, size_t *len_r)
{
	char const *end = memchr(s + *i, '\0', len - *i);

	if (end == NULL)
		return false;
	*text_r = s + *i;
	*len_r = (size_t)(end - *text_r);
	*i += *len_r + 1;
	return true;
}

/* Both strings, and nothing else. */
static bool
strings(char const *s, size_t len, struct smtp_preamble *p_r)
{
	char const *helo, *tls;
	size_t i = 0, helo_len, tls_len;

	if (!take(s, len, &i, &helo, &helo_len) ||
		!take(s, len, &i, &tls, &tls_len) || i != len ||
		!smtp_helo_ok(helo, helo_len) || !tls_ok(tls, tls_len))
		return false;
	memcpy(p_r->helo, helo, helo_len + 1);
	memcpy(p_r->tls, tls, tls_len + 1);
	return true;
}

int
smtp_preamble_parse(
	char const *s, size_t len, struct smtp_preamble *p_r, size_t *used_r)
{
	size_t i = 0, n = 0;

	while (i < len && i < 3 && s[i] >= '0' && s[i] <= '9')
		n = n * 10 + (size_t)(s[i++] - '0');
	if (i == len && i <= 3)
		return 0;
	if (i == 0 || s[i] != ':' || n > SMTP_PREAMBLE_MAX)
		return -1;
	i++;
	if (len - i < n + 1)
		return 0;
	if (n == 0 || s[i + n] != ',' || !strings(s + i, n, p_r))
		return -1;
	*used_r = i + n + 1;
	return 1;
}
