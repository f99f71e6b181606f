/*
 * proglimits.h - the limits of a program of others'
 *
 * What it calls is not known, so that no filter fits; what it may use up is
 * said.
 */
#ifndef PROGLIMITS_H
#define PROGLIMITS_H

#include <stdbool.h>
#include <sys/resource.h>

struct proglimits {
	rlim_t memory, file_size; /* octets */
	rlim_t files;		  /* descriptors */
	rlim_t cpu_seconds;	  /* 0: not limited */
};

/* For this process and what it executes, which gets no new privileges and
 * leaves no core. False: errno. In a sanitized build memory is not limited. */
bool proglimits_enter(struct proglimits const *l)
	__attribute__((warn_unused_result));

#endif
