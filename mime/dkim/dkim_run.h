/*
 * dkim_run.h - DKIM verification in steps, for callers that do more with the
 * same message
 */
#ifndef DKIM_RUN_H
#define DKIM_RUN_H

#include "mime/dkim/dkim_check.h"

struct dkim_run {
	struct dkim_check checks[DKIM_SIGNATURES_MAX];
	size_t count, left_out;
};

/* Find and read the signatures. */
void dkim_run_begin(struct dkim_run *run, struct fields const *fields,
	struct dkim_options const *options, struct bodyhashes *bodies);

/* Ask for the keys (or take them from what the query knows). */
void dkim_run_keys(struct dkim_run *run, struct query *query,
	struct dkim_options const *options);

/* The body hashes are there: judge. */
void dkim_run_end(struct dkim_run *run, struct fields const *fields,
	struct bodyhashes const *bodies, struct dkim_results *results_r);

#endif
