/* What the checks of one message ask the DNS: see query.h. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/query.h"

struct query_entry {
	char name[DNS_NAME_SIZE];
	enum dns_type type;
	bool is_pending;
	enum dns_status status;
	char const *why;
	struct query_record *records;
	size_t count;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
query_init(struct query *query, query_way *way, void *data, int timeout_ms)
{
	*query = (struct query){
		.way = way, .data = data, .deadline_ms = now_ms() + timeout_ms};
}

void
query_free(struct query *query)
{
	while (query->flights != NULL) {
		struct query_flight *f = query->flights;

		query->flights = f->next;
		query_dns_end(f);
	}
	for (size_t i = 0; i < query->entry_count; i++) {
		struct query_entry *e = &query->entries[i];
		for (size_t j = 0; j < e->count; j++)
			free((void *)(uintptr_t)e->records[j].data);
		free(e->records);
	}
	free(query->entries);
	query->entries = NULL;
	query->entry_count = 0;
	query->bytes = 0;
}

bool
query_add(struct query *query, struct query_question *question,
	unsigned preference, char const *data, size_t len)
{
	if (len >= QUERY_BYTES_MAX ||
		query->bytes > QUERY_BYTES_MAX - len - 1 ||
		question->count >= DNS_RECORDS_MAX)
		return false;
	char *copy = malloc(len + 1);
	struct query_record *records = realloc(question->records,
		(question->count + 1) * sizeof *question->records);
	if (records != NULL)
		question->records = records;
	if (copy == NULL || records == NULL) {
		free(copy);
		return false;
	}
	memcpy(copy, data, len);
	copy[len] = '\0';
	records[question->count++] =
		(struct query_record){preference, copy, len};
	query->bytes += len + 1;
	return true;
}

/* The form under which a name is kept. False: it cannot be asked for. */
static bool
normalize(char const *name, char out[DNS_NAME_SIZE])
{
	size_t len = strlen(name);

	if (!dns_name_valid(name))
		return false;
	if (name[len - 1] == '.')
		len--;
	for (size_t i = 0; i < len; i++)
		out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z'
					? name[i] + ('a' - 'A')
					: name[i]);
	out[len] = '\0';
	return true;
}

static struct query_entry *
find(struct query *query, char const *name, enum dns_type type)
{
	for (size_t i = 0; i < query->entry_count; i++) {
		struct query_entry *e = &query->entries[i];
		if (e->type == type && strcmp(e->name, name) == 0)
			return e;
	}
	return NULL;
}

/* Note a question that is not known yet. Without room it stays unknown. */
static void
note(struct query *query, struct query_question const *question)
{
	char name[DNS_NAME_SIZE];
	struct query_entry *entries;

	if (!normalize(question->name, name) ||
		find(query, name, question->type) != NULL ||
		query->entry_count == QUERY_QUESTIONS_MAX)
		return;
	entries = realloc(query->entries,
		(query->entry_count + 1) * sizeof *query->entries);
	if (entries == NULL)
		return;
	query->entries = entries;
	struct query_entry *e = &entries[query->entry_count++];
	*e = (struct query_entry){.type = question->type,
		.is_pending = true,
		.status = DNS_TEMPORARY,
		.why = "no answer in time"};
	strcpy(e->name, name);
}

static void
take(struct query_entry *e, struct query_question const *q)
{
	e->is_pending = false;
	e->status = q->status;
	e->why = q->why;
	e->records = q->records;
	e->count = q->count;
	if (e->status == DNS_FOUND && e->count == 0)
		e->status = DNS_NODATA;
}

/* Gather pending entries from *at on, some at a time. */
static size_t
gather(struct query *query, size_t *at, struct query_question *batch,
	size_t *which)
{
	size_t n = 0;

	for (; *at < query->entry_count && n < DNS_QUESTIONS_MAX; ++*at) {
		struct query_entry *e = &query->entries[*at];
		if (!e->is_pending)
			continue;
		which[n] = *at;
		batch[n++] = (struct query_question){.name = e->name,
			.type = e->type,
			.status = DNS_TEMPORARY};
	}
	query->asked += (unsigned)n;
	return n;
}

/* Returns where it stopped. */
static size_t
ask_some(struct query *query, size_t at, int timeout_ms)
{
	struct query_question batch[DNS_QUESTIONS_MAX];
	size_t which[DNS_QUESTIONS_MAX];
	size_t n = gather(query, &at, batch, which);

	if (n > 0)
		query->way(query, batch, n, timeout_ms);
	for (size_t i = 0; i < n; i++)
		take(&query->entries[which[i]], &batch[i]);
	return at;
}

void
query_send(struct query *query, struct query_question const *questions,
	size_t count)
{
	struct query_question batch[DNS_QUESTIONS_MAX];
	size_t which[DNS_QUESTIONS_MAX], n, at = query->entry_count;

	if (query->way != query_dns)
		return;
	for (size_t i = 0; i < count; i++)
		note(query, &questions[i]);
	while ((n = gather(query, &at, batch, which)) > 0) {
		struct query_flight *f = query_dns_start(query, batch, n);

		for (size_t i = 0; i < n; i++)
			if (f != NULL)
				f->entries[i] = which[i];
			else
				query->entries[which[i]].is_pending = false;
		if (f == NULL)
			return;
		f->next = query->flights;
		query->flights = f;
	}
}

/* Whatever was sent ahead has come, or does not come any more. */
static void
land(struct query *query)
{
	while (query->flights != NULL) {
		struct query_flight *f = query->flights;
		int64_t left = query->deadline_ms - now_ms();

		query->flights = f->next;
		query_dns_land(query, f, left > 0 ? (int)left : 0);
		for (size_t i = 0; i < f->count; i++)
			take(&query->entries[f->entries[i]], &f->questions[i]);
		query_dns_end(f);
	}
}

void
query_ask(struct query *query, struct query_question *questions, size_t count)
{
	char name[DNS_NAME_SIZE];
	size_t at;

	land(query);
	at = query->entry_count;
	for (size_t i = 0; i < count; i++)
		note(query, &questions[i]);
	while (at < query->entry_count) {
		int64_t left = query->deadline_ms - now_ms();
		if (left <= 0)
			break;
		at = ask_some(query, at, (int)left);
	}
	for (; at < query->entry_count; at++)
		query->entries[at].is_pending = false;
	for (size_t i = 0; i < count; i++) {
		struct query_question *q = &questions[i];
		struct query_entry *e = NULL;
		bool is_name = normalize(q->name, name);
		if (is_name)
			e = find(query, name, q->type);
		q->status = e != NULL ? e->status
			    : is_name ? DNS_TEMPORARY
				      : DNS_NXDOMAIN;
		q->why = e != NULL ? e->why : "too many questions";
		q->records = e != NULL ? e->records : NULL;
		q->count = e != NULL ? e->count : 0;
	}
}
