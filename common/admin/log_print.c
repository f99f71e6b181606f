/* A line of the logs, for people and as JSON; see log_print.h. */
#include <string.h>
#include "common/admin/log_print.h"
#include "common/admin/queue_print.h"

/* To the second. */
#define TIME_SHOWN 19
#define VALUE_MAX 1024

static bool
is_key(struct logline_pair const *p, char const *key, size_t len)
{
	return p->key_len == len && memcmp(p->key, key, len) == 0;
}

void
log_print(FILE *out, struct logs_line const *l)
{
	struct logline_pair p;
	size_t pos = 0;

	fwrite(l->line.time, 1, TIME_SHOWN, out);
	putc(' ', out);
	fwrite(l->line.program, 1, l->line.program_len, out);
	putc(' ', out);
	fwrite(l->line.event, 1, l->line.event_len, out);
	while (logline_next(&l->line, &pos, &p)) {
		char const *const quote = p.is_quoted ? "\"" : "";
		if (is_key(&p, "pid", 3))
			continue;
		putc(' ', out);
		fwrite(p.key, 1, p.key_len, out);
		fprintf(out, "=%s", quote);
		fwrite(p.value, 1, p.value_len, out);
		fputs(quote, out);
	}
	putc('\n', out);
}

static void
print_value(FILE *out, struct logline_pair const *p)
{
	char value[VALUE_MAX];

	queue_print_string(out, value, logline_value(p, value, sizeof value));
}

/* Whether the key came before pos. */
static bool
came_before(struct logline const *l, struct logline_pair const *p)
{
	struct logline_pair q;
	size_t pos = 0;

	while (logline_next(l, &pos, &q) && q.key < p->key)
		if (is_key(&q, p->key, p->key_len))
			return true;
	return false;
}

/* All values of a key, from its first on. */
static void
print_values(FILE *out, struct logline const *l, struct logline_pair const *p,
	size_t pos)
{
	struct logline_pair q;
	size_t count = 0;

	while (logline_next(l, &pos, &q))
		count += is_key(&q, p->key, p->key_len);
	if (count > 0)
		putc('[', out);
	print_value(out, p);
	if (count == 0)
		return;
	pos = (size_t)(p->value + p->value_len - l->pairs) + p->is_quoted;
	while (logline_next(l, &pos, &q))
		if (is_key(&q, p->key, p->key_len)) {
			putc(',', out);
			print_value(out, &q);
		}
	putc(']', out);
}

static void
print_text(FILE *out, char const *key, char const *s, size_t len)
{
	fprintf(out, "\"%s\":", key);
	queue_print_string(out, s, len);
}

void
log_print_json(FILE *out, struct logs_line const *l)
{
	struct logline_pair p;
	size_t pos = 0;

	putc('{', out);
	print_text(out, "time", l->line.time, LOGLINE_TIME_LEN);
	putc(',', out);
	print_text(out, "service", l->service, strlen(l->service));
	putc(',', out);
	print_text(out, "program", l->line.program, l->line.program_len);
	putc(',', out);
	print_text(out, "event", l->line.event, l->line.event_len);
	while (logline_next(&l->line, &pos, &p)) {
		if (came_before(&l->line, &p))
			continue;
		putc(',', out);
		queue_print_string(out, p.key, p.key_len);
		putc(':', out);
		print_values(out, &l->line, &p, pos);
	}
	fputs("}\n", out);
}
