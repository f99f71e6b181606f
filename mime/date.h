/*
 * date.h - the date of a message (RFC 5322, 3.3 and 4.3)
 *
 * Reads the value of a Date field: comments and folds, two-digit years,
 * obsolete zone names, a missing day name, comma, seconds or zone; and the
 * order of asctime ("Wed Nov  6 08:49:37 1994"). Pure, linear, no allocation.
 */
#ifndef MIME_DATE_H
#define MIME_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct date {
	int64_t seconds;  /* since 1970-01-01 00:00 UTC */
	int zone_minutes; /* what the writer's clock was ahead of UTC */
	bool zone_known;  /* false: none given, or "-0000" */
};

/* Returns false, *date_r untouched, if s[0..len) holds no date. */
bool date_parse(char const *s, size_t len, struct date *date_r)
	__attribute__((warn_unused_result));

/*
 * Days since 1970-01-01 on the writer's calendar: what IMAP's SENTBEFORE,
 * SENTON and SENTSINCE compare (RFC 3501, 6.4.4: time and zone disregarded).
 */
int64_t date_day(struct date const *date);

/* Days since 1970-01-01 of a date in the Gregorian calendar; month from 1. */
int64_t date_day_of(int year, int month, int day);

#endif
