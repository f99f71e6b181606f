/* The queue looked at, and told what to do. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <skalibs/types.h>
#include "common/drop.h"
#include "common/admin/command.h"
#include "common/admin/queue_print.h"
#include "common/admin/queue_stats.h"
#include "common/admin/values.h"

/* Ids of one command to the manager. */
#define IDS_MAX 1000

static char const usage[] =
	"usage: kereru queue [list] [-j] [-a AGE] [-d DOMAIN] [-s SENDER] "
	"[ID...]\n"
	"       kereru queue show [-j] ID...\n"
	"       kereru queue stats [-j]\n"
	"       kereru queue retry all | DOMAIN | ID... | -a, -d, -s as above\n"
	"       kereru queue hold | release | delete | bounce ID... | -a -d "
	"-s\n"
	"AGE: older than a number with s, m, h or d behind it\n";

enum verb { VERB_LIST, VERB_SHOW, VERB_STATS, VERB_TELL };

static struct {
	char const *name;
	enum verb verb;
	char const *order; /* what the manager calls it */
} const verbs[] = {
	{"list", VERB_LIST, NULL},
	{"show", VERB_SHOW, NULL},
	{"stats", VERB_STATS, NULL},
	{"retry", VERB_TELL, "wake"},
	{"hold", VERB_TELL, "hold"},
	{"release", VERB_TELL, "release"},
	{"delete", VERB_TELL, "drop"},
	{"bounce", VERB_TELL, "bounce"},
};

struct queue_command {
	enum verb verb;
	char const *order;
	bool json, has_filter;
	struct queue_filter filter;
	int queue_fd;
	size_t count;
	uint64_t octets;
	struct queue_stats stats;
	stralloc ids; /* ` ID ID`, for one command */
	size_t id_count;
	bool failed;
};

static bool
read_age(char const *s, uint64_t *seconds_r)
{
	static char const units[] = "smhd";
	static uint64_t const seconds[] = {1, 60, 3600, 86400};
	uint32_t n;
	size_t len = uint32_scan(s, &n);
	char const *unit = strchr(units, s[len]);

	if (len == 0 || s[len] == '\0' || unit == NULL || s[len + 1] != '\0')
		return false;
	*seconds_r = n * seconds[unit - units];
	return true;
}

static bool
parse(struct queue_command *c, int argc, char const *const *argv)
{
	int i = 1;

	c->verb = VERB_LIST;
	for (size_t k = 0; k < sizeof verbs / sizeof *verbs && i < argc; k++)
		if (strcmp(argv[i], verbs[k].name) == 0) {
			c->verb = verbs[k].verb;
			c->order = verbs[k].order;
			i++;
			break;
		}
	for (; i < argc && argv[i][0] == '-'; i++) {
		char const *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(argv[i], "-j") == 0) {
			c->json = true;
			continue;
		}
		if (value == NULL || argv[i][1] == '\0' || argv[i][2] != '\0')
			return false;
		c->has_filter = true;
		i++;
		if (argv[i - 1][1] == 'd')
			c->filter.domain = value;
		else if (argv[i - 1][1] == 's')
			c->filter.sender = value;
		else if (argv[i - 1][1] != 'a' ||
			 !read_age(value, &c->filter.older_than))
			return false;
	}
	c->filter.ids = argv + i;
	c->filter.id_count = (size_t)(argc - i);
	if (c->verb == VERB_STATS)
		return c->filter.id_count == 0;
	return c->verb == VERB_LIST || c->has_filter || c->filter.id_count > 0;
}

/* A command to the manager is a queue file without a message. */
static bool
tell(struct queue_command *c, char const *words, size_t len)
{
	static struct drop d;
	stralloc text = STRALLOC_ZERO;
	struct drop_envelope e = {.origin = "kereru queue",
		.origin_len = 12,
		.sender = "",
		.flags = QUEUEFILE_COMMAND};
	int tmp_fd = openat(c->queue_fd, "tmp", O_RDONLY | O_DIRECTORY);
	int new_fd = openat(c->queue_fd, "new", O_RDONLY | O_DIRECTORY);
	bool ok = tmp_fd >= 0 && new_fd >= 0 &&
		  stralloc_cats(&text, c->order) &&
		  stralloc_catb(&text, words, len);

	e.command = text.s;
	e.command_len = text.len;
	ok = ok && drop_begin(&d, tmp_fd, new_fd, DROP_SYNC_FOLDER, &e) &&
	     drop_commit(&d);
	if (!ok)
		fprintf(stderr, "kereru: tell the manager: %s\n",
			strerror(errno));
	if (tmp_fd >= 0)
		close(tmp_fd);
	if (new_fd >= 0)
		close(new_fd);
	stralloc_free(&text);
	return ok;
}

static void
tell_ids(struct queue_command *c)
{
	if (c->id_count > 0 && !tell(c, c->ids.s, c->ids.len))
		c->failed = true;
	c->ids.len = 0;
	c->id_count = 0;
}

static void
on_found(void *data, int fd, struct queue_file const *file)
{
	struct queue_command *c = data;

	c->count++;
	c->octets += file->q.message_len;
	switch (c->verb) {
	case VERB_LIST:
	case VERB_SHOW:
		if (c->json)
			queue_print_json(stdout, file);
		else if (c->verb == VERB_LIST)
			queue_print(stdout, file, c->filter.now);
		else
			queue_print_whole(stdout, fd, file, c->filter.now);
		break;
	case VERB_STATS:
		queue_stats_add(&c->stats, file);
		break;
	case VERB_TELL:
		if (!stralloc_append(&c->ids, ' ') ||
			!stralloc_catb(&c->ids, file->q.id, ID_LEN)) {
			c->failed = true;
			break;
		}
		if (++c->id_count == IDS_MAX)
			tell_ids(c);
		break;
	}
}

/* `retry all` and `retry DOMAIN` need no look at the messages. */
static bool
is_general(struct queue_command const *c)
{
	char const *word = c->filter.id_count == 1 ? c->filter.ids[0] : "";

	return c->verb == VERB_TELL && !c->has_filter && *word != '\0' &&
	       strcmp(c->order, "wake") == 0 && !id_valid(word, strlen(word));
}

static void
finish(struct queue_command *c, size_t unreadable)
{
	tell_ids(c);
	if (c->verb == VERB_STATS) {
		queue_stats_print(stdout, &c->stats, c->json);
	} else if (c->verb == VERB_LIST && !c->json) {
		if (c->count == 0)
			puts("nothing is there");
		else
			printf("%zu message%s, %llu octets\n", c->count,
				c->count == 1 ? "" : "s",
				(unsigned long long)c->octets);
	} else if (c->count == 0) {
		fprintf(stderr, "kereru: there is no such message\n");
		c->failed = true;
	} else if (c->verb == VERB_TELL) {
		printf("%zu message%s\n", c->count, c->count == 1 ? "" : "s");
	}
	if (unreadable > 0)
		fprintf(stderr, "kereru: %zu files can't be read\n",
			unreadable);
}

static int
work(struct queue_command *c)
{
	size_t unreadable = 0;

	if (is_general(c)) {
		stralloc words = STRALLOC_ZERO;
		bool ok = stralloc_append(&words, ' ') &&
			  stralloc_cats(&words, c->filter.ids[0]) &&
			  tell(c, words.s, words.len);
		stralloc_free(&words);
		return ok ? COMMAND_OK : COMMAND_TEMPORARY;
	}
	if (!queue_files(c->queue_fd, &c->filter, on_found, c, &unreadable)) {
		fprintf(stderr, "kereru: read the queue: %s\n",
			strerror(errno));
		return COMMAND_TEMPORARY;
	}
	finish(c, unreadable);
	if (c->stats.failed || fflush(stdout) == EOF)
		return COMMAND_TEMPORARY;
	return c->failed ? COMMAND_PERMANENT : COMMAND_OK;
}

int
command_queue(
	struct command_context const *x, int argc, char const *const *argv)
{
	struct queue_command c = {.ids = STRALLOC_ZERO};
	int code;

	c.filter.now = c.stats.now = (uint64_t)time(NULL);
	if (!parse(&c, argc, argv)) {
		fputs(usage, stderr);
		return COMMAND_PERMANENT;
	}
	c.queue_fd = values_open_folder(x->folder, "queue");
	if (c.queue_fd < 0)
		return COMMAND_TEMPORARY;
	code = work(&c);
	close(c.queue_fd);
	stralloc_free(&c.ids);
	queue_stats_free(&c.stats);
	return code;
}
