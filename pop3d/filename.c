/* What the name of a message's file tells. */
#include <string.h>
#include <sodium.h>
#include "pop3d/filename.h"

#define HASH 16

size_t
pop3_filename_base(char const *name, size_t len)
{
	char const *colon = memchr(name, ':', len);

	return colon == NULL ? len : (size_t)(colon - name);
}

static bool
number(char const *s, size_t len, uint64_t *n_r)
{
	uint64_t n = 0;

	/* 18 digits don't overflow. */
	if (len == 0 || len > 18)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(s[i] - '0');
	}
	*n_r = n;
	return true;
}

bool
pop3_filename_size(char const *name, size_t len, uint64_t *size_r)
{
	len = pop3_filename_base(name, len);
	for (;;) {
		char const *comma = memchr(name, ',', len);
		size_t n;

		if (comma == NULL)
			return false;
		n = (size_t)(comma - name) + 1;
		name += n;
		len -= n;
		comma = memchr(name, ',', len);
		n = comma == NULL ? len : (size_t)(comma - name);
		if (n > 2 && name[0] == 'W' && name[1] == '=')
			return number(name + 2, n - 2, size_r);
	}
}

size_t
pop3_filename_uidl(char const *name, size_t len, char uidl_r[POP3_UIDL_MAX + 1])
{
	unsigned char hash[HASH];
	char const *comma;
	bool printable = true;

	len = pop3_filename_base(name, len);
	comma = memchr(name, ',', len);
	if (comma != NULL)
		len = (size_t)(comma - name);
	for (size_t i = 0; i < len; i++)
		if (name[i] < 0x21 || name[i] > 0x7E)
			printable = false;
	if (printable && len > 0 && len <= POP3_UIDL_MAX) {
		memcpy(uidl_r, name, len);
		uidl_r[len] = '\0';
		return len;
	}
	crypto_generichash(
		hash, sizeof hash, (unsigned char const *)name, len, NULL, 0);
	memcpy(uidl_r, "h.", 2);
	sodium_bin2hex(uidl_r + 2, HASH * 2 + 1, hash, sizeof hash);
	return 2 + HASH * 2;
}
