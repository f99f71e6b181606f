/* A Sieve script as a tree; see program.h. */
#include <stdlib.h>
#include <string.h>
#include "local/sieve/program.h"

static bool
make_room(void **items, size_t count, size_t *room, size_t size, size_t max)
{
	size_t const more = *room == 0 ? 64 : *room * 2;
	void *grown;

	if (count < *room)
		return true;
	if (count >= max)
		return false;
	grown = realloc(*items, more * size);
	if (grown == NULL)
		return false;
	*items = grown;
	*room = more;
	return true;
}

uint32_t
sieve_program_node(struct sieve_program *p)
{
	void *items = p->nodes;
	size_t const index = p->node_count == 0 ? 1 : p->node_count;
	bool const ok = make_room(&items, index, &p->node_room,
		sizeof *p->nodes, SIEVE_NODES_MAX);

	p->nodes = items;
	if (!ok)
		return 0;
	p->nodes[index] = (struct sieve_node){0};
	p->node_count = index + 1;
	return (uint32_t)index;
}

bool
sieve_program_string(struct sieve_program *p, char const *s, size_t len)
{
	void *items = p->strings;
	bool const ok = make_room(&items, p->string_count, &p->string_room,
		sizeof *p->strings, SIEVE_STRINGS_MAX);

	p->strings = items;
	if (!ok)
		return false;
	p->strings[p->string_count] = (struct sieve_string){
		.offset = (uint32_t)p->text.len, .len = (uint32_t)len};
	/* There is always a text, for strings of no octets. */
	if (!stralloc_readyplus(&p->text, len + 1) ||
		!stralloc_catb(&p->text, s, len))
		return false;
	p->string_count++;
	return true;
}

void
sieve_program_free(struct sieve_program *p)
{
	for (size_t i = 0; i < p->unit_count; i++)
		free(p->units[i].name);
	free(p->nodes);
	free(p->strings);
	stralloc_free(&p->text);
	memset(p, 0, sizeof *p);
}
