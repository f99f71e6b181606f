/* The names that a certificate is for. */
#include <string.h>
#include <strings.h>
#include "common/tls_names.h"

#define SEQUENCE 0x30
#define OID 0x06
#define BOOLEAN 0x01
#define OCTETS 0x04
#define EXTENSIONS 0xa3 /* [3] of a TBSCertificate */
#define DNS_NAME 0x82	/* [2] of a GeneralName */

struct der {
	unsigned char const *s;
	size_t len;
};

/* The next element: its tag, and what is in it; 0 at the end or if it is
 * malformed. */
static unsigned
next(struct der *in, struct der *content_r)
{
	size_t len, n = 0;
	unsigned tag;

	if (in->len < 2)
		return 0;
	tag = in->s[0];
	len = in->s[1];
	in->s += 2;
	in->len -= 2;
	if (len >= 0x80) {
		n = len & 0x7f;
		if (n == 0 || n > 3 || in->len < n)
			return 0;
		len = 0;
		for (size_t i = 0; i < n; i++)
			len = len << 8 | in->s[i];
		in->s += n;
		in->len -= n;
	}
	if (len > in->len)
		return 0;
	*content_r = (struct der){in->s, len};
	in->s += len;
	in->len -= len;
	return tag;
}

static bool
enter(struct der *in, unsigned tag)
{
	struct der content;

	if (next(in, &content) != tag)
		return false;
	*in = content;
	return true;
}

/* Certificate, TBSCertificate, its extensions. */
static bool
find_extensions(struct der *in)
{
	struct der content;
	unsigned tag;

	if (!enter(in, SEQUENCE) || !enter(in, SEQUENCE))
		return false;
	while ((tag = next(in, &content)) != 0)
		if (tag == EXTENSIONS) {
			*in = content;
			return enter(in, SEQUENCE);
		}
	return false;
}

/* From one extension to its names, if it is subjectAltName (2.5.29.17). */
static bool
enter_names(struct der *in)
{
	static unsigned char const wanted[] = {0x55, 0x1d, 0x11};
	struct der content;
	unsigned tag;

	if (next(in, &content) != OID || content.len != sizeof wanted ||
		memcmp(content.s, wanted, sizeof wanted) != 0)
		return false;
	tag = next(in, &content);
	if (tag == BOOLEAN)
		tag = next(in, &content);
	if (tag != OCTETS)
		return false;
	*in = content;
	return enter(in, SEQUENCE);
}

static bool
is_same(struct der const *pattern, char const *name)
{
	char const *s = (char const *)pattern->s, *dot;
	size_t len = pattern->len;

	if (len > 2 && s[0] == '*' && s[1] == '.') {
		dot = strchr(name, '.');
		if (dot == NULL || dot == name)
			return false;
		name = dot;
		s++;
		len--;
	}
	return len == strlen(name) && strncasecmp(s, name, len) == 0;
}

bool
tls_names_hold(unsigned char const *der, size_t len, char const *name)
{
	struct der in = {der, len}, extension, value;

	if (!find_extensions(&in))
		return false;
	while (next(&in, &extension) == SEQUENCE) {
		unsigned tag;

		if (!enter_names(&extension))
			continue;
		while ((tag = next(&extension, &value)) != 0)
			if (tag == DNS_NAME && is_same(&value, name))
				return true;
	}
	return false;
}
