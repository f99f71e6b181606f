/* Counters that live in a file. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "common/admin/metrics.h"

#define HEAD "kereru-metrics 1\n"
#define OTHER "other"

static struct {
	uint64_t ms;
	char const *le;
} const buckets[] = {{100, "0.1"}, {500, "0.5"}, {1000, "1"}, {5000, "5"},
	{30000, "30"}, {60000, "60"}, {300000, "300"}, {3600000, "3600"},
	{14400000, "14400"}, {86400000, "86400"}};

static void
put_label(char out[METRICS_LABEL_SIZE], char const *s)
{
	size_t n = 0;

	for (; s != NULL && s[n] != '\0' && n + 1 < METRICS_LABEL_SIZE; n++)
		out[n] =
			s[n] >= ' ' && s[n] < 127 && s[n] != '"' && s[n] != '\\'
				? s[n]
				: '?';
	out[n] = '\0';
}

static size_t
hash(enum metric kind, char const *a, char const *b)
{
	uint32_t h = 2166136261u ^ (uint32_t)kind;

	for (; *a != '\0'; a++)
		h = (h ^ (unsigned char)*a) * 16777619u;
	h *= 31;
	for (; *b != '\0'; b++)
		h = (h ^ (unsigned char)*b) * 16777619u;
	return h % METRICS_SLOTS;
}

/* NULL: there is none, and no room. */
static struct metrics_counter *
find(struct metrics *m, enum metric kind, char const *a, char const *b)
{
	size_t i = hash(kind, a, b);

	for (;; i = (i + 1) % METRICS_SLOTS) {
		struct metrics_counter *c = &m->slots[i];

		if (!c->is_used) {
			if (m->used >= METRICS_MAX + METRICS)
				return NULL;
			m->used++;
			*c = (struct metrics_counter){
				.kind = kind, .is_used = true};
			memcpy(c->label[0], a, strlen(a) + 1);
			memcpy(c->label[1], b, strlen(b) + 1);
			return c;
		}
		if (c->kind == kind && strcmp(c->label[0], a) == 0 &&
			strcmp(c->label[1], b) == 0)
			return c;
	}
}

static bool
is_known(
	struct metrics const *m, enum metric kind, char const *a, char const *b)
{
	size_t i = hash(kind, a, b);

	for (; m->slots[i].is_used; i = (i + 1) % METRICS_SLOTS)
		if (m->slots[i].kind == kind &&
			strcmp(m->slots[i].label[0], a) == 0 &&
			strcmp(m->slots[i].label[1], b) == 0)
			return true;
	return false;
}

void
metrics_add(struct metrics *m, enum metric kind, char const *a, char const *b,
	uint64_t n)
{
	char label[2][METRICS_LABEL_SIZE];
	struct metrics_counter *c;

	put_label(label[0], a);
	put_label(label[1], b);
	if (m->used >= METRICS_MAX && !is_known(m, kind, label[0], label[1])) {
		if (a != NULL)
			memcpy(label[0], OTHER, sizeof OTHER);
		if (b != NULL)
			memcpy(label[1], OTHER, sizeof OTHER);
	}
	c = find(m, kind, label[0], label[1]);
	if (c != NULL)
		c->n += n;
}

void
metrics_delay(struct metrics *m, uint64_t ms)
{
	for (size_t i = 0; i < sizeof buckets / sizeof *buckets; i++)
		if (ms <= buckets[i].ms)
			metrics_add(m, METRIC_DELAY, buckets[i].le, NULL, 1);
	metrics_add(m, METRIC_DELAY, "+Inf", NULL, 1);
	metrics_add(m, METRIC_DELAY_MS, NULL, NULL, ms);
}

struct metrics_log *
metrics_log(struct metrics *m, char const *service)
{
	struct metrics_log *l;

	for (size_t i = 0; i < m->log_count; i++)
		if (strcmp(m->logs[i].service, service) == 0)
			return &m->logs[i];
	if (m->log_count == METRICS_LOGS_MAX ||
		strlen(service) >= sizeof m->logs->service)
		return NULL;
	l = &m->logs[m->log_count++];
	*l = (struct metrics_log){.inode = 0};
	memcpy(l->service, service, strlen(service) + 1);
	return l;
}

/* `at SERVICE INODE OFFSET`, `n KIND VALUE LABEL<TAB>LABEL`. */
void
metrics_save(struct metrics const *m, FILE *out)
{
	fputs(HEAD, out);
	for (size_t i = 0; i < m->log_count; i++)
		fprintf(out, "at %s %" PRIu64 " %" PRIu64 "\n",
			m->logs[i].service, (uint64_t)m->logs[i].inode,
			m->logs[i].offset);
	for (size_t i = 0; i < METRICS_SLOTS; i++)
		if (m->slots[i].is_used)
			fprintf(out, "n %d %" PRIu64 " %s\t%s\n",
				(int)m->slots[i].kind, m->slots[i].n,
				m->slots[i].label[0], m->slots[i].label[1]);
	fputs("end\n", out);
}

static bool
load_line(struct metrics *m, char *line)
{
	char service[32], *end, *tab, *blank;
	uint64_t inode, offset;
	unsigned long kind;
	struct metrics_log *l;
	struct metrics_counter *c;

	if (sscanf(line, "at %31s %" SCNu64 " %" SCNu64, service, &inode,
		    &offset) == 3) {
		l = metrics_log(m, service);
		if (l == NULL)
			return false;
		l->inode = (ino_t)inode;
		l->offset = offset;
		return true;
	}
	if (strncmp(line, "n ", 2) != 0)
		return false;
	kind = strtoul(line + 2, &end, 10);
	if (*end != ' ' || kind >= METRICS)
		return false;
	offset = strtoull(end + 1, &blank, 10);
	tab = *blank == ' ' ? strchr(blank, '\t') : NULL;
	if (tab == NULL || tab - blank > METRICS_LABEL_SIZE ||
		strlen(tab + 1) >= METRICS_LABEL_SIZE)
		return false;
	*tab = '\0';
	c = find(m, (enum metric)kind, blank + 1, tab + 1);
	if (c != NULL)
		c->n = offset;
	return c != NULL;
}

bool
metrics_load(struct metrics *m, char const *s, size_t len)
{
	char line[256];
	size_t const head = sizeof HEAD - 1;
	bool ok = len > head && memcmp(s, HEAD, head) == 0;

	memset(m, 0, sizeof *m);
	for (size_t at = head; ok && at < len;) {
		char const *newline = memchr(s + at, '\n', len - at);
		size_t const n =
			newline != NULL ? (size_t)(newline - s) - at : 0;

		ok = newline != NULL && n < sizeof line;
		if (!ok)
			break;
		memcpy(line, s + at, n);
		line[n] = '\0';
		at += n + 1;
		if (strcmp(line, "end") == 0) {
			if (at == len)
				return true;
			ok = false;
		} else {
			ok = load_line(m, line);
		}
	}
	memset(m, 0, sizeof *m);
	return false;
}
