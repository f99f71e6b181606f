/* Messages of the queue, for people and as JSON. */
#include <skalibs/stralloc.h>
#include "common/datetime.h"
#include "common/queuebody.h"
#include "common/admin/queue_print.h"

#define HEADER_OCTETS 65536

static char const *
state_name(enum queuefile_state state)
{
	switch (state) {
	case QUEUEFILE_TODO:
		return "waiting";
	case QUEUEFILE_DONE:
		return "done";
	case QUEUEFILE_DELIVERED:
		return "delivered";
	case QUEUEFILE_RELAYED:
		return "relayed";
	case QUEUEFILE_EXPANDED_TO:
		return "expanded";
	case QUEUEFILE_FAILED:
		return "failed";
	case QUEUEFILE_TOLD:
		return "told";
	}
	return "unknown";
}

static void
print_clean(FILE *out, char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		putc(c >= ' ' && c < 127 ? c : '?', out);
	}
}

void
queue_print_string(FILE *out, char const *s, size_t len)
{
	putc('"', out);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < ' ' || c >= 127)
			fprintf(out, "\\u%04x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

void
queue_print_span(FILE *out, uint64_t seconds)
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
print_head(FILE *out, struct queue_file const *file, uint64_t now)
{
	struct queuefile const *q = &file->q;
	uint64_t arrived = q->arrived / 1000000;

	fprintf(out, "%s %9llu ", q->id, (unsigned long long)q->message_len);
	queue_print_span(out, arrived < now ? now - arrived : 0);
	fputs(" <", out);
	print_clean(out, q->sender, q->sender_len);
	fputs(">", out);
	if (q->attempts > 0)
		fprintf(out, " attempts %u", q->attempts);
	if (q->held) {
		fputs(" held", out);
	} else if (q->next > now) {
		fputs(" next in ", out);
		queue_print_span(out, q->next - now);
	}
	if (file->is_new)
		fputs(" new", out);
	putc('\n', out);
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
queue_print(FILE *out, struct queue_file const *file, uint64_t now)
{
	print_head(out, file, now);
	for (size_t i = 0; i < file->q.recipient_count; i++)
		if (file->q.recipients[i].state != QUEUEFILE_DONE)
			print_recipient(out, &file->q.recipients[i]);
}

static void
json_text(FILE *out, char const *key, char const *s, size_t len)
{
	fprintf(out, ",\"%s\":", key);
	queue_print_string(out, s, len);
}

static void
json_number(FILE *out, char const *key, uint64_t n)
{
	fprintf(out, ",\"%s\":%llu", key, (unsigned long long)n);
}

void
queue_print_json(FILE *out, struct queue_file const *file)
{
	struct queuefile const *q = &file->q;

	fprintf(out, "{\"id\":\"%s\"", q->id);
	json_number(out, "size", q->message_len);
	json_number(out, "arrived", q->arrived / 1000000);
	json_number(out, "next", q->next);
	json_number(out, "expires", q->expires);
	json_number(out, "attempts", q->attempts);
	fprintf(out, ",\"priority\":%d,\"held\":%s,\"new\":%s", q->priority,
		q->held ? "true" : "false", file->is_new ? "true" : "false");
	json_text(out, "origin", q->origin, q->origin_len);
	json_text(out, "sender", q->sender, q->sender_len);
	fputs(",\"recipients\":[", out);
	for (size_t i = 0; i < q->recipient_count; i++) {
		struct queuefile_recipient const *r = &q->recipients[i];
		fprintf(out, "%s{\"state\":\"%s\"", i > 0 ? "," : "",
			state_name(r->state));
		json_text(out, "address", r->address, r->address_len);
		json_text(out, "why", r->why, r->why_len);
		putc('}', out);
	}
	fputs("]}\n", out);
}

static void
print_time(FILE *out, char const *name, uint64_t seconds)
{
	char text[DATETIME_MAX];

	if (seconds == 0)
		return;
	fprintf(out, "    %s ", name);
	fwrite(text, 1, datetime_format(text, seconds), out);
	putc('\n', out);
}

static void
print_header(FILE *out, int fd, struct queuefile const *q)
{
	stralloc sa = STRALLOC_ZERO;

	if (queuebody_header(fd, q->added_offset, q->added_len, HEADER_OCTETS,
		    &sa) != QUEUEBODY_OK ||
		queuebody_header(fd, q->message_offset, q->message_len,
			HEADER_OCTETS, &sa) != QUEUEBODY_OK)
		sa.len = 0;
	for (size_t i = 0; i < sa.len; i++) {
		if (sa.s[i] == '\n' || sa.s[i] == '\t')
			putc(sa.s[i], out);
		else if (sa.s[i] != '\r')
			print_clean(out, sa.s + i, 1);
	}
	stralloc_free(&sa);
}

void
queue_print_whole(
	FILE *out, int fd, struct queue_file const *file, uint64_t now)
{
	struct queuefile const *q = &file->q;

	print_head(out, file, now);
	for (size_t i = 0; i < q->recipient_count; i++)
		print_recipient(out, &q->recipients[i]);
	fputs("    origin ", out);
	print_clean(out, q->origin, q->origin_len);
	putc('\n', out);
	print_time(out, "arrived", q->arrived / 1000000);
	print_time(out, "next", q->next);
	print_time(out, "expires", q->expires);
	print_time(out, "deliver by", q->deliver_by);
	if (q->priority != 0)
		fprintf(out, "    priority %d\n", q->priority);
	putc('\n', out);
	print_header(out, fd, q);
}
