/* What the rules compare, from what is known of a session. */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include "smtpd/check/facts.h"

static bool
is_address(struct checking_bytes b)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char raw[16];

	if (b.len == 0 || b.len >= sizeof text)
		return false;
	memcpy(text, b.s, b.len);
	text[b.len] = '\0';
	return inet_pton(AF_INET, text, raw) == 1 ||
	       inet_pton(AF_INET6, text, raw) == 1;
}

static bool
same(struct checking_bytes a, char const *s, size_t len)
{
	return a.len == len && strncasecmp(a.s, s, len) == 0;
}

char const *
facts_helo(struct checking_bytes helo, char const *hostname)
{
	if (helo.len > 0 && helo.s[helo.len - 1] == '.')
		helo.len--;
	if (helo.len > 0 && helo.s[0] == '[')
		return "literal";
	if (is_address(helo))
		return "address";
	if (same(helo, hostname, strlen(hostname)))
		return "ours";
	return helo.len == 0 || memchr(helo.s, '.', helo.len) == NULL
		       ? "unqualified"
		       : "name";
}

char const *
facts_reverse(struct checking_bytes name, struct checking_bytes helo)
{
	if (name.len == 0)
		return "none";
	return same(name, helo.s, helo.len) ? "helo" : "name";
}

bool
facts_gtube(char const *s, size_t len)
{
	static char const gtube[] = "XJS*C4JDBQADN1.NSBN3*2IDNEN*"
				    "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C."
				    "34X";

	return len > 0 && memmem(s, len, gtube, sizeof gtube - 1) != NULL;
}
