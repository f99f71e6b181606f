/* Names and addresses in Sieve scripts; see name.h. */
#include <string.h>
#include "common/utf7.h"
#include "local/sieve/name.h"
#include "mime/address.h"

/* Octets of a From that a script gives. */
#define FROM_MAX 1000

bool
sieve_name_box(char const *s, size_t len, char *name_r)
{
	char name[UTF7_ROOM(BOXNAME_MAX)];
	size_t n;

	return len > 0 && len <= BOXNAME_MAX && utf7_encode(s, len, name, &n) &&
	       boxname_check(name, n, name_r);
}

bool
sieve_name_mailbox(char const *s, size_t len)
{
	char name[BOXNAME_MAX + 1];

	return sieve_name_box(s, len, name);
}

static bool
has_controls(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 127)
			return true;
	return false;
}

/* A mailbox with a host, as it stands in an envelope. */
static bool
get_mailbox(struct address const *a, char *out, size_t *len_r)
{
	size_t const len = a->local.len + 1 + a->host.len;
	struct addr parsed;
	enum addr_error error;

	if (a->kind != ADDRESS_MAILBOX || a->local.s == NULL ||
		a->host.s == NULL || a->host.len == 0 ||
		len > SIEVE_NAME_ADDRESS_MAX)
		return false;
	memcpy(out, a->local.s, a->local.len);
	out[a->local.len] = '@';
	memcpy(out + a->local.len + 1, a->host.s, a->host.len);
	*len_r = len;
	return addr_parse(
		out, len, ADDR_ALLOW_UTF8 | ADDR_ALLOW_LONG, &parsed, &error);
}

bool
sieve_name_address_of(char const *s, size_t len, char *address_r, size_t *len_r)
{
	char buf[ADDRESS_BUF(FROM_MAX)];
	struct addr parsed;
	enum addr_error error;
	struct address_cursor c;
	struct address a;

	/* As it stands first, so that a quoted local part stays quoted. */
	if (len <= SIEVE_NAME_ADDRESS_MAX &&
		addr_parse(s, len, ADDR_ALLOW_UTF8 | ADDR_ALLOW_LONG, &parsed,
			&error)) {
		memcpy(address_r, s, len);
		*len_r = len;
		return true;
	}
	if (len > FROM_MAX || has_controls(s, len))
		return false;
	address_init(&c, s, len, buf);
	return address_next(&c, &a) > 0 && get_mailbox(&a, address_r, len_r) &&
	       address_next(&c, &a) == 0;
}

bool
sieve_name_address(char const *s, size_t len)
{
	char address[SIEVE_NAME_ADDRESS_MAX];
	size_t n;

	return sieve_name_address_of(s, len, address, &n);
}

bool
sieve_name_from(char const *s, size_t len)
{
	char buf[ADDRESS_BUF(FROM_MAX)], address[SIEVE_NAME_ADDRESS_MAX];
	struct address_cursor c;
	struct address a;
	size_t count = 0, n;

	if (len > FROM_MAX || has_controls(s, len) || !utf8_valid(s, len))
		return false;
	address_init(&c, s, len, buf);
	for (; address_next(&c, &a) > 0; count++)
		if (!get_mailbox(&a, address, &n))
			return false;
	return count > 0;
}

bool
sieve_name_field(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] < '!' || s[i] > '~' || s[i] == ':')
			return false;
	return len > 0 && len <= SIEVE_NAME_FIELD_MAX;
}

/* U+0080 to U+009F, U+2028 and U+2029. */
static bool
has_separators(char const *s, size_t len)
{
	unsigned char const *const u = (unsigned char const *)s;

	for (size_t i = 0; i + 1 < len; i++)
		if ((u[i] == 0xc2 && u[i + 1] < 0xa0) ||
			(i + 2 < len && u[i] == 0xe2 && u[i + 1] == 0x80 &&
				(u[i + 2] == 0xa8 || u[i + 2] == 0xa9)))
			return true;
	return false;
}

bool
sieve_name_script(char const *s, size_t len)
{
	return len > 0 && len <= SIEVE_NAME_SCRIPT_MAX && *s != '.' &&
	       !has_controls(s, len) && memchr(s, '/', len) == NULL &&
	       utf8_valid(s, len) && !has_separators(s, len);
}
