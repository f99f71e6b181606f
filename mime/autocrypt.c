/* Reads and writes Autocrypt fields; see autocrypt.h. */
#include <string.h>
#include <strings.h>

#include "mime/address.h"
#include "mime/autocrypt.h"
#include "mime/decode.h"
#include "mime/encode.h"
#include "mime/header.h"

struct span {
	char const *s;
	size_t len;
};

/* What a field says; all spans are of its raw value. */
struct field {
	struct span addr, keydata;
	bool mutual, strange;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span
trim(char const *s, size_t len)
{
	while (len > 0 && is_blank(s[0])) {
		s++;
		len--;
	}
	while (len > 0 && is_blank(s[len - 1]))
		len--;
	return (struct span){s, len};
}

static bool
equal(struct span a, char const *s)
{
	return a.len == strlen(s) && strncasecmp(a.s, s, a.len) == 0;
}

static void
take(struct field *f, struct span name, struct span value)
{
	if (equal(name, "addr"))
		f->addr = value;
	else if (equal(name, "keydata"))
		f->keydata = value;
	else if (equal(name, "prefer-encrypt"))
		f->mutual = equal(value, "mutual");
	else if (name.len > 0 && name.s[0] != '_')
		f->strange = true;
}

static struct field
split(char const *s, size_t len)
{
	struct field f = {0};
	size_t pos = 0;

	while (pos < len) {
		char const *const semicolon = memchr(s + pos, ';', len - pos);
		size_t const end = semicolon ? (size_t)(semicolon - s) : len;
		char const *const equals = memchr(s + pos, '=', end - pos);

		if (equals) {
			size_t const at = (size_t)(equals - s);

			take(&f, trim(s + pos, at - pos),
				trim(s + at + 1, end - at - 1));
		}
		pos = end + 1;
	}
	return f;
}

/* The only address in From, in its raw letters; false: memory is out. */
static bool
find_sender(char const *s, size_t len, stralloc *sender)
{
	struct header_field f;
	struct address_cursor c;
	struct address a;
	stralloc buf = STRALLOC_ZERO;
	unsigned count = 0;
	bool ok = true;

	if (!header_find(s, len, "from", &f))
		return true;
	if (!stralloc_ready(&buf, ADDRESS_BUF(f.value_len)))
		return false;
	address_init(&c, f.value, f.value_len, buf.s);
	while (ok && address_next(&c, &a) > 0)
		if (a.kind == ADDRESS_MAILBOX && count++ == 0)
			ok = stralloc_copyb(sender, a.local.s, a.local.len) &&
			     stralloc_append(sender, '@') &&
			     stralloc_catb(sender, a.host.s, a.host.len);
	if (count != 1)
		sender->len = 0;
	stralloc_free(&buf);
	return ok;
}

static bool
decode_key(struct span text, stralloc *key)
{
	struct decode d;

	if (!stralloc_readyplus(key, DECODE_ROOM(text.len)))
		return false;
	decode_init(&d, STRUCTURE_BASE64);
	key->len += decode_push(&d, text.s, text.len, key->s + key->len);
	return true;
}

bool
autocrypt_read(char const *s, size_t len, stralloc *key, bool *mutual,
	enum autocrypt_result *result_r)
{
	struct header_field f;
	struct field found = {0};
	stralloc sender = STRALLOC_ZERO;
	size_t pos = 0;
	unsigned count = 0;
	bool ok = find_sender(s, len, &sender);

	while (ok && header_next(s, len, &pos, &f) > 0) {
		struct field one;

		if (!header_is(&f, "autocrypt"))
			continue;
		one = split(f.value, f.value_len);
		if (one.strange || sender.len == 0 || one.keydata.len == 0 ||
			one.keydata.len > AUTOCRYPT_KEY_MAX ||
			one.addr.len != sender.len ||
			strncasecmp(one.addr.s, sender.s, sender.len) != 0)
			continue;
		found = one;
		count++;
	}
	*mutual = found.mutual;
	*result_r = count == 0	 ? AUTOCRYPT_NONE
		    : count == 1 ? AUTOCRYPT_OK
				 : AUTOCRYPT_AMBIGUOUS;
	if (ok && count == 1)
		ok = decode_key(found.keydata, key);
	stralloc_free(&sender);
	return ok;
}

bool
autocrypt_write(stralloc *out, char const *address, char const *key, size_t len)
{
	stralloc lines = STRALLOC_ZERO;
	size_t pos = 0;
	bool ok = encode_base64(&lines, key, len) &&
		  stralloc_cats(out, "Autocrypt: addr=") &&
		  stralloc_cats(out, address) &&
		  stralloc_cats(out, "; prefer-encrypt=mutual;\n keydata=\n");

	while (ok && pos < lines.len) {
		size_t const next = header_line(lines.s, lines.len, pos, NULL);

		ok = stralloc_append(out, ' ') &&
		     stralloc_catb(out, lines.s + pos, next - pos);
		pos = next;
	}
	stralloc_free(&lines);
	return ok;
}
