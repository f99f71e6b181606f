/*
 * fault.h - telling a person what is wrong in which file and line
 *
 * Faults and warnings are printed on standard error at once, as
 * `FILE:LINE: what is wrong`, and counted: a command goes on to find the next
 * one, and changes nothing if there was any fault.
 */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>

struct faults {
	unsigned count;
	bool is_quiet;	/* warnings are not told */
	bool is_silent; /* faults are not told either, only counted */
	/* NULL, or who is told both instead of standard error. */
	void (*take)(void *data, bool is_warning, char const *file,
		unsigned line, char const *what);
	void *data;
};

/* line 0: the file as a whole. */
void fault(struct faults *f, char const *file, unsigned line,
	char const *format, ...) __attribute__((format(printf, 4, 5)));
void fault_warning(struct faults *f, char const *file, unsigned line,
	char const *format, ...) __attribute__((format(printf, 4, 5)));

#endif
