/*
 * table_write.h - the compiled tables, written from a host's texts
 *
 * doc/man/tables.5 lists them, with their keys and values.
 */
#ifndef TABLE_WRITE_H
#define TABLE_WRITE_H

#include <stdbool.h>
#include <skalibs/stralloc.h>
#include "common/admin/config.h"
#include "common/admin/publish.h"

/*
 * Write every table, certs and keys into the folder of p, add new uids to their
 * history in the folder of state, and commit both. c must be without fault.
 * False: errno.
 */
bool table_write_all(struct config *c, struct publish *p, struct publish *state,
	stralloc const *certs, stralloc const *keys)
	__attribute__((warn_unused_result));

#endif
