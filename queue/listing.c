/* A queue file, told to people. */
#include <errno.h>
#include <string.h>
#include "queue/listing.h"
#include "queue/queued.h"

/* Foreign text on a terminal: no control characters, no escapes. */
static void
print_clean(FILE *out, char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		putc(c >= ' ' && c < 127 ? c : '?', out);
	}
}

/* Seconds as people say them: 45s, 12m, 3h, 2d. */
static void
print_span(FILE *out, uint64_t seconds)
{
	static struct {
		uint64_t least, unit;
		char name;
	} const units[] = {
		{2 * 86400, 86400, 'd'}, {2 * 3600, 3600, 'h'}, {120, 60, 'm'}};

	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (seconds >= units[i].least) {
			fprintf(out, "%llu%c",
				(unsigned long long)(seconds / units[i].unit),
				units[i].name);
			return;
		}
	fprintf(out, "%llus", (unsigned long long)seconds);
}

static void
print_head(struct listing *l, struct queuefile const *q)
{
	uint64_t arrived = q->arrived / 1000000;

	fprintf(l->out, "%s %9llu ", q->id, (unsigned long long)q->message_len);
	print_span(l->out, arrived < l->now ? l->now - arrived : 0);
	fputs(" <", l->out);
	print_clean(l->out, q->sender, q->sender_len);
	fputs(">", l->out);
	if (q->attempts > 0)
		fprintf(l->out, " attempts %u", q->attempts);
	if (q->next > l->now) {
		fputs(" next in ", l->out);
		print_span(l->out, q->next - l->now);
	}
	putc('\n', l->out);
}

static void
print_recipient(FILE *out, struct queuefile_recipient const *r)
{
	fprintf(out, "    %c <", (char)r->state);
	print_clean(out, r->address, r->address_len);
	fputs(">\n", out);
	if (r->why_len == 0)
		return;
	fputs("        ", out);
	print_clean(out, r->why, r->why_len);
	putc('\n', out);
}

void
listing_print(struct listing *l, int folder_fd, char const *name)
{
	enum queued_error error;
	struct stat st;
	struct queued *m = queued_load(folder_fd, name, &st, &error);

	if (m == NULL && error == QUEUED_GONE)
		return;
	l->count++;
	if (m == NULL) {
		print_clean(l->out, name, strlen(name));
		fprintf(l->out, ": %s\n",
			error == QUEUED_TROUBLE ? strerror(errno)
						: queued_strerror(error));
		return;
	}
	l->octets += m->q.message_len;
	print_head(l, &m->q);
	for (size_t i = 0; i < m->q.recipient_count; i++)
		if (m->q.recipients[i].state != QUEUEFILE_DONE)
			print_recipient(l->out, &m->q.recipients[i]);
	queued_free(m);
}
