/* The PROXY protocol's header. */
#include <arpa/inet.h>
#include <string.h>
#include "smtpd/command.h"
#include "smtpd/proxy.h"

#define V1_MAX 107
#define V2_HEAD 16

static char const signature[12] = {
	'\r', '\n', '\r', '\n', '\0', '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};
static char const v1_start[] = "PROXY ";

static bool
write_address(int family, void const *raw, char address_r[46])
{
	static unsigned char const mapped[12] = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	unsigned char const *octets = raw;

	if (family == AF_INET6 && memcmp(raw, mapped, sizeof mapped) == 0) {
		family = AF_INET;
		octets += sizeof mapped;
	}
	return inet_ntop(family, octets, address_r, 46) != NULL;
}

bool
smtp_proxy_address(char const *s, size_t len, char address_r[46])
{
	size_t tag = smtp_word(s, len, "IPV6:");
	char text[INET6_ADDRSTRLEN];
	unsigned char raw[16];
	int family;

	s += tag;
	len -= tag;
	if (len == 0 || len >= sizeof text || memchr(s, '\0', len) != NULL)
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	family = memchr(s, ':', len) != NULL ? AF_INET6 : AF_INET;
	return inet_pton(family, text, raw) == 1 &&
	       write_address(family, raw, address_r);
}

/* The next word of s[*i..len), one blank in front. */
static bool
word(char const *s, size_t len, size_t *i, char const **word_r, size_t *len_r)
{
	size_t start = *i + 1, end = start;

	if (*i >= len || s[*i] != ' ')
		return false;
	while (end < len && s[end] != ' ')
		end++;
	*word_r = s + start;
	*len_r = end - start;
	*i = end;
	return end > start;
}

static bool
port_ok(char const *s, size_t len, uint16_t *port_r)
{
	uint64_t n;

	if (len > 5 || !smtp_number(s, len, &n) || n > UINT16_MAX)
		return false;
	*port_r = (uint16_t)n;
	return true;
}

/* `PROXY TCP4 from to from-port to-port`, without its CRLF. */
static bool
parse_words(char const *s, size_t len, struct smtp_proxy *p)
{
	size_t i = sizeof v1_start - 2, n;
	char const *w;
	uint16_t own_port;
	char own[46];
	bool is_v6;

	if (!word(s, len, &i, &w, &n))
		return false;
	if (n == 7 && memcmp(w, "UNKNOWN", 7) == 0) {
		p->is_own = true;
		return true;
	}
	if (n != 4 || memcmp(w, "TCP", 3) != 0 || (w[3] != '4' && w[3] != '6'))
		return false;
	is_v6 = w[3] == '6';
	if (!word(s, len, &i, &w, &n) || (memchr(w, ':', n) != NULL) != is_v6 ||
		!smtp_proxy_address(w, n, p->address) ||
		!word(s, len, &i, &w, &n) ||
		(memchr(w, ':', n) != NULL) != is_v6 ||
		!smtp_proxy_address(w, n, own))
		return false;
	return word(s, len, &i, &w, &n) && port_ok(w, n, &p->port) &&
	       word(s, len, &i, &w, &n) && port_ok(w, n, &own_port) && i == len;
}

static int
parse_v1(char const *s, size_t len, struct smtp_proxy *p, size_t *used_r)
{
	char const *lf = memchr(s, '\n', len < V1_MAX ? len : V1_MAX);

	if (lf == NULL)
		return len < V1_MAX ? 0 : -1;
	*used_r = (size_t)(lf - s) + 1;
	if (*used_r < sizeof v1_start || lf[-1] != '\r')
		return -1;
	return parse_words(s, *used_r - 2, p) ? 1 : -1;
}

static int
parse_v2(char const *s, size_t len, struct smtp_proxy *p, size_t *used_r)
{
	unsigned char const *u = (unsigned char const *)s;
	size_t more;

	if (len < V2_HEAD)
		return 0;
	more = (size_t)u[14] << 8 | u[15];
	if (u[12] >> 4 != 2 || (u[12] & 15) > 1 ||
		more > SMTP_PROXY_MAX - V2_HEAD)
		return -1;
	if (len < V2_HEAD + more)
		return 0;
	*used_r = V2_HEAD + more;
	/* LOCAL, or a family that is not said. */
	if ((u[12] & 15) == 0 || u[13] == 0) {
		p->is_own = true;
		return 1;
	}
	if (u[13] == 0x11 && more >= 12) {
		p->port = (uint16_t)(u[24] << 8 | u[25]);
		return write_address(AF_INET, u + 16, p->address) ? 1 : -1;
	}
	if (u[13] == 0x21 && more >= 36) {
		p->port = (uint16_t)(u[48] << 8 | u[49]);
		return write_address(AF_INET6, u + 16, p->address) ? 1 : -1;
	}
	return -1;
}

int
smtp_proxy_parse(
	char const *s, size_t len, struct smtp_proxy *proxy_r, size_t *used_r)
{
	size_t v1 = sizeof v1_start - 1;

	*proxy_r = (struct smtp_proxy){.is_own = false};
	*used_r = 0;
	if (memcmp(s, v1_start, len < v1 ? len : v1) == 0)
		return len < v1 ? 0 : parse_v1(s, len, proxy_r, used_r);
	if (memcmp(s, signature,
		    len < sizeof signature ? len : sizeof signature) == 0)
		return parse_v2(s, len, proxy_r, used_r);
	return -1;
}
