/*
 * recover.h - the queue manager, started over what a cut left
 *
 * The manager's own code, but for its main, its sandbox, its clock and the fork
 * of its helpers: the look at cur and new, intake, marks, copies, bounces and
 * expanded aliases. In place of the spawners and of what they start stands a
 * function of the test's.
 */
#ifndef RECOVER_H
#define RECOVER_H

#include <stdbool.h>
#include <stddef.h>
#include "common/job.h"
#include "common/table.h"

/* A job for one recipient: what becomes of it. message has the octets as they
 * stand in the queue file; NULL: they could not be read. */
typedef enum job_status recover_arrival(bool is_local, char const *address,
	size_t address_len, bool is_report, char const *message, size_t len);

/* Before the first state; tables_fd stays the caller's. Exit on failure. */
void recover_init(int tables_fd, struct table const *settings);

/*
 * Work on state/queue until nothing is left that could be done now. Once in a
 * process, which must be forked for it and is the manager's from then on. False
 * if something could not be opened.
 */
bool recover(char const *state, recover_arrival *arrival)
	__attribute__((warn_unused_result));

#endif
