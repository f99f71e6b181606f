/* What policy remembers: counters in a fixed number of slots. */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>
#include "smtpd/policystore.h"

/* The file: a page with this and the secret, then the slots. */
#define MAGIC "kereru-policy-1\n"
#define MAGIC_LEN 16u
#define BYTES (POLICYSTORE_SLOTS * sizeof(struct policystore_slot))
/* Octets of what is hashed at most: an address, two paths, their lengths. */
#define HASHED_MAX 1024
/* Seconds that a clock may be set back. */
#define CLOCK_STEP 86400u

static bool
read_all(int fd, void *out, size_t len, off_t at)
{
	char *p = out;

	while (len > 0) {
		ssize_t n = pread(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
write_all(int fd, void const *s, size_t len, off_t at)
{
	char const *p = s;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
is_sound(struct policystore_slot const *slot, uint32_t now)
{
	return slot->kind < 0x80 && slot->kind != 0 &&
	       strchr("gkmrxdDusnNa", (int)slot->kind) != NULL &&
	       slot->first <= slot->last &&
	       (slot->last <= now || slot->last - now < CLOCK_STEP);
}

/* A clock that was set back a little makes nobody unknown. */
static void
take_over(struct policystore_slot *slot, uint32_t now)
{
	if (!is_sound(slot, now))
		*slot = (struct policystore_slot){.key = 0};
	if (slot->last > now)
		slot->last = now;
	if (slot->first > now)
		slot->first = now;
}

static bool
begin_anew(struct policystore *s)
{
	char page[POLICYSTORE_PAGE] = MAGIC;

	memset(s->slots, 0, sizeof s->slots);
	memset(s->is_dirty, 1, sizeof s->is_dirty);
	randombytes_buf(s->secret, sizeof s->secret);
	if (s->fd < 0)
		return true;
	memcpy(page + MAGIC_LEN, s->secret, sizeof s->secret);
	return ftruncate(s->fd, 0) == 0 &&
	       write_all(s->fd, page, sizeof page, 0);
}

bool
policystore_open(struct policystore *s, int fd, uint32_t now, bool *is_new_r)
{
	char page[POLICYSTORE_PAGE];

	memset(s->is_dirty, 0, sizeof s->is_dirty);
	s->fd = fd;
	*is_new_r = fd < 0 || !read_all(fd, page, sizeof page, 0) ||
		    memcmp(page, MAGIC, MAGIC_LEN) != 0 ||
		    !read_all(fd, s->slots, BYTES, sizeof page);
	if (*is_new_r)
		return begin_anew(s);
	memcpy(s->secret, page + MAGIC_LEN, sizeof s->secret);
	for (size_t i = 0; i < POLICYSTORE_SLOTS; i++)
		take_over(&s->slots[i], now);
	return true;
}

bool
policystore_save(struct policystore *s)
{
	char const *bytes = (char const *)s->slots;
	bool ok = true;

	for (size_t at = 0; s->fd >= 0 && at < BYTES; at += POLICYSTORE_PAGE) {
		if (!s->is_dirty[at / POLICYSTORE_PAGE])
			continue;
		if (write_all(s->fd, bytes + at, POLICYSTORE_PAGE,
			    (off_t)(at + POLICYSTORE_PAGE)))
			s->is_dirty[at / POLICYSTORE_PAGE] = false;
		else
			ok = false;
	}
	return ok;
}

static uint64_t
hash(struct policystore const *s, enum policystore_kind kind,
	struct policystore_part const *parts, size_t count)
{
	unsigned char text[HASHED_MAX], out[crypto_shorthash_BYTES];
	size_t n = 0;
	uint64_t key;

	_Static_assert(POLICYSTORE_SECRET == crypto_shorthash_KEYBYTES,
		"the key of SipHash");
	text[n++] = (unsigned char)kind;
	for (size_t i = 0; i < count; i++) {
		size_t len = parts[i].len;

		if (len > 400 || HASHED_MAX - n < len + 2)
			len = HASHED_MAX - n > 402 ? 400 : 0;
		text[n++] = (unsigned char)(len >> 8);
		text[n++] = (unsigned char)len;
		memcpy(text + n, parts[i].s, len);
		n += len;
	}
	crypto_shorthash(out, text, n, s->secret);
	memcpy(&key, out, sizeof key);
	return key != 0 ? key : 1;
}

struct policystore_slot *
policystore_find(struct policystore *s, enum policystore_kind kind,
	struct policystore_part const *parts, size_t count, uint32_t now,
	uint32_t *before_r)
{
	uint64_t key = hash(s, kind, parts, count);
	size_t start = (size_t)(key % (POLICYSTORE_SLOTS / POLICYSTORE_WAYS)) *
		       POLICYSTORE_WAYS;
	struct policystore_slot *oldest = &s->slots[start];

	s->is_dirty[start * sizeof *oldest / POLICYSTORE_PAGE] = true;
	s->is_dirty[((start + POLICYSTORE_WAYS) * sizeof *oldest - 1) /
		    POLICYSTORE_PAGE] = true;
	for (size_t i = start; i < start + POLICYSTORE_WAYS; i++) {
		struct policystore_slot *slot = &s->slots[i];

		if (slot->key == key) {
			*before_r = slot->last < now ? slot->last : now;
			slot->last = now;
			return slot;
		}
		if (slot->key == 0
				? oldest->key != 0
				: oldest->key != 0 && slot->last < oldest->last)
			oldest = slot;
	}
	*before_r = now;
	*oldest = (struct policystore_slot){
		.key = key, .first = now, .last = now, .kind = kind};
	return oldest;
}
