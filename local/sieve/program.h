/*
 * program.h - a Sieve script that was read and found good
 *
 * A tree of nodes in one array: commands and tests with their arguments. The
 * strings lie in one text. What a script includes (RFC 6609) is part of it, a
 * unit of its own. Bounded by the size of the scripts; freed at once.
 */
#ifndef SIEVE_PROGRAM_H
#define SIEVE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

/* Octets of one script. */
#define SIEVE_SCRIPT_MAX (128 * 1024)
/* The script itself and all that are included in it. */
#define SIEVE_UNITS_MAX 16
#define SIEVE_NODES_MAX 20000
#define SIEVE_STRINGS_MAX 40000
/* Blocks and tests within each other. */
#define SIEVE_DEPTH_MAX 32

enum sieve_op {
	/* commands */
	SIEVE_REQUIRE,
	SIEVE_IF,
	SIEVE_ELSIF,
	SIEVE_ELSE,
	SIEVE_STOP,
	SIEVE_KEEP,
	SIEVE_DISCARD,
	SIEVE_FILEINTO,
	SIEVE_REDIRECT,
	SIEVE_REJECT,
	SIEVE_EREJECT,
	SIEVE_VACATION,
	SIEVE_SETFLAG,
	SIEVE_ADDFLAG,
	SIEVE_REMOVEFLAG,
	SIEVE_SET,
	SIEVE_ADDHEADER,
	SIEVE_DELETEHEADER,
	SIEVE_INCLUDE,
	SIEVE_RETURN,
	SIEVE_GLOBAL,
	/* tests */
	SIEVE_TRUE,
	SIEVE_FALSE,
	SIEVE_NOT,
	SIEVE_ALLOF,
	SIEVE_ANYOF,
	SIEVE_HEADER,
	SIEVE_ADDRESS,
	SIEVE_ENVELOPE,
	SIEVE_EXISTS,
	SIEVE_SIZE,
	SIEVE_STRING,
	SIEVE_BODY,
	SIEVE_DATE,
	SIEVE_CURRENTDATE,
	SIEVE_HASFLAG,
	SIEVE_MAILBOXEXISTS,
	SIEVE_SPECIALUSE_EXISTS,
	SIEVE_ENVIRONMENT,
	SIEVE_DUPLICATE,
	SIEVE_SPAMTEST,
	SIEVE_VIRUSTEST
};

enum sieve_match {
	SIEVE_IS,
	SIEVE_CONTAINS,
	SIEVE_MATCHES,
	SIEVE_VALUE,
	SIEVE_COUNT
};
enum sieve_relation {
	SIEVE_GT,
	SIEVE_GE,
	SIEVE_LT,
	SIEVE_LE,
	SIEVE_EQ,
	SIEVE_NE
};
enum sieve_comparator { SIEVE_CASEMAP, SIEVE_OCTET, SIEVE_NUMERIC };
enum sieve_part {
	SIEVE_ALL,
	SIEVE_LOCALPART,
	SIEVE_DOMAIN,
	SIEVE_USER,
	SIEVE_DETAIL
};

/* Tags that a node was given. */
#define SIEVE_F_LAST 1u
#define SIEVE_F_INDEX 2u /* number is which */
#define SIEVE_F_OVER 4u
#define SIEVE_F_UNDER 8u
#define SIEVE_F_COPY 0x10u
#define SIEVE_F_CREATE 0x20u
#define SIEVE_F_FLAGS 0x40u
#define SIEVE_F_SPECIALUSE 0x80u
#define SIEVE_F_MIME 0x100u
#define SIEVE_F_DAYS 0x200u    /* number of them */
#define SIEVE_F_SECONDS 0x400u /* number of them */
#define SIEVE_F_SUBJECT 0x800u
#define SIEVE_F_FROM 0x1000u
#define SIEVE_F_ADDRESSES 0x2000u
#define SIEVE_F_HANDLE 0x4000u
#define SIEVE_F_HEADER 0x8000u
#define SIEVE_F_UNIQUEID 0x10000u
#define SIEVE_F_ZONE 0x20000u
#define SIEVE_F_ORIGINALZONE 0x40000u
#define SIEVE_F_RAW 0x80000u
#define SIEVE_F_TEXT 0x100000u
#define SIEVE_F_CONTENT 0x200000u
#define SIEVE_F_PERCENT 0x400000u
#define SIEVE_F_PERSONAL 0x800000u
#define SIEVE_F_GLOBAL 0x1000000u
#define SIEVE_F_ONCE 0x2000000u
#define SIEVE_F_OPTIONAL 0x4000000u
#define SIEVE_F_LOWER 0x8000000u
#define SIEVE_F_UPPER 0x10000000u
#define SIEVE_F_LOWERFIRST 0x20000000u
#define SIEVE_F_UPPERFIRST 0x40000000u
#define SIEVE_F_QUOTEWILDCARD 0x80000000u
#define SIEVE_F_LENGTH UINT64_C(0x100000000)
#define SIEVE_F_MATCH UINT64_C(0x200000000)
#define SIEVE_F_COMPARATOR UINT64_C(0x400000000)
#define SIEVE_F_PART UINT64_C(0x800000000)

struct sieve_string {
	uint32_t offset, len;
};

/* count strings of the program from first on. */
struct sieve_list {
	uint32_t first, count;
};

/* Which argument is which list: see grammar.c. */
#define SIEVE_ARGS 5

struct sieve_node {
	uint8_t op, match, relation, comparator, part;
	uint8_t unit; /* of an include: which; 0: there is no such script */
	uint32_t line;
	uint32_t next;	/* command or test behind it; 0: none */
	uint32_t inner; /* first command of its block */
	uint32_t test;	/* first of its tests */
	uint64_t flags; /* SIEVE_F_* */
	uint64_t number;
	struct sieve_list args[SIEVE_ARGS];
};

struct sieve_unit {
	uint32_t first; /* command */
	uint64_t capabilities;
	bool is_global; /* where it was found */
	char *name;	/* NULL: the script itself */
};

struct sieve_program {
	struct sieve_node *nodes; /* nodes[0] is none */
	size_t node_count, node_room;
	struct sieve_string *strings;
	size_t string_count, string_room;
	stralloc text;
	struct sieve_unit units[SIEVE_UNITS_MAX];
	size_t unit_count;
	bool reads_body, reads_duplicates;
};

#define SIEVE_PROGRAM_ZERO                                                     \
	{                                                                      \
		.text = STRALLOC_ZERO                                          \
	}

/* Add one, all zero; its index, 0: memory is out or there are too many. */
uint32_t sieve_program_node(struct sieve_program *p);

/* Add a string. False: memory is out or there are too many. */
bool sieve_program_string(struct sieve_program *p, char const *s, size_t len)
	__attribute__((warn_unused_result));

/* A list of one string, or the i-th of a list. */
static inline char const *
sieve_text(struct sieve_program const *p, struct sieve_list l, uint32_t i,
	size_t *len_r)
{
	struct sieve_string const *const s = &p->strings[l.first + i];

	*len_r = s->len;
	return p->text.s + s->offset;
}

void sieve_program_free(struct sieve_program *p);

#endif
