/*
 * variables.h - variables of Sieve scripts (RFC 5229)
 *
 * What a run keeps by name, and how references in strings are found and
 * replaced. A set of names holds at most SIEVE_VARIABLES_MAX; values longer
 * than SIEVE_VALUE_MAX are cut at a character.
 */
#ifndef SIEVE_VARIABLES_H
#define SIEVE_VARIABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#define SIEVE_VARIABLES_MAX 128
#define SIEVE_VARIABLE_NAME_MAX 32
#define SIEVE_VALUE_MAX 4096
/* ${0} to ${9} */
#define SIEVE_MATCHES_MAX 10

struct sieve_variable {
	char name[SIEVE_VARIABLE_NAME_MAX + 1]; /* lower case */
	bool is_global; /* its value is kept by all scripts together */
	stralloc value;
};

struct sieve_variables {
	struct sieve_variable *list;
	size_t count;
	stralloc matches[SIEVE_MATCHES_MAX];
};

enum sieve_reference_kind {
	SIEVE_NAMED,
	SIEVE_NUMBERED,
	SIEVE_GLOBAL_NAMED,
	SIEVE_FOREIGN
};

/* `${name}` in a text. */
struct sieve_reference {
	enum sieve_reference_kind kind;
	size_t start, end; /* of all of it */
	char const *name;  /* without its namespace */
	size_t name_len;
	unsigned number; /* more than 9: UINT_MAX */
};

/* The next reference from *pos on, which moves behind it. Pure. */
bool sieve_reference_next(char const *s, size_t len, size_t *pos,
	struct sieve_reference *r_r) __attribute__((warn_unused_result));

/* Is it a name that can be set (without a namespace)? */
bool sieve_variable_name(char const *s, size_t len);

/* NULL: there is none. Names have no case. */
struct sieve_variable *sieve_variable_find(
	struct sieve_variables const *v, char const *name, size_t len);

/* Find it, or make it with an empty value. NULL: memory is out, or there are
 * too many. */
struct sieve_variable *sieve_variable_make(
	struct sieve_variables *v, char const *name, size_t len);

/* False: memory is out. */
bool sieve_variable_put(stralloc *value, char const *s, size_t len)
	__attribute__((warn_unused_result));

/* Append s with its references replaced; global may be NULL. At most max
 * octets. False: memory is out. */
bool sieve_variables_expand(struct sieve_variables const *v,
	struct sieve_variables const *global, char const *s, size_t len,
	size_t max, stralloc *out) __attribute__((warn_unused_result));

/* Change a value as the modifiers of `set` say (SIEVE_F_*; RFC 5229, 4.1). */
bool sieve_variables_modify(stralloc *value, uint64_t flags)
	__attribute__((warn_unused_result));

void sieve_variables_free(struct sieve_variables *v);

#endif
