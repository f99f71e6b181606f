/* Any message with encoded messages in it: the tree stays one. */
#include <stdint.h>
#include <stdlib.h>
#include "mime/unwrap.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
check(struct message const *m, uint32_t i)
{
	struct structure_part const *p = &m->parts[i];

	if (p->depth >= STRUCTURE_DEPTH_MAX ||
		p->body_offset + p->body_len > m->text.len ||
		p->header_offset + p->header_len > m->text.len)
		abort();
	if (i > 0 &&
		(p->parent >= i || m->parts[p->parent].depth + 1 != p->depth))
		abort();
	if (p->child != STRUCTURE_NONE &&
		(p->child >= m->count || m->parts[p->child].parent != i))
		abort();
	if (p->next != STRUCTURE_NONE &&
		(p->next <= i || p->next >= m->count ||
			m->parts[p->next].parent != p->parent))
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct message m;

	m.text.len = 0;
	if (!stralloc_catb(&m.text, (char const *)data, size) ||
		!stralloc_readyplus(&m.text, 1))
		abort();
	m.count = structure_parse(
		m.text.s, m.text.len, m.parts, STRUCTURE_PARTS_MAX);
	if (!message_unwrap(&m))
		abort();
	for (uint32_t i = 0; i < m.count; i++)
		check(&m, i);
	return 0;
}
