/*
 * flags.h - sets of IMAP flags as text (RFC 5232)
 *
 * Names with one blank between them, none twice (no regard to case). What is no
 * flag that can be stored is left out.
 */
#ifndef SIEVE_FLAGS_H
#define SIEVE_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <skalibs/stralloc.h>

/* Octets of a set. */
#define SIEVE_FLAGS_MAX 4096

/* The next word of a text; 1, 0 at the end. */
int sieve_flags_next(char const *s, size_t len, size_t *pos,
	char const **word_r, size_t *word_len_r);

/* Add or remove the flags in a text. False: memory is out. */
bool sieve_flags_add(stralloc *set, char const *s, size_t len)
	__attribute__((warn_unused_result));
void sieve_flags_remove(stralloc *set, char const *s, size_t len);

bool sieve_flags_has(stralloc const *set, char const *name, size_t len);

#endif
