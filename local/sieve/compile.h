/*
 * compile.h - from the text of a Sieve script to a program
 *
 * Checks all that can be known before there is a message: the grammar (RFC
 * 5228, 8), that every extension was required, the number and types of
 * arguments, tags that exclude each other, names and addresses that are not
 * made of variables. Pure but for the loader. Linear in the text.
 */
#ifndef SIEVE_COMPILE_H
#define SIEVE_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <skalibs/stralloc.h>
#include "local/sieve/program.h"

struct sieve_fault {
	unsigned line;
	char script[64]; /* the included one that it is in; empty: the script */
	char text[200];	 /* printable ASCII */
};

/* Where included scripts come from (RFC 6609). */
struct sieve_loader {
	void *data;
	/* Append the text of a script: 1, 0 there is none, -1 failed. name has
	 * neither slashes nor controls. */
	int (*load)(
		void *data, char const *name, bool is_global, stralloc *text);
};

/*
 * Compile s[0..len). loader may be NULL: then every include is of a script that
 * is not there, which is an error only when it is executed. p is all zero
 * before; the caller frees it with sieve_program_free, after a failure too.
 */
bool sieve_compile(struct sieve_program *p, char const *s, size_t len,
	struct sieve_loader const *loader, struct sieve_fault *fault_r)
	__attribute__((warn_unused_result));

#endif
