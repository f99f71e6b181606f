/*
 * exact.h - inputs of tests in heap blocks of their exact size
 *
 * Without a NUL behind them, so that a sanitizer sees one octet too far.
 */
#ifndef TESTS_EXACT_H
#define TESTS_EXACT_H

#include <stdlib.h>
#include <string.h>

/* The caller frees it. */
static inline char *
exact(char const *s, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, s, len);
	return copy;
}

#endif
