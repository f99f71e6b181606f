/*
 * state.h - a run of a Sieve program, between the files that do it
 *
 * Functions that return bool give false when the run has failed and
 * result->fault says why; tests give 1, 0, or -1 then.
 */
#ifndef SIEVE_STATE_H
#define SIEVE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>
#include "local/sieve/run.h"
#include "local/sieve/variables.h"

struct message;

struct sieve_run {
	struct sieve_program const *p;
	struct sieve_mail const *mail;
	struct sieve_result *result;
	struct sieve_variables variables[SIEVE_UNITS_MAX], global;
	bool is_active[SIEVE_UNITS_MAX], was_run[SIEVE_UNITS_MAX];
	uint8_t unit;
	unsigned line;
	uint64_t cost;
	bool cancels_keep;
	stralloc flags; /* the internal variable of imap4flags */
	/* The header while a script edits it, and a copy for actions. */
	bool is_edited;
	stralloc header;
	char const *header_copy;
	struct message *message; /* taken apart for body, or NULL */
	stralloc key, value, decoded;
};

bool sieve_fail(struct sieve_run *r, char const *format, ...)
	__attribute__((format(printf, 2, 3)));
bool sieve_fail_memory(struct sieve_run *r);

/* Add to what the run has cost. False: that is too much. */
bool sieve_spend(struct sieve_run *r, uint64_t cost)
	__attribute__((warn_unused_result));

/* Put the i-th string of a list into out, its variables replaced. */
bool sieve_get(struct sieve_run *r, struct sieve_list list, uint32_t i,
	stralloc *out) __attribute__((warn_unused_result));

/* The value of a variable by its name, with "global." or without; NULL: there
 * is none. */
stralloc *sieve_lookup(struct sieve_run const *r, char const *name, size_t len);
/* The same; it is made if need be. NULL: failed. */
stralloc *sieve_assign(struct sieve_run *r, char const *name, size_t len);

static inline bool
sieve_requires(struct sieve_run const *r, uint64_t capability)
{
	return (r->p->units[r->unit].capabilities & capability) != 0;
}

/* The header as it is now. */
char const *sieve_header(struct sieve_run const *r, size_t *len_r);

/* Values against the keys of a test (args[1]). */
struct sieve_matcher {
	struct sieve_run *r;
	struct sieve_node const *n;
	uint64_t count;
	bool matched; /* no further value is needed */
};

bool sieve_match_value(struct sieve_matcher *m, char const *s, size_t len)
	__attribute__((warn_unused_result));
/* The test's result: after the last value. */
int sieve_match_end(struct sieve_matcher *m)
	__attribute__((warn_unused_result));

int sieve_test(struct sieve_run *r, uint32_t node)
	__attribute__((warn_unused_result));
int sieve_test_header(struct sieve_run *r, struct sieve_node const *n);
int sieve_test_address(struct sieve_run *r, struct sieve_node const *n);
int sieve_test_envelope(struct sieve_run *r, struct sieve_node const *n);
int sieve_test_date(struct sieve_run *r, struct sieve_node const *n);
int sieve_test_currentdate(struct sieve_run *r, struct sieve_node const *n);
int sieve_test_body(struct sieve_run *r, struct sieve_node const *n);

/*
 * The fields of a name, in order, or with :index one of them (RFC 5260, 6).
 * each is given the raw value; it returns 1 to go on, 0 to stop, -1 failed,
 * which is then returned too.
 */
int sieve_each_field(struct sieve_run *r, struct sieve_node const *n,
	char const *name, size_t name_len,
	int (*each)(void *data, char const *value, size_t len), void *data);

/* A value unfolded, decoded to UTF-8 and without blanks around it, into
 * r->decoded. */
bool sieve_decode(struct sieve_run *r, char const *value, size_t len)
	__attribute__((warn_unused_result));

void sieve_body_free(struct sieve_run *r);

#endif
