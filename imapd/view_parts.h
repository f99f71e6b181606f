/*
 * view_parts.h - between view.c, which reads the file, and view_write.c: where
 * the parts of kereru-view are
 *
 * Head, names, hash, vanished UIDs, records, and the checksums of all blocks
 * behind the head. Records come last in memory, so that new ones can go on
 * behind them.
 */
#ifndef VIEW_PARTS_H
#define VIEW_PARTS_H

#include "imapd/view.h"

#define VIEW_MAGIC "KRVIEW\0\2"
#define VIEW_PAGE 4096u

/* Offsets in the file; those up to end also from the start of the memory. */
struct view_parts {
	size_t names, slots, vanished, records, end;
	size_t blocks, sums, whole; /* whole: size of the file */
};

/* Of a head whose sizes are below 2^32 each: nothing overflows. */
void view_parts_find(struct view_parts *p, struct view_head const *h);

/* Differs where this program's records would look different. */
uint32_t view_parts_layout(void);

uint32_t view_parts_head_crc(struct view_head const *h);

/* The checksum of block k of what lies at s. */
uint32_t view_parts_sum(char const *s, struct view_parts const *p, size_t k);

/* Where block k starts and ends. */
static inline size_t
view_parts_at(struct view_parts const *p, size_t k)
{
	size_t const at = VIEW_PAGE + k * VIEW_PAGE;

	return at < p->end ? at : p->end;
}

#endif
