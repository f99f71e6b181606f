/*
 * options.h - options of the subcommands of mime
 *
 * A letter with or without a value, grouped as usual (-tf, -dDIR), "--" ends
 * them; each letter has a long name for people ("--threads"). Pure.
 */
#ifndef MIME_OPTIONS_H
#define MIME_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Options that one command line may hold. */
#define OPTIONS_MAX 256

struct options {
	size_t count;
	struct {
		char letter;
		char const *value; /* NULL: takes none */
	} list[OPTIONS_MAX];
};

/*
 * Parse arguments[0..count).
 *
 * spec    NULL-ended: "t threads" or, with a value, "d: dir"
 * used_r  arguments that were options: the operands follow
 *
 * Returns false for an option that is not in spec, lacks its value, has one
 * that it does not take, or is one too many.
 */
bool options_parse(char const *const *arguments, size_t count,
	char const *const *spec, struct options *o_r, size_t *used_r)
	__attribute__((warn_unused_result));

bool options_has(struct options const *o, char letter);

/* The value given last, or otherwise. */
char const *options_value(
	struct options const *o, char letter, char const *otherwise);

#endif
