/*
 * arc_run.h - ARC verification in steps, for callers that do more with the
 * same message; and what a sealer needs of a chain
 */
#ifndef ARC_RUN_H
#define ARC_RUN_H

#include "mime/dkim/arc.h"
#include "mime/dkim/dkim_check.h"

struct arc_set {
	struct header_field const *results; /* ARC-Authentication-Results */
	size_t rest;			    /* where its value goes on behind
					       `i=N;` */
	struct header_field const *message, *seal;
};

struct arc_run {
	struct arc_set sets[ARC_SETS_MAX];
	unsigned count;
	struct dkim_check *message; /* the newest; the first of the block */
	struct dkim_check *seals;   /* one a set */
	enum arc_code code;	    /* ARC_PASS: not decided until the end */
	char const *why;
};

/* Find the sets, check their structure, read the signatures. False: no memory.
 * arc_run_free in both cases. */
bool arc_run_begin(struct arc_run *run, struct fields const *fields,
	struct dkim_options const *options, struct bodyhashes *bodies)
	__attribute__((warn_unused_result));
/* Twice is safe, and before arc_run_begin if all is zero. */
void arc_run_free(struct arc_run *run);
void arc_run_keys(struct arc_run *run, struct query *query,
	struct dkim_options const *options);
/* Names of the keys that will be asked for; at most max. */
size_t arc_run_questions(struct arc_run const *run,
	struct query_question *questions_r, size_t max);
/* False: no memory. */
bool arc_run_end(struct arc_run *run, struct fields const *fields,
	struct bodyhashes const *bodies, struct arc_result *result_r)
	__attribute__((warn_unused_result));

/*
 * Hash what a seal signs (RFC 8617 5.1.1): the sets 1 to n in order, of which
 * the last one's seal is own, with the octets [b_at, b_end) left out.
 */
void arc_run_hash(struct arc_set const *sets, unsigned n,
	struct header_field const *own, size_t b_at, size_t b_end,
	unsigned char hash_r[32]);

#endif
