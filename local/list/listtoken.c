/* Words that a list gives out and knows again; see listtoken.h. */
#include "local/list/listtoken.h"
#include <string.h>
#include <sodium.h>

#define OCTETS (LISTTOKEN_LEN * 5 / 8)

static char
lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static void
encode(char *out, unsigned char const *s)
{
	static char const alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint64_t bits = 0;
	unsigned count = 0;

	for (size_t i = 0; i < OCTETS; i++) {
		bits = (bits << 8 | s[i]) & 0xffff;
		for (count += 8; count >= 5; count -= 5)
			*out++ = alphabet[bits >> (count - 5) & 31];
	}
	*out = '\0';
}

void
listtoken_make(char word[LISTTOKEN_LEN + 1],
	unsigned char const key[LISTTOKEN_KEY], enum listtoken_kind kind,
	uint64_t expires, char const *s, size_t len)
{
	crypto_auth_hmacsha256_state state;
	unsigned char mac[crypto_auth_hmacsha256_BYTES], head[9];

	head[0] = (unsigned char)kind;
	for (unsigned i = 0; i < 8; i++)
		head[1 + i] = (unsigned char)(expires >> (56 - 8 * i));
	crypto_auth_hmacsha256_init(&state, key, LISTTOKEN_KEY);
	crypto_auth_hmacsha256_update(&state, head, sizeof head);
	for (size_t i = 0; i < len;) {
		unsigned char piece[128];
		size_t n = 0;

		for (; n < sizeof piece && i < len; n++)
			piece[n] = (unsigned char)lower(s[i++]);
		crypto_auth_hmacsha256_update(&state, piece, n);
	}
	crypto_auth_hmacsha256_final(&state, mac);
	encode(word, mac);
}

bool
listtoken_is(char const *word, size_t word_len,
	unsigned char const key[LISTTOKEN_KEY], enum listtoken_kind kind,
	uint64_t expires, char const *s, size_t len)
{
	char right[LISTTOKEN_LEN + 1], given[LISTTOKEN_LEN];

	if (word_len != LISTTOKEN_LEN)
		return false;
	for (size_t i = 0; i < word_len; i++)
		given[i] = lower(word[i]);
	listtoken_make(right, key, kind, expires, s, len);
	return sodium_memcmp(right, given, LISTTOKEN_LEN) == 0;
}
