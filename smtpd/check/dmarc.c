/* DMARC: see dmarc.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mime/address.h"
#include "mime/header.h"
#include "common/asciiname.h"
#include "smtpd/check/dmarc.h"

/* Octets of a From field that are read. */
#define FROM_MAX (64u * 1024)

char const *
dmarc_name(enum dmarc_code code)
{
	static char const *const names[] = {[DMARC_NONE] = "none",
		[DMARC_PASS] = "pass",
		[DMARC_FAIL] = "fail",
		[DMARC_TEMPERROR] = "temperror",
		[DMARC_PERMERROR] = "permerror"};

	return names[code];
}

char const *
dmarc_policy_name(enum dmarc_policy policy)
{
	static char const *const names[] = {[DMARC_POLICY_NONE] = "none",
		[DMARC_POLICY_QUARANTINE] = "quarantine",
		[DMARC_POLICY_REJECT] = "reject"};

	return names[policy];
}

static bool
refuse(char const *why, char const **why_r)
{
	*why_r = why;
	return false;
}

/* The one domain of the addresses in a From value. */
static bool
author_of(char const *s, size_t len, char *buffer, char domain_r[DNS_NAME_SIZE],
	char const **why_r)
{
	struct address_cursor cursor;
	struct address a;
	char domain[DNS_NAME_SIZE];
	unsigned count = 0;

	address_init(&cursor, s, len, buffer);
	while (address_next(&cursor, &a) > 0) {
		if (a.kind != ADDRESS_MAILBOX)
			continue;
		if (a.host.s == NULL ||
			!asciiname(a.host.s, a.host.len, domain))
			return refuse("the author has no domain", why_r);
		if (count++ > 0 && strcmp(domain, domain_r) != 0)
			return refuse("authors of several domains", why_r);
		strcpy(domain_r, domain);
	}
	return count > 0 || refuse("no author", why_r);
}

bool
dmarc_author(char const *s, size_t len, char domain_r[DNS_NAME_SIZE],
	char const **why_r)
{
	struct header_field f, from = {0};
	size_t pos = 0, count = 0;
	char *buffer;
	bool is_found;

	while (header_next(s, len, &pos, &f) > 0)
		if (header_is(&f, "From")) {
			from = f;
			count++;
		}
	*domain_r = '\0';
	if (count != 1)
		return refuse(
			count == 0 ? "no From field" : "several From fields",
			why_r);
	if (from.value_len > FROM_MAX)
		return refuse("the From field is too long", why_r);
	buffer = malloc(ADDRESS_BUF(from.value_len));
	if (buffer == NULL)
		return refuse("out of memory", why_r);
	is_found =
		author_of(from.value, from.value_len, buffer, domain_r, why_r);
	free(buffer);
	if (!is_found)
		*domain_r = '\0';
	return is_found;
}

/* RFC 9989 4.10: the domain, then of its parents those of 7 labels and fewer.
 */
size_t
dmarc_walk(char const *domain, char names_r[][DMARC_NAME_SIZE])
{
	size_t labels = asciiname_labels(domain), n = 0;

	if (labels == 0)
		return 0;
	snprintf(names_r[n++], DMARC_NAME_SIZE, "_dmarc.%s", domain);
	for (size_t i = labels - 1 < DMARC_WALK_MAX - 1 ? labels - 1
							: DMARC_WALK_MAX - 1;
		i > 0; i--)
		snprintf(names_r[n++], DMARC_NAME_SIZE, "_dmarc.%s",
			asciiname_last(domain, i));
	return n;
}

/* The domain that a name of the walk asks about. */
static char const *
asked(char const *name)
{
	return name + strlen("_dmarc.");
}

struct walk {
	char names[DMARC_WALK_MAX][DMARC_NAME_SIZE];
	struct query_question questions[DMARC_WALK_MAX];
	struct dmarc_record records[DMARC_WALK_MAX];
	size_t count;
	bool is_unsure; /* a look-up that mattered failed */
};

/* The one record at a name; several are none (4.10 step 2). */
static bool
only_record(struct query_question const *q, struct dmarc_record *record_r)
{
	struct query_record const *only = NULL;

	record_r->exists = false;
	for (size_t i = 0; i < q->count; i++) {
		if (!dmarc_record_is(q->records[i].data, q->records[i].len))
			continue;
		if (only != NULL)
			return false;
		only = &q->records[i];
	}
	if (only == NULL ||
		!dmarc_record_parse(only->data, only->len, record_r))
		record_r->exists = false;
	return record_r->exists;
}

static void
walk(struct query *query, char const *domain, struct walk *w)
{
	w->count = dmarc_walk(domain, w->names);
	w->is_unsure = false;
	for (size_t i = 0; i < w->count; i++)
		w->questions[i] = (struct query_question){
			.name = w->names[i], .type = DNS_TXT};
	query_ask(query, w->questions, w->count);
	for (size_t i = 0; i < w->count; i++) {
		if (w->questions[i].status == DNS_TEMPORARY) {
			w->is_unsure = true;
			w->records[i].exists = false;
			continue;
		}
		/* Nothing above a record that says what it is counts. */
		if (only_record(&w->questions[i], &w->records[i]) &&
			w->records[i].psd != 'u')
			w->count = i + 1;
	}
}

/* RFC 9989 4.10.2: the organizational domain of domain, whose walk it was. */
static char const *
organization_of(struct walk const *w, char const *domain)
{
	char const *found = domain;

	for (size_t i = 0; i < w->count; i++) {
		char const *here = asked(w->names[i]);
		if (!w->records[i].exists)
			continue;
		if (w->records[i].psd == 'n')
			return here;
		if (w->records[i].psd == 'y' && i > 0)
			return asciiname_last(
				domain, asciiname_labels(here) + 1);
		found = here;
	}
	return found;
}

/* Which record of the walk applies (4.10.1); -1: none. */
static int
policy_of(struct walk const *w, char const *domain)
{
	char const *organization = organization_of(w, domain);
	int psd = -1;

	if (w->count > 0 && w->records[0].exists)
		return 0;
	for (size_t i = 1; i < w->count; i++) {
		if (!w->records[i].exists)
			continue;
		if (strcmp(asked(w->names[i]), organization) == 0)
			return (int)i;
		if (w->records[i].psd == 'y')
			psd = (int)i;
	}
	return psd;
}

/* RFC 9989 3.2.13: neither the name nor anything below it. */
static bool
is_nonexistent(struct query *query, char const *domain)
{
	struct query_question q = {.name = domain, .type = DNS_A};

	query_ask(query, &q, 1);
	return q.status == DNS_NXDOMAIN;
}

static enum dmarc_policy
one_down(enum dmarc_policy policy)
{
	return policy == DMARC_POLICY_REJECT ? DMARC_POLICY_QUARANTINE
					     : DMARC_POLICY_NONE;
}

struct judge {
	struct query *query;
	char const *from;
	char organization[DNS_NAME_SIZE]; /* of from; "" while not known */
	struct walk *scratch;
	bool is_unsure;
};

/* Whether an authenticated name is aligned (RFC 9989 4.4). */
static bool
is_aligned(struct judge *j, char const *name, bool is_strict)
{
	char const *other;

	if (strcmp(name, j->from) == 0)
		return true;
	if (is_strict)
		return false;
	walk(j->query, name, j->scratch);
	other = organization_of(j->scratch, name);
	if (strcmp(other, j->organization) == 0)
		return true;
	j->is_unsure |= j->scratch->is_unsure &&
			asciiname_within(name, j->organization);
	return false;
}

static void
align(struct judge *j, struct spf_result const *spf,
	struct dkim_results const *dkim, struct dmarc_result *r)
{
	char name[DNS_NAME_SIZE];

	for (size_t i = 0; i < dkim->count && !r->dkim_aligned; i++)
		r->dkim_aligned = dkim->list[i].code == DKIM_PASS &&
				  is_aligned(j, dkim->list[i].domain,
					  r->record.strict_dkim);
	if (spf != NULL && spf->code == SPF_PASS &&
		asciiname(spf->domain, strlen(spf->domain), name))
		r->spf_aligned = is_aligned(j, name, r->record.strict_spf);
}

/* Whether something that could have passed was not known. */
static bool
may_pass_later(struct judge const *j, struct spf_result const *spf,
	struct dkim_results const *dkim)
{
	if (j->is_unsure || (spf != NULL && spf->code == SPF_TEMPERROR))
		return true;
	for (size_t i = 0; i < dkim->count; i++)
		if (dkim->list[i].code == DKIM_TEMPERROR)
			return true;
	return false;
}

static void
apply(struct judge *j, struct walk const *w, int which,
	struct spf_result const *spf, struct dkim_results const *dkim,
	struct dmarc_result *r)
{
	struct dmarc_record const *record = &r->record;

	r->record = w->records[which];
	strcpy(r->policy_domain, asked(w->names[which]));
	strcpy(j->organization, organization_of(w, j->from));
	strcpy(r->organization, j->organization);
	if (which == 0)
		r->policy = record->p;
	else if (record->has_np && is_nonexistent(j->query, j->from))
		r->policy = record->np;
	else
		r->policy = record->sp;
	r->disposition = record->testing ? one_down(r->policy) : r->policy;
	align(j, spf, dkim, r);
	if (r->dkim_aligned || r->spf_aligned) {
		r->code = DMARC_PASS;
		r->disposition = DMARC_POLICY_NONE;
	} else if (may_pass_later(j, spf, dkim)) {
		r->code = DMARC_TEMPERROR;
		r->why = "what could align is not known now";
		r->disposition = DMARC_POLICY_NONE;
	} else {
		r->code = DMARC_FAIL;
	}
}

void
dmarc_check(struct query *query, char const *from, struct spf_result const *spf,
	struct dkim_results const *dkim, struct dmarc_result *result_r)
{
	struct walk *walks = malloc(2 * sizeof *walks);
	struct judge j = {.query = query, .from = from};
	int which;

	*result_r = (struct dmarc_result){.code = DMARC_TEMPERROR};
	strcpy(result_r->from, from);
	if (walks == NULL) {
		result_r->why = "out of memory";
		return;
	}
	j.scratch = &walks[1];
	walk(query, from, &walks[0]);
	which = policy_of(&walks[0], from);
	if (which == 0 || (which > 0 && !walks[0].is_unsure))
		apply(&j, &walks[0], which, spf, dkim, result_r);
	else if (walks[0].is_unsure)
		result_r->why = "the policy could not be looked up";
	else
		result_r->code = DMARC_NONE;
	free(walks);
}
