/* Where the parts of kereru-view are; see view_parts.h. */
#include <string.h>

#include "common/crc32c.h"
#include "imapd/view_parts.h"

_Static_assert(sizeof(struct view_head) <= VIEW_PAGE, "the head is one page");
_Static_assert(sizeof(struct message) == 48, "records have no holes");

uint32_t
view_parts_layout(void)
{
	uint32_t const order = 0x01020304;
	unsigned char octets[sizeof order];

	memcpy(octets, &order, sizeof order);
	return crc32c((uint32_t)(sizeof(struct message) ^
				 sizeof(struct view_head) << 16),
		octets, sizeof octets);
}

uint32_t
view_parts_head_crc(struct view_head const *h)
{
	size_t const at = offsetof(struct view_head, layout);

	return crc32c(0, (char const *)h + at, sizeof *h - at);
}

static size_t
up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

void
view_parts_find(struct view_parts *p, struct view_head const *h)
{
	p->names = VIEW_PAGE;
	p->slots = up(p->names + (size_t)h->names_len, 8);
	p->vanished =
		up(p->slots + (size_t)h->slots_count * sizeof(uint32_t), 8);
	p->records = up(p->vanished + (size_t)h->vanished_count *
					      sizeof(struct vanished),
		VIEW_PAGE);
	p->end = p->records + (size_t)h->count * sizeof(struct message);
	p->blocks = (p->end - VIEW_PAGE + VIEW_PAGE - 1) / VIEW_PAGE;
	p->sums = up(p->end, 8);
	p->whole = p->sums + p->blocks * sizeof(uint32_t);
}

uint32_t
view_parts_sum(char const *s, struct view_parts const *p, size_t k)
{
	size_t const at = view_parts_at(p, k);

	return crc32c_lanes(s + at, view_parts_at(p, k + 1) - at);
}
