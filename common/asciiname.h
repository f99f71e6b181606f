/*
 * asciiname.h - domain names of foreign text in one form
 *
 * Lower case, A-labels (RFC 5890) for what is not ASCII, no trailing dot.
 */
#ifndef ASCIINAME_H
#define ASCIINAME_H

#include <stdbool.h>
#include <stddef.h>
#include "common/dns_reply.h"

/*
 * False: not a name of letters, digits, hyphens, underscores and dots that the
 * DNS can hold, nor one that IDNA can make into such.
 */
bool asciiname(char const *s, size_t len, char name_r[DNS_NAME_SIZE])
	__attribute__((warn_unused_result));

/* Whether name is domain or lies below it; both in that form. */
bool asciiname_within(char const *name, char const *domain);

/* Labels of a name in that form; 0 for "". */
size_t asciiname_labels(char const *name);

/* The last n labels of a name that has at least n. */
char const *asciiname_last(char const *name, size_t n);

#endif
