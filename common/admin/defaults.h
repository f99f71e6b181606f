/*
 * defaults.h - the text files that a new host begins with
 */
#ifndef DEFAULTS_H
#define DEFAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The file number i, or NULL behind the last. */
char const *defaults_name(size_t i);
mode_t defaults_mode(size_t i);

/*
 * Its text without the last newline, allocated. state NULL and libexec empty:
 * the default of the setting. demo: ports above 1024 on 127.0.0.1. NULL: no
 * memory.
 */
char *defaults_text(size_t i, char const *hostname, char const *state,
	char const *libexec, bool is_demo) __attribute__((warn_unused_result));

#endif
