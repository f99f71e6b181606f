/*
 * stscounts.h - counting how sessions went, for reports (RFC 8460)
 *
 * Counts are kept in memory for a while and then appended to a file a day, of
 * bounded size; old files are removed. tlsrpt-data(5) has its form.
 */
#ifndef STSCOUNTS_H
#define STSCOUNTS_H

#include <stdbool.h>
#include <time.h>
#include "remote/stswire.h"

/* Different lines in memory; octets of one, and of a file. */
#define STSCOUNTS_MAX 1024
#define STSCOUNTS_LINE 1024
#define STSCOUNTS_FILE_MAX (64 << 20)
/* Days that files are kept. */
#define STSCOUNTS_DAYS 35

struct stscounts {
	int folder_fd;
	size_t count;
	struct {
		uint64_t n;
		char line[STSCOUNTS_LINE];
	} list[STSCOUNTS_MAX];
	char day[11]; /* of them: 2026-11-24; "" before the first */
	bool has_failed;
};

/* Count one; what is in memory is written first where there is no room, or
 * where another day has begun. */
void stscounts_add(
	struct stscounts *c, struct stswire_report const *r, time_t now);

/* Append what is in memory to the file. What can't be written is logged once
 * and forgotten: mail does not wait for it. */
void stscounts_save(struct stscounts *c);

#endif
