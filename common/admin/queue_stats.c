/* What waits in the queue, by destination and age. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/admin/queue_print.h"
#include "common/admin/queue_stats.h"

static struct {
	uint64_t below;
	char const *name;
} const ages[QUEUE_STATS_AGES] = {{300, "5m"}, {3600, "1h"}, {4 * 3600, "4h"},
	{24 * 3600, "1d"}, {72 * 3600, "3d"}, {UINT64_MAX, "more"}};

static void
count(struct queue_stats_domain *d, uint64_t age)
{
	size_t i = 0;

	while (age >= ages[i].below && i + 1 < QUEUE_STATS_AGES)
		i++;
	d->counts[i]++;
	d->total++;
}

/* Sorted by name; a new one finds its place. */
static struct queue_stats_domain *
find(struct queue_stats *s, char const *name)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(name, s->domains[middle].name);
		if (order == 0)
			return &s->domains[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	if (s->count == s->room) {
		size_t room = s->room > 0 ? 2 * s->room : 64;
		void *p = reallocarray(s->domains, room, sizeof *s->domains);
		if (p == NULL) {
			s->failed = true;
			return NULL;
		}
		s->domains = p;
		s->room = room;
	}
	memmove(&s->domains[low + 1], &s->domains[low],
		(s->count - low) * sizeof *s->domains);
	s->count++;
	s->domains[low] = (struct queue_stats_domain){.total = 0};
	strcpy(s->domains[low].name, name); /* UNSAFE: of the same size */
	return &s->domains[low];
}

static void
domain_of(struct queuefile_recipient const *r, char name[256])
{
	char const *at = memrchr(r->address, '@', r->address_len);
	size_t len = 0;

	if (at != NULL)
		len = (size_t)(r->address + r->address_len - at - 1);
	if (len > 255)
		len = 255;
	for (size_t i = 0; i < len; i++) {
		char c = at[1 + i];
		name[i] = c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
	}
	name[len] = '\0';
}

/* Whether an earlier recipient has the domain. */
static bool
is_counted(struct queuefile const *q, size_t recipient, char const *name)
{
	for (size_t i = 0; i < recipient; i++)
		if (q->recipients[i].state == QUEUEFILE_TODO &&
			queue_file_in_domain(&q->recipients[i], name))
			return true;
	return false;
}

void
queue_stats_add(struct queue_stats *s, struct queue_file const *file)
{
	struct queuefile const *q = &file->q;
	uint64_t arrived = q->arrived / 1000000;
	uint64_t age = arrived < s->now ? s->now - arrived : 0;

	count(&s->all, age);
	for (size_t i = 0; i < q->recipient_count; i++) {
		struct queue_stats_domain *d;
		char name[256];
		if (q->recipients[i].state != QUEUEFILE_TODO)
			continue;
		domain_of(&q->recipients[i], name);
		if (!is_counted(q, i, name) && (d = find(s, name)) != NULL)
			count(d, age);
	}
}

static int
by_total(void const *a, void const *b)
{
	struct queue_stats_domain const *x = a, *y = b;

	if (x->total != y->total)
		return x->total > y->total ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void
print_row(FILE *out, struct queue_stats_domain const *d, bool json)
{
	if (json) {
		fputs("{\"domain\":", out);
		queue_print_string(out, d->name, strlen(d->name));
		fprintf(out, ",\"messages\":%llu",
			(unsigned long long)d->total);
		for (size_t i = 0; i < QUEUE_STATS_AGES; i++)
			fprintf(out, ",\"%s\":%llu", ages[i].name,
				(unsigned long long)d->counts[i]);
		fputs("}\n", out);
		return;
	}
	fprintf(out, "%8llu", (unsigned long long)d->total);
	for (size_t i = 0; i < QUEUE_STATS_AGES; i++)
		fprintf(out, "%7llu", (unsigned long long)d->counts[i]);
	fputs("  ", out);
	for (char const *c = d->name; *c != '\0'; c++)
		putc(*c > ' ' && *c < 127 ? *c : '?', out);
	putc('\n', out);
}

void
queue_stats_print(FILE *out, struct queue_stats *s, bool json)
{
	if (s->count > 0)
		qsort(s->domains, s->count, sizeof *s->domains, by_total);
	if (!json) {
		fprintf(out, "%8s", "messages");
		for (size_t i = 0; i < QUEUE_STATS_AGES; i++)
			fprintf(out, "%s%5s",
				i + 1 < QUEUE_STATS_AGES ? " <" : "  ",
				ages[i].name);
		fputs("  domain\n", out);
	}
	for (size_t i = 0; i < s->count; i++)
		print_row(out, &s->domains[i], json);
	strcpy(s->all.name, "*");
	print_row(out, &s->all, json);
}

void
queue_stats_free(struct queue_stats *s)
{
	free(s->domains);
	*s = (struct queue_stats){0};
}
