/*
 * datetime.h - dates as text
 */
#ifndef DATETIME_H
#define DATETIME_H

#include <stddef.h>
#include <stdint.h>

/* Octets of the longest date, its NUL included. */
#define DATETIME_MAX 48

/*
 * Write seconds since 1970 as RFC 5322 3.3 wants it, in UTC and without
 * regard to any locale: `Fri, 06 Mar 2009 08:01:12 +0000`. NUL-ended.
 * Returns the length.
 */
size_t datetime_format(char out[DATETIME_MAX], uint64_t seconds);

/* The same as RFC 3339 has it, for protocols: `2009-03-06T08:01:12Z`. */
size_t datetime_format_utc(char out[DATETIME_MAX], uint64_t seconds);

#endif
