/* Body hashes: see bodyhash.h. */
#include "mime/dkim/bodyhash.h"

#define PIECE 65536

static void
take(void *data, char const *s, size_t len)
{
	struct bodyhash *h = data;
	size_t n = len;

	if (h->total >= h->limit)
		n = 0;
	else if (h->limit - h->total < n)
		n = (size_t)(h->limit - h->total);
	br_sha256_update(&h->sha, s, n);
	h->total += len;
}

int
bodyhash_want(struct bodyhashes *b, bool is_relaxed, uint64_t limit)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->list[i].canon.is_relaxed == is_relaxed &&
			b->list[i].limit == limit)
			return (int)i;
	if (b->count == BODYHASH_MAX)
		return -1;
	struct bodyhash *h = &b->list[b->count];
	canon_body_init(&h->canon, is_relaxed, take, h);
	br_sha256_init(&h->sha);
	h->limit = limit;
	h->total = 0;
	return (int)b->count++;
}

void
bodyhash_push(struct bodyhashes *b, char const *s, size_t len)
{
	for (size_t i = 0; i < b->count; i++)
		canon_body_push(&b->list[i].canon, s, len);
}

void
bodyhash_finish(struct bodyhashes *b)
{
	for (size_t i = 0; i < b->count; i++) {
		canon_body_finish(&b->list[i].canon);
		br_sha256_out(&b->list[i].sha, b->list[i].hash);
	}
}

bool
bodyhash_read(struct bodyhashes *b, struct source const *message, uint64_t at)
{
	char piece[PIECE];
	ssize_t n;

	if (b->count == 0)
		return true;
	while ((n = source_read(message, at, piece, sizeof piece)) > 0) {
		bodyhash_push(b, piece, (size_t)n);
		at += (uint64_t)n;
	}
	bodyhash_finish(b);
	return n == 0;
}
