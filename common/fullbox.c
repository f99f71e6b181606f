/* Mailboxes that have no room; see fullbox.h. */
#include <string.h>
#include <unistd.h>
#include <skalibs/uint64.h>
#include <sodium.h>
#include "common/fullbox.h"

#define SLOT 16

/* Never 0, which is an empty slot. */
static uint64_t
hash(char const *key, size_t len)
{
	unsigned char octets[crypto_generichash_BYTES_MIN];
	uint64_t n;

	crypto_generichash(octets, sizeof octets, (unsigned char const *)key,
		len, NULL, 0);
	uint64_unpack_big((char const *)octets, &n);
	return n != 0 ? n : 1;
}

static off_t
place(uint64_t h, unsigned probe)
{
	return FULLBOX_OFFSET + (off_t)((h + probe) % FULLBOX_SLOTS) * SLOT;
}

static void
read_slot(int fd, off_t at, uint64_t *h, uint64_t *until)
{
	char s[SLOT];

	*h = *until = 0;
	if (pread(fd, s, sizeof s, at) != sizeof s)
		return;
	uint64_unpack_big(s, h);
	uint64_unpack_big(s + 8, until);
}

/* The slot of a hash, or else the one that ends first of those it may have. */
static off_t
find(int fd, uint64_t wanted, uint64_t *until_r)
{
	off_t best = place(wanted, 0);
	uint64_t earliest = UINT64_MAX;

	for (unsigned i = 0; i < FULLBOX_PROBES; i++) {
		off_t const at = place(wanted, i);
		uint64_t h, until;

		read_slot(fd, at, &h, &until);
		if (h == wanted) {
			*until_r = until;
			return at;
		}
		if (until < earliest) {
			earliest = until;
			best = at;
		}
	}
	*until_r = 0;
	return best;
}

bool
fullbox_set(int fd, char const *key, size_t len, uint64_t until)
{
	uint64_t const h = hash(key, len);
	uint64_t old;
	off_t const at = find(fd, h, &old);
	char s[SLOT];

	if (until == 0 && old == 0)
		return true;
	uint64_pack_big(s, h);
	uint64_pack_big(s + 8, until);
	return pwrite(fd, s, sizeof s, at) == sizeof s;
}

bool
fullbox_has(int fd, char const *key, size_t len, uint64_t now)
{
	uint64_t until;

	(void)find(fd, hash(key, len), &until);
	return until > now;
}
