/* What a filter has to remember; see seen.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <skalibs/stralloc.h>
#include <sodium.h>
#include "common/uidlist.h"
#include "local/seen.h"

#define HASH_LEN (SEEN_HASH_SIZE - 1)
#define NUMBER_MAX 20

void
seen_hash(char hash_r[SEEN_HASH_SIZE], enum seen_kind kind, char const *a,
	size_t a_len, char const *b, size_t b_len)
{
	unsigned char octets[HASH_LEN / 2], head[1 + sizeof a_len];
	crypto_generichash_state state;

	head[0] = (unsigned char)kind;
	memcpy(head + 1, &a_len, sizeof a_len);
	crypto_generichash_init(&state, NULL, 0, sizeof octets);
	crypto_generichash_update(&state, head, sizeof head);
	crypto_generichash_update(&state, (unsigned char const *)a, a_len);
	crypto_generichash_update(&state, (unsigned char const *)b, b_len);
	crypto_generichash_final(&state, octets, sizeof octets);
	sodium_bin2hex(hash_r, SEEN_HASH_SIZE, octets, sizeof octets);
}

/* The next line that can be read: its hash, and the second behind it. */
static bool
next_line(char const *s, size_t len, size_t *pos, char const **hash,
	uint64_t *forgotten)
{
	while (*pos < len) {
		char const *const line = s + *pos;
		char const *const lf = memchr(line, '\n', len - *pos);
		size_t const n = lf != NULL ? (size_t)(lf - line) : len - *pos;
		size_t i = HASH_LEN + 1;

		*pos += n + 1;
		if (lf == NULL || n <= i || n > i + NUMBER_MAX - 1 ||
			line[HASH_LEN] != ' ')
			continue;
		for (*forgotten = 0; i < n && line[i] >= '0' && line[i] <= '9';
			i++)
			*forgotten =
				*forgotten * 10 + (uint64_t)(line[i] - '0');
		if (i < n)
			continue;
		*hash = line;
		return true;
	}
	return false;
}

uint64_t
seen_find(char const *s, size_t len, char const *hash)
{
	uint64_t forgotten, last = 0;
	char const *one;
	size_t pos = 0;

	while (next_line(s, len, &pos, &one, &forgotten))
		if (memcmp(one, hash, HASH_LEN) == 0)
			last = forgotten;
	return last;
}

bool
seen_has(int root_fd, char const hash[SEEN_HASH_SIZE], uint64_t now)
{
	stralloc text = STRALLOC_ZERO;
	bool const found = uidlist_read_file(root_fd, SEEN_FILE, &text) > 0 &&
			   seen_find(text.s, text.len, hash) > now;

	stralloc_free(&text);
	return found;
}

/* What stays of the file, oldest first, with room for one more. */
static bool
keep(stralloc const *old, char const *hash, uint64_t now, stralloc *out)
{
	size_t count = 0, pos = 0, skip;
	uint64_t forgotten;
	char const *one;

	for (; next_line(old->s, old->len, &pos, &one, &forgotten);)
		count += forgotten > now && memcmp(one, hash, HASH_LEN) != 0;
	skip = count >= SEEN_MAX ? count - SEEN_MAX + 1 : 0;
	for (pos = 0; next_line(old->s, old->len, &pos, &one, &forgotten);) {
		if (forgotten <= now || memcmp(one, hash, HASH_LEN) == 0)
			continue;
		if (skip > 0) {
			skip--;
			continue;
		}
		if (!stralloc_catb(out, one, (size_t)(old->s + pos - one)))
			return false;
	}
	return true;
}

bool
seen_note(int root_fd, char const hash[SEEN_HASH_SIZE], uint64_t forgotten,
	uint64_t now)
{
	stralloc old = STRALLOC_ZERO, text = STRALLOC_ZERO;
	char line[HASH_LEN + NUMBER_MAX + 4];
	int lock, error;
	bool ok;

	if (!uidlist_lock(root_fd, &lock))
		return false;
	(void)snprintf(line, sizeof line, "%s %llu\n", hash,
		(unsigned long long)forgotten);
	ok = uidlist_read_file(root_fd, SEEN_FILE, &old) >= 0 &&
	     keep(&old, hash, now, &text) && stralloc_cats(&text, line) &&
	     uidlist_replace(root_fd, SEEN_FILE, text.s, text.len);
	error = errno;
	uidlist_unlock(root_fd, lock);
	stralloc_free(&old);
	stralloc_free(&text);
	errno = error;
	return ok;
}
