/*
 * program.h - the process that runs programs for a mailbox
 *
 * Where the postmaster has named a folder of programs, the file `forward` may
 * have lines `|NAME ARGUMENT...`: the message is the program's input. No
 * delivery could execute one from within its sandbox, so a process is forked
 * before that is closed and before there is a message. It has no filter but its
 * parents', and of descriptors its pair and standard error alone; it runs the
 * lines that it was started with and no others, whatever it is asked. It ends
 * with the delivery.
 *
 * A question is u8 the line, bytes sender, bytes recipient, and a file with the
 * message; the answer u8 a job_status, u8 whether nothing else is to be done,
 * bytes a text for a report.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/job.h"
#include "local/deliver.h"

#define PROGRAM_LINES_MAX 10

struct program_rules {
	char const *folder; /* whose programs may be run */
	char const *home;   /* the maildir: the program's HOME */
	uint64_t seconds, memory;
};

/* Fork it. lines: each ends in a NUL; what is no line of a program fails when
 * it is run. Returns the end of its pair, -1: errno. */
int program_start(struct program_rules const *rules, char const *lines,
	size_t len) __attribute__((warn_unused_result));

struct program_runner {
	int pair_fd, channel_fd; /* to it; to the manager */
	bool is_lost;		 /* set here: it is of no use any more */
	uint64_t seconds;	 /* how long a program may take */
};

/*
 * Have the message on fd handed to the program of a line. *result_r says what
 * became of it. False: nothing else is to be done with the message. Gives up
 * when nobody is at the other end of channel_fd any more.
 */
bool program_run(struct program_runner *r, uint8_t line, struct job const *job,
	int fd, struct delivery_result *result_r)
	__attribute__((warn_unused_result));

#endif
