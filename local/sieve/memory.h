/*
 * memory.h - what a run of a Sieve script allocates, freed at once
 */
#ifndef SIEVE_MEMORY_H
#define SIEVE_MEMORY_H

#include <stddef.h>

/* Octets of one run. */
#define SIEVE_MEMORY_MAX ((size_t)6 * 1024 * 1024)

struct sieve_memory {
	struct sieve_chunk *chunks;
	size_t used;
};

/* A copy of s, NUL-ended. NULL: memory is out, or it would be too much. */
char *sieve_memory_copy(struct sieve_memory *m, char const *s, size_t len);

void sieve_memory_free(struct sieve_memory *m);

#endif
