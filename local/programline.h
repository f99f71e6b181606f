/*
 * programline.h - a line that names a program, and what its end means
 *
 * Lines of the file `forward` that begin with `|`: a program of the
 * postmaster's folder, then its arguments, with blanks between; a word may
 * stand in double quotes, in which a backslash takes the meaning of what is
 * behind it. There is no shell. Pure.
 */
#ifndef PROGRAMLINE_H
#define PROGRAMLINE_H

#include <stdbool.h>
#include <stddef.h>
#include "common/job.h"

#define PROGRAMLINE_MAX 1000
#define PROGRAMLINE_WORDS_MAX 32

struct programline {
	/* The program and its arguments, NULL behind the last; they point into
	 * text. argv[0] is a path below the folder. */
	char const *argv[PROGRAMLINE_WORDS_MAX + 1];
	char text[2 * PROGRAMLINE_MAX + 2];
};

/* Take a line apart, without its `|`. folder: where programs are; what the line
 * names may be a path below it, or a name in it. False: it is no such line. */
bool programline_parse(char const *s, size_t len, char const *folder,
	struct programline *line_r) __attribute__((warn_unused_result));

struct programline_end {
	enum job_status status;
	bool stops;	  /* nothing else is to be done with the message */
	char const *code; /* enhanced (RFC 3463) */
};

/* What an exit code says: those of sysexits.h, and of qmail's programs 99, 100
 * and 111. What none of them says is tried again. */
struct programline_end programline_end(int code);

#endif
