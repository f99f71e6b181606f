/* Verifying DKIM signatures: see dkim.h and dkim_run.h. */
#include <stdlib.h>
#include <string.h>
#include "mime/dkim/dkim.h"
#include "mime/dkim/dkim_run.h"

char const *
dkim_name(enum dkim_code code)
{
	static char const *const names[] = {[DKIM_NONE] = "none",
		[DKIM_PASS] = "pass",
		[DKIM_FAIL] = "fail",
		[DKIM_POLICY] = "policy",
		[DKIM_NEUTRAL] = "neutral",
		[DKIM_TEMPERROR] = "temperror",
		[DKIM_PERMERROR] = "permerror"};

	return names[code];
}

/*
 * RFC 6376 8.15: a From that was put above the signed one leaves the signature
 * whole, and is what people are shown. Such a message breaks RFC 5322 3.6.
 */
static bool
has_several_authors(struct fields const *fields)
{
	size_t n = 0;

	for (size_t i = 0; i < fields->count; i++)
		n += header_is(&fields->list[i], "From");
	return n > 1;
}

static void
refuse(struct dkim_check *c, enum dkim_code code, char const *why)
{
	if (c->code != DKIM_NONE)
		return;
	c->code = code;
	c->why = why;
}

void
dkim_run_begin(struct dkim_run *run, struct fields const *fields,
	struct dkim_options const *options, struct bodyhashes *bodies)
{
	bool is_forged = has_several_authors(fields);

	run->count = run->left_out = 0;
	for (size_t i = 0; i < fields->count; i++) {
		if (!header_is(&fields->list[i], "DKIM-Signature"))
			continue;
		if (run->count == DKIM_SIGNATURES_MAX) {
			run->left_out++;
			continue;
		}
		struct dkim_check *c = &run->checks[run->count++];
		dkim_check_begin(
			c, DKIM_KIND_DKIM, &fields->list[i], options, bodies);
		if (fields->is_too_long)
			refuse(c, DKIM_POLICY, "the header is too long");
		if (is_forged)
			refuse(c, DKIM_PERMERROR, "several From fields");
	}
}

void
dkim_run_keys(struct dkim_run *run, struct query *query,
	struct dkim_options const *options)
{
	dkim_check_keys(run->checks, run->count, query, options);
}

static void
tell(struct dkim_check const *c, struct dkim_result *r)
{
	struct dkim_signature const *sig = &c->sig;

	*r = (struct dkim_result){.code = c->code,
		.bits = c->key.bits,
		.testing = c->key.testing,
		.uncovered = c->uncovered,
		.why = c->why};
	memcpy(r->domain, sig->domain, sizeof r->domain);
	memcpy(r->selector, sig->selector, sizeof r->selector);
	memcpy(r->identity, sig->identity, sizeof r->identity);
	memcpy(r->algorithm, sig->algorithm, sizeof r->algorithm);
	memcpy(r->b, sig->b_begin, sizeof r->b);
}

void
dkim_run_end(struct dkim_run *run, struct fields const *fields,
	struct bodyhashes const *bodies, struct dkim_results *results_r)
{
	results_r->count = run->count;
	results_r->left_out = run->left_out;
	for (size_t i = 0; i < run->count; i++) {
		dkim_check_end(&run->checks[i], fields, bodies);
		tell(&run->checks[i], &results_r->list[i]);
	}
}

struct work {
	struct fields fields;
	struct bodyhashes bodies;
	struct dkim_run run;
};

bool
dkim_verify(struct source const *message, struct query *query,
	struct dkim_options const *options, struct dkim_results *results_r)
{
	struct work *w = calloc(1, sizeof *w);
	bool is_done = false;

	results_r->count = results_r->left_out = 0;
	if (w == NULL)
		return false;
	if (!fields_read(message, &w->fields))
		goto end;
	dkim_run_begin(&w->run, &w->fields, options, &w->bodies);
	dkim_run_keys(&w->run, query, options);
	if (!bodyhash_read(&w->bodies, message, w->fields.body_at))
		goto end;
	dkim_run_end(&w->run, &w->fields, &w->bodies, results_r);
	is_done = true;
end:
	fields_free(&w->fields);
	free(w);
	return is_done;
}
