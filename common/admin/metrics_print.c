/* Counters and what is in the queue, in the text format of Prometheus. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "common/admin/metrics.h"
#include "common/admin/queue_file.h"
#include "common/admin/queue_stats.h"
#include "common/id.h"

/* Files of the queue whose envelopes are read; of more than that the ages alone
 * are told, by their names. */
#define READ_MAX 1000
/* Destinations that are named, those with the most messages. */
#define DESTINATIONS_MAX 20

static struct {
	char const *name, *help, *label[2];
} const kinds[METRICS] = {
	[METRIC_CONNECTIONS] = {"connections",
		"Connections from clients by SMTP (others log logins).",
		{"service", NULL}},
	[METRIC_TURNED_AWAY] = {"connections_turned_away",
		"Connections that the monitor ended, and why.",
		{"service", "reason"}},
	[METRIC_ACCEPTED] = {"messages_accepted", "Messages taken by SMTP.",
		{"service", NULL}},
	[METRIC_REFUSED] = {"refused",
		"Senders, recipients and messages refused, by the reply.",
		{"service", "reply"}},
	[METRIC_LOGINS] = {"logins", "Logins.", {"service", NULL}},
	[METRIC_LOGIN_FAILURES] = {"login_failures", "Logins that were denied.",
		{"service", NULL}},
	[METRIC_SUSPICIOUS] = {"accounts_suspicious",
		"Times that the outbound guard told of an account.",
		{"reason", NULL}},
	[METRIC_QUEUED] = {"messages_queued", "Messages taken by the manager.",
		{NULL, NULL}},
	[METRIC_DELIVERIES] = {"deliveries",
		"Attempts for a recipient, by where it is and the result.",
		{"where", "result"}},
	[METRIC_DELAY] = {"delivery_seconds",
		"Seconds from a message's arrival to its delivery.",
		{"le", NULL}},
	[METRIC_SANDBOX] = {"sandbox_failures",
		"Sandboxes that failed or that the kernel lacks.",
		{"program", NULL}},
	[METRIC_DIED] = {"crashes", "Processes that died.", {"program", NULL}},
	[METRIC_ENDED] = {"services_ended", "Times that a service ended.",
		{"service", NULL}},
	[METRIC_LOG_LOST] = {"logs_lost",
		"Times that logs were rotated away before they were read.",
		{"service", NULL}},
};

static void
head(FILE *out, char const *name, char const *help, char const *type)
{
	fprintf(out, "# HELP kereru_%s %s\n# TYPE kereru_%s %s\n", name, help,
		name, type);
}

static int
compare(void const *a, void const *b)
{
	struct metrics_counter const *x = *(struct metrics_counter *const *)a,
				     *y = *(struct metrics_counter *const *)b;
	int r;

	if (x->kind != y->kind)
		return (int)x->kind - (int)y->kind;
	r = strcmp(x->label[0], y->label[0]);
	return r != 0 ? r : strcmp(x->label[1], y->label[1]);
}

static void
print_counter(FILE *out, struct metrics_counter const *c)
{
	char const *const *label = kinds[c->kind].label;

	fprintf(out, "kereru_%s_total", kinds[c->kind].name);
	for (size_t i = 0; i < 2 && label[i] != NULL; i++)
		fprintf(out, "%s%s=\"%s\"", i == 0 ? "{" : ",", label[i],
			c->label[i]);
	fprintf(out, "%s %" PRIu64 "\n", label[0] != NULL ? "}" : "", c->n);
}

static uint64_t
value(struct metrics_counter const **all, size_t n, enum metric kind,
	char const *label)
{
	for (size_t i = 0; i < n; i++)
		if (all[i]->kind == kind &&
			strcmp(all[i]->label[0], label) == 0)
			return all[i]->n;
	return 0;
}

static void
print_delays(FILE *out, struct metrics_counter const **all, size_t n)
{
	static char const *const les[] = {"0.1", "0.5", "1", "5", "30", "60",
		"300", "3600", "14400", "86400", "+Inf"};
	char const *name = kinds[METRIC_DELAY].name;
	uint64_t const ms = value(all, n, METRIC_DELAY_MS, "");

	head(out, name, kinds[METRIC_DELAY].help, "histogram");
	for (size_t i = 0; i < sizeof les / sizeof *les; i++)
		fprintf(out, "kereru_%s_bucket{le=\"%s\"} %" PRIu64 "\n", name,
			les[i], value(all, n, METRIC_DELAY, les[i]));
	fprintf(out,
		"kereru_%s_sum %" PRIu64 ".%03u\nkereru_%s_count %" PRIu64 "\n",
		name, ms / 1000, (unsigned)(ms % 1000), name,
		value(all, n, METRIC_DELAY, "+Inf"));
}

void
metrics_print(struct metrics const *m, FILE *out)
{
	struct metrics_counter const *all[METRICS_SLOTS];
	size_t n = 0, at = 0;

	for (size_t i = 0; i < METRICS_SLOTS; i++)
		if (m->slots[i].is_used)
			all[n++] = &m->slots[i];
	qsort(all, n, sizeof *all, compare);
	for (int k = 0; k < METRICS; k++) {
		char name[64];

		if (k == METRIC_DELAY)
			print_delays(out, all, n);
		else if (kinds[k].name != NULL) {
			snprintf(name, sizeof name, "%s_total", kinds[k].name);
			head(out, name, kinds[k].help, "counter");
			/* One without labels is there from the start. */
			if (kinds[k].label[0] == NULL &&
				(at == n || (int)all[at]->kind != k))
				fprintf(out, "kereru_%s 0\n", name);
		}
		for (; at < n && (int)all[at]->kind == k; at++)
			if (k != METRIC_DELAY && kinds[k].name != NULL)
				print_counter(out, all[at]);
	}
}

/* By the names of the files alone, which tell when a message came. */
struct ages {
	uint64_t counts[QUEUE_STATS_AGES];
	size_t files;
};

static bool
count_ages(int queue_fd, char const *folder, time_t now, struct ages *a)
{
	static int64_t const below[QUEUE_STATS_AGES - 1] = {
		300, 3600, 4 * 3600, 24 * 3600, 72 * 3600};
	int fd = openat(queue_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent const *e;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while ((e = readdir(dir)) != NULL) {
		size_t i = 0;
		int64_t age;

		if (strlen(e->d_name) < ID_LEN || !id_valid(e->d_name, ID_LEN))
			continue;
		age = (int64_t)now - (int64_t)id_time(e->d_name);
		while (i + 1 < QUEUE_STATS_AGES && age >= below[i])
			i++;
		a->counts[i]++;
		a->files++;
	}
	closedir(dir);
	return true;
}

static void
on_found(void *data, int fd, struct queue_file const *file)
{
	(void)fd;
	queue_stats_add(data, file);
}

static int
by_total(void const *a, void const *b)
{
	struct queue_stats_domain const *x = a, *y = b;

	if (x->total != y->total)
		return x->total > y->total ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool
print_destinations(int queue_fd, FILE *out)
{
	struct queue_filter const filter = {.now = (uint64_t)time(NULL)};
	struct queue_stats s = {.now = filter.now};
	size_t unreadable = 0;
	bool const ok =
		queue_files(queue_fd, &filter, on_found, &s, &unreadable);

	head(out, "queue_destination_messages",
		"Messages that wait for a domain: the most frequent ones, and "
		"none while there are very many messages.",
		"gauge");
	if (s.count > 0)
		qsort(s.domains, s.count, sizeof *s.domains, by_total);
	for (size_t i = 0; ok && i < s.count && i < DESTINATIONS_MAX; i++) {
		fputs("kereru_queue_destination_messages{domain=\"", out);
		for (char const *c = s.domains[i].name; *c != '\0'; c++)
			putc(*c > ' ' && *c < 127 && *c != '"' && *c != '\\'
					? *c
					: '?',
				out);
		fprintf(out, "\"} %" PRIu64 "\n", s.domains[i].total);
	}
	queue_stats_free(&s);
	return ok;
}

static void
print_load(int queue_fd, FILE *out)
{
	static struct {
		char const *key, *name, *help;
	} const gauges[] = {
		{"\nfree ", "queue_free_bytes", "Room on the queue's disk."},
		{"\nwaiting ", "queue_waiting",
			"Messages that wait for their next try."},
		{"\nbehind ", "queue_behind",
			"Messages that the manager has not taken."},
	};
	char text[256] = "";
	int fd = openat(queue_fd, "load",
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t const n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++) {
		char const *s = strstr(text, gauges[i].key);

		if (s == NULL)
			continue;
		head(out, gauges[i].name, gauges[i].help, "gauge");
		fprintf(out, "kereru_%s %" PRIu64 "\n", gauges[i].name,
			(uint64_t)strtoull(
				s + strlen(gauges[i].key), NULL, 10));
	}
}

bool
metrics_print_queue(int queue_fd, FILE *out)
{
	static char const *const names[QUEUE_STATS_AGES] = {
		"5m", "1h", "4h", "1d", "3d", "more"};
	time_t const now = time(NULL);
	struct ages a = {.files = 0};

	if (!count_ages(queue_fd, "cur", now, &a) ||
		!count_ages(queue_fd, "new", now, &a))
		return false;
	head(out, "queue_messages",
		"Messages in the queue, younger than so long and no younger "
		"than the one before.",
		"gauge");
	for (size_t i = 0; i < QUEUE_STATS_AGES; i++)
		fprintf(out, "kereru_queue_messages{age=\"%s\"} %" PRIu64 "\n",
			names[i], a.counts[i]);
	print_load(queue_fd, out);
	return a.files > READ_MAX || print_destinations(queue_fd, out);
}
