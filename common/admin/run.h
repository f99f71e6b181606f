/*
 * run.h - running a program of the system, without a shell
 */
#ifndef RUN_H
#define RUN_H

#include <stdbool.h>

/*
 * Run argv[0] (found in the path) with standard input from /dev/null and
 * standard output thrown away, and wait. What it says on standard error is
 * kept back, and printed only if it fails. True: exit 0.
 */
bool run_program(char const *const *argv) __attribute__((warn_unused_result));

#endif
