/* Verifying an ARC chain: see arc.h and arc_run.h. */
#include <stdlib.h>
#include <string.h>
#include "mime/dkim/arc.h"
#include "mime/dkim/arc_run.h"

char const *
arc_name(enum arc_code code)
{
	static char const *const names[] = {[ARC_NONE] = "none",
		[ARC_PASS] = "pass",
		[ARC_FAIL] = "fail",
		[ARC_TEMPERROR] = "temperror"};

	return names[code];
}

static void
fail(struct arc_run *run, char const *why)
{
	if (run->code == ARC_FAIL)
		return;
	run->code = ARC_FAIL;
	run->why = why;
}

/* Where a field of an ARC set belongs: its instance, 0 if it cannot be read. */
static unsigned
instance_of(struct header_field const *f, enum dkim_kind kind,
	struct dkim_signature *scratch)
{
	bool is_whole = dkim_signature_parse(kind, f, scratch);

	/* One that is read in part fails later, when it is judged. */
	return is_whole || scratch->instance > 0 ? scratch->instance : 0;
}

static void
place(struct arc_run *run, struct header_field const **slot,
	struct header_field const *f, unsigned instance)
{
	if (*slot != NULL)
		fail(run, "two of a kind in one set");
	*slot = f;
	if (instance > run->count)
		run->count = instance;
}

static void
sort_field(struct arc_run *run, struct header_field const *f,
	struct dkim_signature *scratch)
{
	unsigned i = 0;
	size_t rest = 0;

	if (header_is(f, "ARC-Authentication-Results")) {
		if (!dkim_signature_instance(f->value, f->value_len, &i, &rest))
			fail(run, "results without an instance");
		else {
			place(run, &run->sets[i - 1].results, f, i);
			run->sets[i - 1].rest = rest;
		}
	} else if (header_is(f, "ARC-Message-Signature")) {
		i = instance_of(f, DKIM_KIND_MESSAGE, scratch);
		if (i == 0)
			fail(run, "a message signature that is malformed");
		else
			place(run, &run->sets[i - 1].message, f, i);
	} else if (header_is(f, "ARC-Seal")) {
		i = instance_of(f, DKIM_KIND_SEAL, scratch);
		if (i == 0)
			fail(run, "a seal that is malformed");
		else
			place(run, &run->sets[i - 1].seal, f, i);
	}
}

/* RFC 8617 5.2 step 3. */
static void
check_structure(struct arc_run *run)
{
	for (unsigned i = 0; i < run->count; i++) {
		struct arc_set const *set = &run->sets[i];
		struct dkim_signature const *seal = &run->seals[i].sig;
		if (set->results == NULL || set->message == NULL ||
			set->seal == NULL) {
			fail(run, "an incomplete set");
			return;
		}
		if (run->seals[i].code != DKIM_NONE)
			fail(run, "a seal that is malformed");
		else if (i == run->count - 1 && seal->cv == DKIM_CV_FAIL)
			fail(run, "the chain failed before");
		else if (seal->cv != (i == 0 ? DKIM_CV_NONE : DKIM_CV_PASS))
			fail(run, "a chain status that cannot be");
	}
}

/* Most messages have no set: what judges one is big. */
static bool
make_room(struct arc_run *run)
{
	run->message = calloc(run->count + 1, sizeof *run->message);
	run->seals = run->message != NULL ? run->message + 1 : NULL;
	return run->message != NULL;
}

bool
arc_run_begin(struct arc_run *run, struct fields const *fields,
	struct dkim_options const *options, struct bodyhashes *bodies)
{
	struct dkim_signature scratch;

	memset(run, 0, sizeof *run);
	run->code = ARC_PASS;
	for (size_t i = 0; i < fields->count; i++)
		sort_field(run, &fields->list[i], &scratch);
	if (fields->is_too_long && (run->count > 0 || run->code == ARC_FAIL))
		fail(run, "the header is too long");
	if (run->code == ARC_PASS && run->count == 0)
		run->code = ARC_NONE;
	if (run->count == 0)
		return true;
	if (!make_room(run))
		return false;
	for (unsigned i = 0; i < run->count; i++)
		if (run->sets[i].seal != NULL)
			dkim_check_begin(&run->seals[i], DKIM_KIND_SEAL,
				run->sets[i].seal, options, bodies);
	if (run->code != ARC_PASS)
		return true;
	check_structure(run);
	if (run->code != ARC_PASS)
		return true;
	dkim_check_begin(run->message, DKIM_KIND_MESSAGE,
		run->sets[run->count - 1].message, options, bodies);
	if (run->message->code != DKIM_NONE)
		fail(run, run->message->why);
	/* RFC 8617 4.1.2: it covers no seal. */
	else if (dkim_signature_covers(&run->message->sig, "arc-seal"))
		fail(run, "the message signature covers a seal");
	return true;
}

void
arc_run_free(struct arc_run *run)
{
	free(run->message);
	run->message = run->seals = NULL;
}

size_t
arc_run_questions(struct arc_run const *run, struct query_question *questions_r,
	size_t max)
{
	size_t n = 0;

	if (run->code != ARC_PASS)
		return 0;
	if (n < max && dkim_check_question(run->message, &questions_r[n]))
		n++;
	for (unsigned i = 0; i < run->count && n < max; i++)
		if (dkim_check_question(&run->seals[i], &questions_r[n]))
			n++;
	return n;
}

void
arc_run_keys(struct arc_run *run, struct query *query,
	struct dkim_options const *options)
{
	if (run->code != ARC_PASS)
		return;
	dkim_check_keys(run->message, 1, query, options);
	dkim_check_keys(run->seals, run->count, query, options);
}

void
arc_run_hash(struct arc_set const *sets, unsigned n,
	struct header_field const *own, size_t b_at, size_t b_end,
	unsigned char hash_r[32])
{
	br_sha256_context sha;

	br_sha256_init(&sha);
	for (unsigned i = 0; i < n; i++) {
		bool is_last = i == n - 1;
		canon_field(true, sets[i].results, 0, 0, true, dkim_check_sink,
			&sha);
		canon_field(true, sets[i].message, 0, 0, true, dkim_check_sink,
			&sha);
		canon_field(true, is_last ? own : sets[i].seal,
			is_last ? b_at : 0, is_last ? b_end : 0, !is_last,
			dkim_check_sink, &sha);
	}
	br_sha256_out(&sha, hash_r);
}

static void
weigh(struct arc_run *run, struct dkim_check const *c, char const *why)
{
	if (c->code == DKIM_PASS || run->code == ARC_FAIL)
		return;
	if (c->code == DKIM_TEMPERROR) {
		run->code = ARC_TEMPERROR;
		run->why = c->why;
	} else {
		fail(run, c->code == DKIM_FAIL ? why : c->why);
	}
}

static bool
take_results(struct arc_set const *set, struct arc_result *r)
{
	size_t len = set->results->value_len - set->rest;

	r->memory = malloc(len + 1);
	if (r->memory == NULL)
		return false;
	memcpy(r->memory, set->results->value + set->rest, len);
	r->memory[len] = '\0';
	r->results = r->memory;
	r->results_len = len;
	return true;
}

bool
arc_run_end(struct arc_run *run, struct fields const *fields,
	struct bodyhashes const *bodies, struct arc_result *result_r)
{
	unsigned char hash[32];

	*result_r = (struct arc_result){.sets = run->count};
	if (run->code == ARC_PASS) {
		dkim_check_end(run->message, fields, bodies);
		weigh(run, run->message, "the message signature is wrong");
	}
	/* From the newest down: a message that was changed fails before. */
	for (unsigned i = run->count; i-- > 0 && run->code == ARC_PASS;) {
		struct dkim_check *c = &run->seals[i];
		if (c->code == DKIM_NONE) {
			arc_run_hash(run->sets, i + 1, c->field, c->sig.b_at,
				c->sig.b_end, hash);
			dkim_check_judge(c, hash);
		}
		weigh(run, c, "a seal is wrong");
	}
	result_r->code = run->code;
	result_r->why = run->code == ARC_PASS ? NULL : run->why;
	if (run->count == 0)
		return true;
	struct arc_set const *newest = &run->sets[run->count - 1];
	if (newest->seal != NULL)
		memcpy(result_r->sealer, run->seals[run->count - 1].sig.domain,
			sizeof result_r->sealer);
	return newest->results == NULL || take_results(newest, result_r);
}

void
arc_free(struct arc_result *result)
{
	free(result->memory);
	result->memory = NULL;
	result->results = NULL;
	result->results_len = 0;
}

struct work {
	struct fields fields;
	struct bodyhashes bodies;
	struct arc_run run;
};

bool
arc_verify(struct source const *message, struct query *query,
	struct dkim_options const *options, struct arc_result *result_r)
{
	struct work *w = calloc(1, sizeof *w);
	bool is_done = false;

	*result_r = (struct arc_result){.code = ARC_NONE};
	if (w == NULL)
		return false;
	if (!fields_read(message, &w->fields))
		goto end;
	if (!arc_run_begin(&w->run, &w->fields, options, &w->bodies))
		goto end;
	arc_run_keys(&w->run, query, options);
	if (!bodyhash_read(&w->bodies, message, w->fields.body_at))
		goto end;
	is_done = arc_run_end(&w->run, &w->fields, &w->bodies, result_r);
end:
	arc_run_free(&w->run);
	fields_free(&w->fields);
	free(w);
	return is_done;
}
