/* Failed logins, counted by user and by client network. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sodium.h>
#include "common/monitor/throttle.h"

#define SLOTS 8192
#define FORGET_SECONDS (15 * 60)

struct slot {
	uint32_t tag; /* further bits of the hash */
	uint32_t count;
	uint64_t last; /* seconds */
};

struct store {
	unsigned char key[crypto_shorthash_KEYBYTES];
	uint64_t is_made;
	struct slot slots[SLOTS];
};

static struct store *store;

bool
throttle_open(int fd)
{
	struct stat st;
	void *map;

	if (fstat(fd, &st) < 0 || (st.st_size < (off_t)sizeof *store &&
					  ftruncate(fd, sizeof *store) < 0))
		return false;
	map = mmap(
		NULL, sizeof *store, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return false;
	store = map;
	/* Two first starters at once: the later key wins, few counts are lost.
	 */
	if (!store->is_made) {
		randombytes_buf(store->key, sizeof store->key);
		store->is_made = 1;
	}
	return true;
}

static struct slot *
find(char kind, char const *s, size_t len)
{
	unsigned char text[1 + 512], hash[crypto_shorthash_BYTES];
	uint64_t h;
	struct slot *slot;

	text[0] = (unsigned char)kind;
	if (len > sizeof text - 1)
		len = sizeof text - 1;
	memcpy(text + 1, s, len);
	crypto_shorthash(hash, text, len + 1, store->key);
	memcpy(&h, hash, sizeof h);
	slot = &store->slots[h % SLOTS];
	if (slot->tag != (uint32_t)(h >> 32)) {
		slot->tag = (uint32_t)(h >> 32);
		slot->count = 0;
	}
	return slot;
}

/* The slot of an address: all of IPv4 counts, 64 bits of IPv6 (whose text is
 * no guide: the same network can be written in many ways). */
static struct slot *
find_client(char const *client, size_t len)
{
	char text[INET6_ADDRSTRLEN] = "";
	struct in6_addr v6;

	if (len < sizeof text) {
		memcpy(text, client, len);
		if (inet_pton(AF_INET6, text, &v6) == 1)
			return find('6', (char const *)&v6, 8);
	}
	return find('c', client, len);
}

static unsigned
count(struct slot *slot, uint64_t now, unsigned first_delay)
{
	uint64_t delay;

	if (slot->last + FORGET_SECONDS < now)
		slot->count = 0;
	slot->last = now;
	delay = slot->count < 5 ? (uint64_t)first_delay << slot->count
				: THROTTLE_DELAY_MAX;
	slot->count++;
	return delay < THROTTLE_DELAY_MAX ? (unsigned)delay
					  : THROTTLE_DELAY_MAX;
}

unsigned
throttle_failed(char const *user, size_t user_len, char const *client,
	size_t client_len, uint64_t now, unsigned first_delay)
{
	unsigned by_user, by_client;

	if (first_delay == 0)
		return 0;
	by_user = count(find('u', user, user_len), now, first_delay);
	by_client = count(find_client(client, client_len), now, first_delay);
	return by_user > by_client ? by_user : by_client;
}

void
throttle_succeeded(char const *user, size_t user_len)
{
	find('u', user, user_len)->count = 0;
}

void
throttle_salt(char const *user, size_t user_len,
	unsigned char salt_r[THROTTLE_SALT_LEN])
{
	static unsigned char const use[] = "salt";
	crypto_generichash_state state;

	crypto_generichash_init(
		&state, store->key, sizeof store->key, THROTTLE_SALT_LEN);
	crypto_generichash_update(&state, use, sizeof use);
	crypto_generichash_update(
		&state, (unsigned char const *)user, user_len);
	crypto_generichash_final(&state, salt_r, THROTTLE_SALT_LEN);
	sodium_memzero(&state, sizeof state);
}
