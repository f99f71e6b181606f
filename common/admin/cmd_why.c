/* The story of a message, or of the last ones of an address. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "common/admin/command.h"
#include "common/admin/queue_file.h"
#include "common/admin/queue_print.h"
#include "common/admin/story.h"
#include "common/admin/values.h"

/* The last ones are kept. */
#define KEPT_MAX 100

static char const usage[] =
	"usage: kereru why [-n COUNT] ID | ADDRESS | MESSAGE-ID\n";

struct why_command {
	char what[1024];
	size_t what_len;
	unsigned count; /* messages at most, the last ones */
	/* A ring: messages and refusals, as they came. */
	struct found {
		char id[ID_LEN + 1]; /* empty: a refusal, in line */
		struct logs_line line;
	} found[KEPT_MAX];
	size_t found_count; /* in all */
	int queue_fd;
};

static bool
parse(struct why_command *c, int argc, char const *const *argv)
{
	bool brackets;
	size_t len;
	char end;
	int i = 1;

	c->count = 5;
	if (i + 1 < argc && strcmp(argv[i], "-n") == 0) {
		if (sscanf(argv[i + 1], "%u%c", &c->count, &end) != 1 ||
			c->count == 0 || c->count > KEPT_MAX)
			return false;
		i += 2;
	}
	if (i + 1 != argc || *argv[i] == '\0' || *argv[i] == '-')
		return false;
	len = strlen(argv[i]);
	/* Message-IDs stand without their brackets in the logs. */
	brackets = len > 2 && *argv[i] == '<' && argv[i][len - 1] == '>';
	c->what_len = len - 2 * brackets;
	if (c->what_len >= sizeof c->what)
		return false;
	memcpy(c->what, argv[i] + brackets, c->what_len);
	return true;
}

static bool
names(struct logline const *l, struct why_command const *c)
{
	static char const *const keys[] = {
		"from", "to", "mailbox", "message-id"};
	struct logline_pair p;
	size_t pos = 0;

	while (logline_next(l, &pos, &p))
		for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
			if (p.key_len == strlen(keys[i]) &&
				memcmp(p.key, keys[i], p.key_len) == 0 &&
				logline_has(&p, c->what, c->what_len))
				return true;
	return false;
}

static void
keep(struct why_command *c, char const *id, struct logs_line const *line)
{
	struct found *f = &c->found[c->found_count % KEPT_MAX];

	/* Lines of a message stand near each other. */
	for (size_t i = 0; i < KEPT_MAX && i < c->found_count && *id; i++)
		if (memcmp(c->found[i].id, id, ID_LEN) == 0)
			return;
	*f = (struct found){.line = *line};
	memcpy(f->id, id, strlen(id));
	c->found_count++;
}

static void
collect(struct why_command *c, struct logs *logs, char const *needle)
{
	char id[ID_LEN + 1];
	struct logline_pair p;
	struct logs_line l;

	logs_seek(logs, NULL, needle);
	while (logs_next(logs, &l)) {
		if (!names(&l.line, c))
			continue;
		*id = '\0';
		if (logline_find(&l.line, "id", &p) && p.value_len == ID_LEN)
			snprintf(id, sizeof id, "%.*s", ID_LEN, p.value);
		else if (!logline_event_is(&l.line, "refused"))
			continue;
		keep(c, id, &l);
	}
}

static void
on_waiting(void *data, int fd, struct queue_file const *file)
{
	uint64_t const now = (uint64_t)time(NULL);
	bool *found = data;

	(void)fd;
	*found = true;
	printf("It is in the queue");
	if (file->q.next > now) {
		printf("; the next try is in ");
		queue_print_span(stdout, file->q.next - now);
	}
	puts(". `kereru queue show` has all, `kereru queue retry` tries now.");
}

static void
tell_end(struct why_command *c, struct story const *s)
{
	char const *const ids[] = {s->id};
	struct queue_filter const filter = {
		.now = (uint64_t)time(NULL), .ids = ids, .id_count = 1};
	bool found = false;
	size_t unreadable;

	if (s->is_over)
		return;
	if (*s->deferred_why != '\0')
		printf("Last reason: %s\n", s->deferred_why);
	if (c->queue_fd < 0 || !queue_files(c->queue_fd, &filter, on_waiting,
				       &found, &unreadable))
		puts("The queue can't be read: whether it waits is not known.");
	else if (!found)
		puts("It is not in the queue, and the logs have no word of its "
		     "end.");
}

static bool
tell_message(struct why_command *c, struct logs *logs, char const *id)
{
	struct story s = {.lines = 0}, report = {.lines = 0};

	memcpy(s.id, id, ID_LEN + 1);
	story_tell(stdout, logs, &s);
	if (s.lines == 0)
		return false;
	tell_end(c, &s);
	if (*s.report != '\0') {
		fputs("The report to its sender: ", stdout);
		memcpy(report.id, s.report, sizeof report.id);
		story_tell(stdout, logs, &report);
		if (report.lines == 0)
			puts(s.report);
		else
			tell_end(c, &report);
	}
	return true;
}

static bool
tell_found(struct why_command *c, struct logs *logs)
{
	size_t first;

	/* In other letters than it was written with it takes a second more. */
	collect(c, logs, c->what);
	if (c->found_count == 0)
		collect(c, logs, NULL);
	if (c->found_count == 0)
		return false;
	first = c->found_count > c->count ? c->found_count - c->count : 0;
	if (first > 0)
		printf("The last %u of %zu:\n\n", c->count, c->found_count);
	for (size_t i = first; i < c->found_count; i++) {
		struct found const *f = &c->found[i % KEPT_MAX];
		if (*f->id == '\0')
			story_tell_refusal(stdout, &f->line);
		else
			(void)tell_message(c, logs, f->id);
		if (i + 1 < c->found_count)
			putchar('\n');
	}
	return true;
}

int
command_why(struct command_context const *x, int argc, char const *const *argv)
{
	static struct why_command c;
	static struct logs logs;
	bool found;
	int fd;

	if (!parse(&c, argc, argv)) {
		fputs(usage, stderr);
		return COMMAND_PERMANENT;
	}
	fd = values_open_folder(x->folder, "log");
	if (fd < 0)
		return COMMAND_TEMPORARY;
	if (!logs_open(&logs, fd, NULL, 0)) {
		fprintf(stderr, "kereru: read the logs: %s\n", strerror(errno));
		return COMMAND_TEMPORARY;
	}
	c.queue_fd = values_open_folder(x->folder, "queue");
	found = id_valid(c.what, c.what_len) ? tell_message(&c, &logs, c.what)
					     : tell_found(&c, &logs);
	if (!found)
		fprintf(stderr, "kereru: the logs do not know %s\n", c.what);
	logs_close(&logs);
	close(fd);
	if (fflush(stdout) == EOF)
		return COMMAND_TEMPORARY;
	return found ? COMMAND_OK : COMMAND_PERMANENT;
}
