/*
 * table_dkim.h - the tables of the signer and of forwarding
 *
 * dkim.cdb, readable by kr-sign alone; and srs.key, by kr-queue alone, which is
 * made once and stays.
 */
#ifndef TABLE_DKIM_H
#define TABLE_DKIM_H

#include <stdbool.h>
#include "common/admin/config.h"
#include "common/admin/publish.h"

/* The caller commits. forward_domain: as the settings say, NUL-ended. False:
 * errno. */
bool table_dkim_write(struct config *c, struct publish *p,
	char const *forward_domain) __attribute__((warn_unused_result));

#endif
