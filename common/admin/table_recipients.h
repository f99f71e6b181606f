/*
 * table_recipients.h - what recipients.cdb holds
 *
 * The domains and addresses of a host; tables(5) describes it.
 */
#ifndef TABLE_RECIPIENTS_H
#define TABLE_RECIPIENTS_H

#include <stdbool.h>
#include <skalibs/cdbmake.h>
#include "common/admin/config.h"

/* Add all of them to the table that was begun. False: memory or disk. */
bool table_recipients_write(cdbmaker *cdb, struct config *c)
	__attribute__((warn_unused_result));

#endif
