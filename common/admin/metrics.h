/*
 * metrics.h - what has been counted: counters that live in a file
 *
 * A counter is a kind and up to two values of labels. All of them, and how far
 * the logs were read, are kept in a text file, so that each look at the logs
 * reads what is new alone. What is malformed there is forgotten: counters begin
 * at 0 again, as after a restart.
 */
#ifndef METRICS_H
#define METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum metric {
	METRIC_CONNECTIONS,    /* service */
	METRIC_TURNED_AWAY,    /* service, reason */
	METRIC_ACCEPTED,       /* service */
	METRIC_REFUSED,	       /* service, reply */
	METRIC_LOGINS,	       /* service */
	METRIC_LOGIN_FAILURES, /* service */
	METRIC_SUSPICIOUS,     /* why */
	METRIC_QUEUED,
	METRIC_DELIVERIES, /* where, result */
	METRIC_DELAY,	   /* le; see metrics_delay */
	METRIC_DELAY_MS,
	METRIC_SANDBOX,	 /* program */
	METRIC_DIED,	 /* program */
	METRIC_ENDED,	 /* service */
	METRIC_LOG_LOST, /* service */
	METRICS
};

#define METRICS_LABEL_SIZE 40
#define METRICS_SLOTS 1024u
/* Counters; those beyond are counted under the label "other". */
#define METRICS_MAX 512u
#define METRICS_LOGS_MAX 32

struct metrics_counter {
	enum metric kind;
	char label[2][METRICS_LABEL_SIZE]; /* empty: it has not so many */
	uint64_t n;
	bool is_used;
};

struct metrics_log {
	char service[32];
	ino_t inode;
	uint64_t offset;
};

struct metrics {
	struct metrics_counter slots[METRICS_SLOTS];
	size_t used;
	struct metrics_log logs[METRICS_LOGS_MAX];
	size_t log_count;
};

/* Add n. What is no plain label (printable, without quotes and backslashes) is
 * made one; b may be NULL. */
void metrics_add(struct metrics *m, enum metric kind, char const *a,
	char const *b, uint64_t n);

/* A delivery took that long: counted into each bucket that it is not above. */
void metrics_delay(struct metrics *m, uint64_t ms);

/* Where the logs of a service were left; NULL: too many. A new one has inode 0.
 */
struct metrics_log *metrics_log(struct metrics *m, char const *service);

/* One line of a service's log. Pure. */
void metrics_line(
	struct metrics *m, char const *service, char const *s, size_t len);

/* What is new below folder_fd (STATE/log). False: errno. */
bool metrics_read_logs(struct metrics *m, int folder_fd)
	__attribute__((warn_unused_result));

/* From and to the file's text. load is pure; false: malformed, and m is empty.
 */
bool metrics_load(struct metrics *m, char const *s, size_t len)
	__attribute__((warn_unused_result));
void metrics_save(struct metrics const *m, FILE *out);

/* In the text format of Prometheus. */
void metrics_print(struct metrics const *m, FILE *out);

/* What is in the queue now: by age, by destination, and what queue/load says.
 * False: errno. */
bool metrics_print_queue(int queue_fd, FILE *out)
	__attribute__((warn_unused_result));

#endif
