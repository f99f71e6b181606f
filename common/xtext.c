/* xtext, in which parameters of SMTP carry any octet. */
#include "common/xtext.h"

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The octet that `+XX` at the start of s stands for, or -1. */
static int
escaped(char const *s, size_t len)
{
	int high, low;

	if (len < 3 || s[0] != '+')
		return -1;
	high = hex(s[1]);
	low = hex(s[2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool
xtext_valid(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (escaped(s + i, len - i) >= 0)
			i += 2;
		else if (s[i] < '!' || s[i] > '~' || s[i] == '+' || s[i] == '=')
			return false;
	}
	return true;
}

size_t
xtext_decode(char const *s, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int octet = escaped(s + i, len - i);
		out[n++] = octet >= 0 ? (char)octet : s[i];
		i += octet >= 0 ? 2 : 0;
	}
	return n;
}
