/*
 * host.h - what the manager knows of its host: settings, tables, accounts
 *
 * Read once, but for the tables, which are looked at again now and then. There
 * is one.
 */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stdint.h>
#include "common/table.h"
#include "queue/owner.h"
#include "queue/queued.h"
#include "queue/route.h"

struct host {
	int tables_fd; /* folder of the tables; stays the caller's */
	char const *name;
	uint64_t lifetime, retry_first, retry_max; /* seconds */
	uint64_t delay_warning; /* seconds; 0: nobody is warned */
	uint64_t release_max;	/* seconds that a sender may have it held */
	struct route_tables tables;
	struct owner_accounts accounts;
};
extern struct host host;

/* Reads settings, which are kept, and opens the tables. errno. */
bool host_open(int tables_fd, struct table const *settings)
	__attribute__((warn_unused_result));

/* Open tables that were replaced; at most a hundred times a second. */
void host_refresh(void);

/* The same without waiting: whoever took the message may have looked into
 * tables that are newer than ours. */
void host_refresh_now(void);

/* Who had dropped the message, whoever's its file is now. */
uid_t host_dropper(struct queued const *m);

#endif
