/* The logs of a host, readable. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/admin/command.h"
#include "common/admin/log_print.h"
#include "common/admin/logs.h"
#include "common/admin/values.h"

#define FILTERS_MAX 16
#define FOLLOW_MS 300

static char const usage[] =
	"usage: kereru log [-fj] [-s SINCE] [-u UNTIL] [-n LINES] [SERVICE...] "
	"[KEY=VALUE...] [/TEXT]\n"
	"SINCE, UNTIL: the beginning of a time, as 2026-11-24 or "
	"'2026-11-24 15:08'\n";

struct log_command {
	bool follows, json;
	char const *since, *until;
	size_t last; /* lines at most; 0: all */
	char const *services[LOGS_SERVICES_MAX];
	size_t service_count;
	char const *filters[FILTERS_MAX];
	size_t filter_count;
	char const *needle;
};

static bool
parse_words(struct log_command *c, int argc, char const *const *argv)
{
	for (int i = 0; i < argc; i++) {
		if (*argv[i] == '/' && argv[i][1] != '\0')
			c->needle = argv[i] + 1;
		else if (strchr(argv[i], '=') != NULL &&
			 c->filter_count < FILTERS_MAX)
			c->filters[c->filter_count++] = argv[i];
		else if (strchr(argv[i], '=') == NULL &&
			 c->service_count < LOGS_SERVICES_MAX)
			c->services[c->service_count++] = argv[i];
		else
			return false;
	}
	return true;
}

static bool
parse(struct log_command *c, int argc, char const *const *argv)
{
	int i = 1;
	unsigned n;
	char end;

	for (; i < argc && *argv[i] == '-'; i++) {
		char const *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(argv[i], "-f") == 0) {
			c->follows = true;
		} else if (strcmp(argv[i], "-j") == 0) {
			c->json = true;
		} else if (strcmp(argv[i], "-fj") == 0) {
			c->follows = c->json = true;
		} else if (value == NULL) {
			return false;
		} else if (strcmp(argv[i], "-s") == 0) {
			c->since = value, i++;
		} else if (strcmp(argv[i], "-u") == 0) {
			c->until = value, i++;
		} else if (strcmp(argv[i], "-n") == 0 &&
			   sscanf(value, "%u%c", &n, &end) == 1 && n > 0) {
			c->last = n, i++;
		} else {
			return false;
		}
	}
	return parse_words(c, argc - i, argv + i);
}

/* Times are compared as far as they are given. */
static int
compare_time(char const *line, char const *given)
{
	size_t len = strlen(given);

	return memcmp(
		line, given, len < LOGLINE_TIME_LEN ? len : LOGLINE_TIME_LEN);
}

static bool
has(struct logline const *l, char const *filter)
{
	size_t const key_len = (size_t)(strchr(filter, '=') - filter);
	char const *const value = filter + key_len + 1;
	struct logline_pair p;
	size_t pos = 0;

	if (key_len == 5 && memcmp(filter, "event", 5) == 0)
		return logline_event_is(l, value);
	while (logline_next(l, &pos, &p))
		if (p.key_len == key_len &&
			memcmp(p.key, filter, key_len) == 0 &&
			logline_has(&p, value, strlen(value)))
			return true;
	return false;
}

static bool
is_wanted(struct log_command const *c, struct logline const *l)
{
	if ((c->since != NULL && compare_time(l->time, c->since) < 0) ||
		(c->until != NULL && compare_time(l->time, c->until) > 0))
		return false;
	for (size_t i = 0; i < c->filter_count; i++)
		if (!has(l, c->filters[i]))
			return false;
	return true;
}

/* The values of filters stand in their lines: to look for one is quicker than
 * to read every line. Those with quotes or escapes need not stand so. */
static char const *
best_needle(struct log_command const *c)
{
	if (c->needle != NULL)
		return c->needle;
	for (size_t i = 0; i < c->filter_count; i++) {
		char const *value = strchr(c->filters[i], '=') + 1;
		/* Case may differ in all but names of events and ids. */
		if (strncmp(c->filters[i], "event=", 6) == 0)
			return c->filters[i];
		if (strncmp(c->filters[i], "id=", 3) == 0 && *value != '\0')
			return c->filters[i];
	}
	return NULL;
}

/* The time of the last line that was seen; empty: none. */
struct seen {
	char time[LOGLINE_TIME_LEN + 1];
};

static void
print(struct log_command const *c, struct logs_line const *l)
{
	if (c->json)
		log_print_json(stdout, l);
	else
		log_print(stdout, l);
}

static size_t
pass(struct log_command const *c, struct logs *logs, struct seen *seen,
	size_t skip, bool is_dry)
{
	char const *needle = best_needle(c);
	struct logs_line l;
	size_t count = 0;

	logs_seek(logs, *seen->time != '\0' ? seen->time : c->since, needle);
	while (logs_next(logs, &l)) {
		if ((*seen->time != '\0' && strncmp(l.line.time, seen->time,
						    LOGLINE_TIME_LEN) <= 0) ||
			!is_wanted(c, &l.line))
			continue;
		if (!is_dry && count >= skip)
			print(c, &l);
		count++;
		if (!is_dry)
			memcpy(seen->time, l.line.time, LOGLINE_TIME_LEN);
	}
	return count;
}

/* False: errno. */
static bool
show(struct log_command const *c, int folder_fd, struct seen *seen)
{
	struct logs logs;
	size_t skip = 0;

	if (!logs_open(&logs, folder_fd, c->services, c->service_count)) {
		int const error = errno;
		logs_close(&logs);
		errno = error;
		return false;
	}
	if (c->last > 0 && *seen->time == '\0') {
		skip = pass(c, &logs, seen, 0, true);
		skip = skip > c->last ? skip - c->last : 0;
	}
	(void)pass(c, &logs, seen, skip, false);
	logs_close(&logs);
	return fflush(stdout) == 0;
}

int
command_log(struct command_context const *x, int argc, char const *const *argv)
{
	struct log_command c = {0};
	struct seen seen = {{0}};
	int fd;
	bool ok;

	if (!parse(&c, argc, argv)) {
		fputs(usage, stderr);
		return COMMAND_PERMANENT;
	}
	fd = values_open_folder(x->folder, "log");
	if (fd < 0)
		return COMMAND_TEMPORARY;
	ok = show(&c, fd, &seen);
	while (ok && c.follows) {
		(void)poll(NULL, 0, FOLLOW_MS);
		ok = show(&c, fd, &seen);
	}
	if (!ok)
		fprintf(stderr, "kereru: read the logs: %s\n", strerror(errno));
	close(fd);
	return ok ? COMMAND_OK : COMMAND_TEMPORARY;
}
