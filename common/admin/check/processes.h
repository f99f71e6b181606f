/*
 * processes.h - the processes of a host, and whom each must be
 */
#ifndef PROCESSES_H
#define PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "common/admin/check/doctor.h"

struct process {
	pid_t pid, parent;
	uid_t uids[3];	  /* real, effective, saved */
	char program[32]; /* of its file */
	bool is_replaced; /* the file is another by now */
};

struct processes {
	struct process *list;
	size_t count, room;
};

/* All that run now. False: /proc can't be read, or no memory. */
bool processes_read(struct processes *p) __attribute__((warn_unused_result));
void processes_free(struct processes *p);

/* NULL: it is gone. */
struct process const *processes_find(struct processes const *p, pid_t pid);

/* Whether pid was started by top, or by whom that started, or is top. */
bool processes_is_below(struct processes const *p, pid_t pid, pid_t top);

/* Whether who it runs as is right for a program of ours; others may be anybody.
 */
bool processes_is_right(struct doctor const *d, struct process const *process);

#endif
