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

size_t
smtp_preamble_format(char out[SMTP_PREAMBLE_MAX], struct smtp_preamble const *p)
{
	size_t helo_len = strlen(p->helo), tls_len = strlen(p->tls), n = 0;
	size_t len = helo_len + 1 + tls_len + 1;

	if (len >= 100)
		out[n++] = (char)('0' + len / 100);
	if (len >= 10)
		out[n++] = (char)('0' + len / 10 % 10);
	out[n++] = (char)('0' + len % 10);
	out[n++] = ':';
	memcpy(out + n, p->helo, helo_len + 1);
	n += helo_len + 1;
	memcpy(out + n, p->tls, tls_len + 1);
	n += tls_len + 1;
	out[n++] = ',';
	return n;
}

/* Two strings, each ended by a NUL, and nothing else. */
static bool
strings(char const *s, size_t len, struct smtp_preamble *p_r)
{
	char const *end = memchr(s, '\0', len);
	size_t helo_len, tls_len;

	if (end == NULL || s[len - 1] != '\0')
		return false;
	helo_len = (size_t)(end - s);
	if (helo_len + 2 > len)
		return false;
	tls_len = len - helo_len - 2;
	if (memchr(end + 1, '\0', tls_len) != NULL ||
		!smtp_helo_ok(s, helo_len) || !tls_ok(end + 1, tls_len))
		return false;
	memcpy(p_r->helo, s, helo_len + 1);
	memcpy(p_r->tls, end + 1, tls_len + 1);
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
