/*
 * validity.h - UIDVALIDITY values that are never given twice
 *
 * The last one given to any folder of a maildir stands in the name of an empty
 * file at its top, `dovecot-uidvalidity.4c0ae5b2`, as Dovecot keeps it; a
 * rename makes the next. Values follow the clock, so that they also grow over
 * a lost file.
 */
#ifndef VALIDITY_H
#define VALIDITY_H

#include <stdbool.h>
#include <stdint.h>

bool validity_next(int root_fd, uint32_t *validity_r)
	__attribute__((warn_unused_result));

#endif
