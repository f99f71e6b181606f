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

struct defaults {
	char const *hostname;
	char const *domain;  /* "": the hostname alone is local */
	char const *state;   /* NULL: the default of the setting */
	char const *libexec; /* "": the same */
	char const *const *addresses;
	size_t address_count; /* 0: the same */
	bool is_demo;	      /* ports above 1024 on 127.0.0.1 */
};

/*
 * Its text without the last newline, allocated. `settings`, number 0, ends with
 * every setting that it leaves at its default, as a comment. NULL: no memory.
 */
char *defaults_text(size_t i, struct defaults const *d)
	__attribute__((warn_unused_result));

#endif
