/*
 * grammar.h - what commands, tests, tags and extensions there are
 *
 * Tables alone, which compile.c follows: RFC 5228 and the extensions in
 * doc/rfc.txt.
 */
#ifndef SIEVE_GRAMMAR_H
#define SIEVE_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "local/sieve/program.h"

/* Extensions, as bits. */
#define SIEVE_X_FILEINTO 1u
#define SIEVE_X_ENVELOPE 2u
#define SIEVE_X_ENCODED 4u
#define SIEVE_X_NUMERIC 8u
#define SIEVE_X_SUBADDRESS 0x10u
#define SIEVE_X_COPY 0x20u
#define SIEVE_X_VACATION 0x40u
#define SIEVE_X_VACATION_SECONDS 0x80u
#define SIEVE_X_VARIABLES 0x100u
#define SIEVE_X_FLAGS 0x200u
#define SIEVE_X_RELATIONAL 0x400u
#define SIEVE_X_DATE 0x800u
#define SIEVE_X_INDEX 0x1000u
#define SIEVE_X_EDITHEADER 0x2000u
#define SIEVE_X_MAILBOX 0x4000u
#define SIEVE_X_SPECIALUSE 0x8000u
#define SIEVE_X_BODY 0x10000u
#define SIEVE_X_REJECT 0x20000u
#define SIEVE_X_EREJECT 0x40000u
#define SIEVE_X_DUPLICATE 0x80000u
#define SIEVE_X_SPAMTEST 0x100000u
#define SIEVE_X_SPAMTESTPLUS 0x200000u
#define SIEVE_X_VIRUSTEST 0x400000u
#define SIEVE_X_INCLUDE 0x800000u
#define SIEVE_X_ENVIRONMENT 0x1000000u

enum sieve_shape {
	SIEVE_PLAIN,
	SIEVE_BLOCK,	  /* { } behind it */
	SIEVE_TEST_BLOCK, /* a test, { } */
	SIEVE_ONE_TEST,
	SIEVE_TESTS
};

enum sieve_optional {
	SIEVE_ALL_GIVEN,
	SIEVE_FIRST_MAY_LACK,
	SIEVE_LAST_MAY_LACK
};

struct sieve_grammar_word {
	char const *name;
	enum sieve_op op;
	enum sieve_shape shape;
	uint64_t capability; /* one of them is enough; 0: none is needed */
	/* Positional arguments: s a string, L a list, n a number; and the
	 * slot of args that each goes to. */
	char const *types, *slots;
	enum sieve_optional optional;
	uint64_t tags;		   /* SIEVE_F_* that it may have */
	uint64_t index_capability; /* what :index and :last need here */
};

struct sieve_grammar_tag {
	char const *name;
	uint64_t flag;
	uint64_t capability;
	char type;     /* of its argument: s, L, n; 0: none. m: a match type;
			* r: one with a relation; c: a comparator; p: a part */
	uint8_t value; /* slot, match type or part */
	uint64_t excludes;
};

/* NULL: there is none of that name (no regard to case). */
struct sieve_grammar_word const *sieve_grammar_command(
	char const *name, size_t len);
struct sieve_grammar_word const *sieve_grammar_test(
	char const *name, size_t len);
struct sieve_grammar_tag const *sieve_grammar_tag(char const *name, size_t len);

/* The bit of an extension; 0 for one that is always there ("comparator-
 * i;octet"). False: it is not known. */
bool sieve_grammar_capability(char const *name, size_t len, uint64_t *bit_r)
	__attribute__((warn_unused_result));

/* The name of the lowest bit. */
char const *sieve_grammar_name(uint64_t bits);

/* All of them with blanks between, as ManageSieve tells them. */
extern char const sieve_grammar_all[];

#endif
