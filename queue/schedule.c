/* Which message is tried next, and when. */
#include <stdlib.h>
#include <string.h>
#include "queue/schedule.h"

static bool
make_room(struct schedule *s)
{
	size_t room = s->room > 0 ? s->room * 2 : 64;
	struct schedule_record *heap;

	if (s->count < s->room)
		return true;
	if (room > SIZE_MAX / sizeof *heap)
		return false;
	heap = realloc(s->heap, room * sizeof *heap);
	if (heap == NULL)
		return false;
	s->heap = heap;
	s->room = room;
	return true;
}

bool
schedule_add(struct schedule *s, char const *id, uint64_t next, uint64_t tag)
{
	size_t i;

	if (!make_room(s))
		return false;
	for (i = s->count++; i > 0; i = (i - 1) / 2) {
		struct schedule_record const *up = &s->heap[(i - 1) / 2];
		if (up->next <= next)
			break;
		s->heap[i] = *up;
	}
	s->heap[i].next = next;
	s->heap[i].tag = tag;
	memcpy(s->heap[i].id, id, ID_LEN);
	return true;
}

uint64_t
schedule_next(struct schedule const *s)
{
	return s->count > 0 ? s->heap[0].next : UINT64_MAX;
}

/* Lets a record sink from place i, which is free. */
static void
sink(struct schedule *s, size_t i, struct schedule_record last)
{
	for (;;) {
		size_t down = 2 * i + 1;
		if (down >= s->count)
			break;
		if (down + 1 < s->count &&
			s->heap[down + 1].next < s->heap[down].next)
			down++;
		if (last.next <= s->heap[down].next)
			break;
		s->heap[i] = s->heap[down];
		i = down;
	}
	s->heap[i] = last;
}

bool
schedule_take(struct schedule *s, uint64_t now, char id_r[ID_LEN + 1])
{
	if (s->count == 0 || s->heap[0].next > now)
		return false;
	memcpy(id_r, s->heap[0].id, ID_LEN);
	id_r[ID_LEN] = '\0';
	s->count--;
	sink(s, 0, s->heap[s->count]);
	return true;
}

void
schedule_pull(struct schedule *s, schedule_want *want, void *data)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++)
		if (!want(data, &s->heap[i]))
			s->heap[kept++] = s->heap[i];
	if (kept == s->count)
		return;
	s->count = kept;
	for (size_t i = kept / 2; i-- > 0;)
		sink(s, i, s->heap[i]);
}

/* The highest bit says: several domains, one bit for each below it. */
#define TAG_SEVERAL (UINT64_C(1) << 63)

/* FNV-1a; who chooses domains to collide makes his own mail come early. */
static uint64_t
hash(char const *s, size_t len)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * UINT64_C(1099511628211);
	h &= ~TAG_SEVERAL;
	return h != SCHEDULE_NOWHERE ? h : 1;
}

uint64_t
schedule_tag(uint64_t tag, char const *domain, size_t len)
{
	uint64_t h = hash(domain, len);

	if (tag == SCHEDULE_NOWHERE || tag == h)
		return h;
	if (!(tag & TAG_SEVERAL))
		tag = TAG_SEVERAL | UINT64_C(1) << tag % 63;
	return tag | UINT64_C(1) << h % 63;
}

bool
schedule_goes_to(uint64_t tag, char const *domain, size_t len)
{
	uint64_t h = hash(domain, len);

	return tag & TAG_SEVERAL ? tag >> h % 63 & 1 : tag == h;
}

void
schedule_free(struct schedule *s)
{
	free(s->heap);
	*s = (struct schedule)SCHEDULE_ZERO;
}

uint64_t
schedule_delay(uint32_t n, uint64_t first, uint64_t max, unsigned chance)
{
	uint64_t delay = first < max ? first : max;

	for (; n > 1 && delay < max; n--)
		delay = delay > max / 2 ? max : delay * 2;
	/* chance 0 to 255 gives delay * 7/8 to delay * 9/8 */
	uint64_t part = delay / 8;
	delay = delay - part + part * 2 * (chance & 255) / 255;
	return delay > 0 ? delay : 1;
}
