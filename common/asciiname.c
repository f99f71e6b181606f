/* Domain names in one form: see asciiname.h. */
#include <idn2.h>
#include <string.h>
#include "common/asciiname.h"

static bool
is_ascii(char const *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s > 0x7f)
			return false;
	return true;
}

static bool
put_lower(char *s)
{
	for (; *s != '\0'; s++) {
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s + ('a' - 'A'));
		else if (!(*s >= 'a' && *s <= 'z') &&
			 !(*s >= '0' && *s <= '9') && *s != '-' && *s != '.' &&
			 *s != '_')
			return false;
	}
	return true;
}

static bool
convert(char name[DNS_NAME_SIZE])
{
	unsigned char text[DNS_NAME_SIZE];
	unsigned char *ascii;
	size_t len;

	memcpy(text, name, sizeof text);
	if (idn2_lookup_u8(text, &ascii,
		    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	len = strlen((char const *)ascii);
	if (len < DNS_NAME_SIZE)
		memcpy(name, ascii, len + 1);
	idn2_free(ascii);
	return len < DNS_NAME_SIZE;
}

bool
asciiname(char const *s, size_t len, char name_r[DNS_NAME_SIZE])
{
	if (len > 0 && s[len - 1] == '.')
		len--;
	if (len == 0 || len >= DNS_NAME_SIZE || memchr(s, '\0', len) != NULL)
		return false;
	memset(name_r, 0, DNS_NAME_SIZE);
	memcpy(name_r, s, len);
	return (is_ascii(name_r) || convert(name_r)) && put_lower(name_r) &&
	       dns_name_valid(name_r);
}

bool
asciiname_within(char const *name, char const *domain)
{
	size_t n = strlen(name), d = strlen(domain);

	return d > 0 && n >= d && strcmp(name + n - d, domain) == 0 &&
	       (n == d || name[n - d - 1] == '.');
}

size_t
asciiname_labels(char const *name)
{
	size_t n = *name != '\0';

	for (; *name != '\0'; name++)
		n += *name == '.';
	return n;
}

char const *
asciiname_last(char const *name, size_t n)
{
	for (size_t labels = asciiname_labels(name); labels > n; labels--)
		name = strchr(name, '.') + 1;
	return name;
}
