/* Memory of one run; see memory.h. */
#include <stdlib.h>
#include <string.h>
#include "local/sieve/memory.h"

struct sieve_chunk {
	struct sieve_chunk *next;
	char s[];
};

char *
sieve_memory_copy(struct sieve_memory *m, char const *s, size_t len)
{
	struct sieve_chunk *chunk;

	if (len >= SIEVE_MEMORY_MAX - sizeof *chunk ||
		m->used > SIEVE_MEMORY_MAX - sizeof *chunk - len - 1)
		return NULL;
	chunk = malloc(sizeof *chunk + len + 1);
	if (chunk == NULL)
		return NULL;
	m->used += sizeof *chunk + len + 1;
	chunk->next = m->chunks;
	m->chunks = chunk;
	if (len > 0)
		memcpy(chunk->s, s, len);
	chunk->s[len] = '\0';
	return chunk->s;
}

void
sieve_memory_free(struct sieve_memory *m)
{
	while (m->chunks != NULL) {
		struct sieve_chunk *const next = m->chunks->next;

		free(m->chunks);
		m->chunks = next;
	}
	m->used = 0;
}
