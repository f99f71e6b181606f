/* What an administrator says of the TLS of a destination: see tlspolicy.h. */
#include <sodium.h>
#include <string.h>
#include "remote/tlspolicy.h"

struct words {
	char const *s;
	size_t len;
};

/* The next piece before a NUL, or the end. False: there is none. */
static bool
next_word(struct words *in, char const **word_r, size_t *len_r)
{
	size_t n;

	if (in->len == 0)
		return false;
	n = strnlen(in->s, in->len);
	*word_r = in->s;
	*len_r = n;
	n += n < in->len;
	in->s += n;
	in->len -= n;
	return true;
}

static bool
add_name(struct tlspolicy *p, char const *s, size_t len)
{
	char *name = p->names[p->name_count];

	if (p->name_count == TLSPOLICY_NAMES_MAX || len >= DNS_NAME_SIZE)
		return false;
	memcpy(name, s, len);
	name[len] = '\0';
	p->name_count++;
	return dns_name_valid(name);
}

static bool
add_pin(struct tlspolicy *p, char const *s, size_t len)
{
	size_t got;

	if (p->pin_count == TLSPOLICY_PINS_MAX || len != 2 * TLSPOLICY_PIN_LEN)
		return false;
	return sodium_hex2bin(p->pins[p->pin_count++], TLSPOLICY_PIN_LEN, s,
		       len, NULL, &got, NULL) == 0 &&
	       got == TLSPOLICY_PIN_LEN;
}

bool
tlspolicy_parse(char const *s, size_t len, struct tlspolicy *p)
{
	static struct {
		char const *word;
		enum tlspolicy_level level;
	} const levels[] = {{"none", TLSPOLICY_NONE}, {"may", TLSPOLICY_MAY},
		{"must", TLSPOLICY_MUST}, {"verify", TLSPOLICY_VERIFY},
		{"pin", TLSPOLICY_PIN}};
	struct words in = {s, len};
	char const *word;
	size_t n;

	*p = (struct tlspolicy){.level = TLSPOLICY_UNSET};
	if (!next_word(&in, &word, &n))
		return false;
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
		if (strlen(levels[i].word) == n &&
			memcmp(levels[i].word, word, n) == 0)
			p->level = levels[i].level;
	while (next_word(&in, &word, &n)) {
		if (p->level == TLSPOLICY_VERIFY && add_name(p, word, n))
			continue;
		if (p->level != TLSPOLICY_PIN || !add_pin(p, word, n))
			return false;
	}
	return p->level != TLSPOLICY_UNSET &&
	       (p->level != TLSPOLICY_PIN || p->pin_count > 0);
}

bool
tlspolicy_find(
	struct table const *t, char const *destination, struct tlspolicy *p)
{
	char const *key = destination, *value;
	size_t len;
	int found = 0;

	*p = (struct tlspolicy){.level = TLSPOLICY_UNSET};
	if (!t->open)
		return true;
	/* `example.org`, then `.org`; of an address only itself. */
	while (key != NULL && *key != '\0' && found == 0) {
		found = table_find(t, key, strlen(key), &value, &len);
		key = *destination == '[' ? NULL : strchr(key + 1, '.');
	}
	if (found == 0)
		found = table_find(t, "*", 1, &value, &len);
	if (found <= 0)
		return found == 0;
	return tlspolicy_parse(value, len, p);
}

static bool
has_pin(struct tlspolicy const *p, struct tls_certificate_der const *part)
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, part->der, part->len);
	for (size_t i = 0; i < p->pin_count; i++)
		if (memcmp(hash, p->pins[i], sizeof hash) == 0)
			return true;
	return false;
}

bool
tlspolicy_is_pinned(struct tlspolicy const *p,
	struct tls_certificate_der const *certificate)
{
	struct tls_certificate_der spki;

	return has_pin(p, certificate) ||
	       (tls_chain_spki(certificate, &spki) && has_pin(p, &spki));
}
