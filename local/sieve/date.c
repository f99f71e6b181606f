/* Tests of dates: date, currentdate (RFC 5260, 4 and 5). */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "local/sieve/state.h"
#include "mime/date.h"

#define DAY_SECONDS 86400
/* Days from 17 November 1858, day 0 of the modified Julian calendar, to 1970.
 */
#define JULIAN_EPOCH 40587
#define PART_MAX 64

/* A time as its zone writes it. */
struct moment {
	int64_t seconds; /* since 1970 */
	int zone;	 /* minutes ahead of UTC */
	int year, month, day, weekday, hour, minute, second;
	int64_t days;
};

/* The Gregorian calendar, from days since 1970: years of March to February, in
 * periods of 400 years. */
static void
split(struct moment *m)
{
	int64_t const local = m->seconds + m->zone * 60;
	int64_t days = local / DAY_SECONDS, rest = local % DAY_SECONDS;
	int64_t era, day_of_era, year, day_of_year, month;

	if (rest < 0) {
		rest += DAY_SECONDS;
		days--;
	}
	m->days = days;
	m->hour = (int)(rest / 3600);
	m->minute = (int)(rest / 60 % 60);
	m->second = (int)(rest % 60);
	m->weekday = (int)(((days + 4) % 7 + 7) % 7);
	days += 719468; /* from 1 March of the year 0 */
	era = (days >= 0 ? days : days - 146096) / 146097;
	day_of_era = days - era * 146097;
	year = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
		       day_of_era / 146096) /
	       365;
	day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
	month = (5 * day_of_year + 2) / 153;
	m->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
	m->month = (int)(month < 10 ? month + 3 : month - 9);
	m->year = (int)(year + era * 400 + (m->month <= 2));
}

static int
format_zone(char *out, size_t max, int zone, char const *colon)
{
	int const minutes = zone < 0 ? -zone : zone;

	return snprintf(out, max, "%c%02d%s%02d", zone < 0 ? '-' : '+',
		minutes / 60 % 100, colon, minutes % 60);
}

static int
format_date(char *out, size_t max, struct moment const *m)
{
	return snprintf(out, max, "%04d-%02d-%02d", m->year, m->month, m->day);
}

static int
format_time(char *out, size_t max, struct moment const *m)
{
	return snprintf(
		out, max, "%02d:%02d:%02d", m->hour, m->minute, m->second);
}

static int
format_iso8601(char *out, size_t max, struct moment const *m)
{
	int n = format_date(out, max, m);

	out[n++] = 'T';
	n += format_time(out + n, max - (size_t)n, m);
	return n + format_zone(out + n, max - (size_t)n, m->zone, ":");
}

static int
format_std11(char *out, size_t max, struct moment const *m)
{
	static char const days[] = "SunMonTueWedThuFriSat";
	static char const months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int n = snprintf(out, max, "%.3s, %02d %.3s %04d ",
		days + 3 * m->weekday, m->day, months + 3 * (m->month - 1),
		m->year);

	n += format_time(out + n, max - (size_t)n, m);
	out[n++] = ' ';
	return n + format_zone(out + n, max - (size_t)n, m->zone, "");
}

/* The part of a date as text; 0: there is no such part. */
static int
format_part(char out[PART_MAX], stralloc const *part, struct moment const *m)
{
	struct {
		char const *name;
		int value, width;
	} const numbers[] = {
		{"year", m->year, 4},
		{"month", m->month, 2},
		{"day", m->day, 2},
		{"hour", m->hour, 2},
		{"minute", m->minute, 2},
		{"second", m->second, 2},
		{"weekday", m->weekday, 1},
		{"julian", (int)(m->days + JULIAN_EPOCH), 1},
	};
	static struct {
		char const *name;
		int (*format)(char *out, size_t max, struct moment const *m);
	} const texts[] = {
		{"date", format_date},
		{"time", format_time},
		{"iso8601", format_iso8601},
		{"std11", format_std11},
	};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (strlen(numbers[i].name) == part->len &&
			strncasecmp(numbers[i].name, part->s, part->len) == 0)
			return snprintf(out, PART_MAX, "%0*d", numbers[i].width,
				numbers[i].value);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (strlen(texts[i].name) == part->len &&
			strncasecmp(texts[i].name, part->s, part->len) == 0)
			return texts[i].format(out, PART_MAX, m);
	if (part->len == 4 && strncasecmp(part->s, "zone", 4) == 0)
		return format_zone(out, PART_MAX, m->zone, "");
	return 0;
}

/* "+hhmm" to minutes. */
static bool
read_zone(stralloc const *s, int *zone_r)
{
	int digits[4];

	if (s->len != 5 || (s->s[0] != '+' && s->s[0] != '-'))
		return false;
	for (size_t i = 0; i < 4; i++) {
		digits[i] = s->s[i + 1] - '0';
		if (digits[i] < 0 || digits[i] > 9)
			return false;
	}
	*zone_r =
		(digits[0] * 10 + digits[1]) * 60 + digits[2] * 10 + digits[3];
	if (s->s[0] == '-')
		*zone_r = -*zone_r;
	return true;
}

/* The zone of a test: what it says, or UTC, which is this host's. */
static bool
get_zone(struct sieve_run *r, struct sieve_node const *n, int *zone_r)
{
	*zone_r = 0;
	if (!(n->flags & SIEVE_F_ZONE))
		return true;
	if (!sieve_get(r, n->args[3], 0, &r->key))
		return false;
	return read_zone(&r->key, zone_r) ||
	       sieve_fail(r, "a zone is a sign and four digits");
}

static bool
match_moment(struct sieve_matcher *m, struct moment *moment)
{
	struct sieve_run *const r = m->r;
	char text[PART_MAX];
	int len;

	split(moment);
	if (!sieve_get(r, m->n->args[2], 0, &r->value))
		return false;
	len = format_part(text, &r->value, moment);
	return len == 0 || sieve_match_value(m, text, (size_t)len);
}

struct dating {
	struct sieve_matcher m;
	int zone;
	bool found;
};

/* The date of a field: all of its value, or what is behind its last semicolon
 * (Received). */
static int
match_date(void *data, char const *value, size_t len)
{
	struct dating *const d = data;
	char const *const semicolon = len > 0 ? memrchr(value, ';', len) : NULL;
	struct moment moment = {.zone = d->zone};
	struct date date;

	if (semicolon != NULL) {
		len -= (size_t)(semicolon + 1 - value);
		value = semicolon + 1;
	}
	if (!sieve_spend(d->m.r, len))
		return -1;
	if (!date_parse(value, len, &date))
		return 1;
	moment.seconds = date.seconds;
	if (d->m.n->flags & SIEVE_F_ORIGINALZONE)
		moment.zone = date.zone_minutes;
	/* The first that has a date is it, unless :index says which. */
	d->found = true;
	return match_moment(&d->m, &moment) ? 0 : -1;
}

int
sieve_test_date(struct sieve_run *r, struct sieve_node const *n)
{
	struct dating d = {.m = {.r = r, .n = n}};
	stralloc name = STRALLOC_ZERO;
	int go = -1;

	if (get_zone(r, n, &d.zone) && sieve_get(r, n->args[0], 0, &name))
		go = sieve_each_field(r, n, name.s, name.len, match_date, &d);
	stralloc_free(&name);
	return go < 0 ? -1 : sieve_match_end(&d.m);
}

int
sieve_test_currentdate(struct sieve_run *r, struct sieve_node const *n)
{
	struct sieve_matcher m = {.r = r, .n = n};
	struct moment moment = {.seconds = r->mail->now};

	if (!get_zone(r, n, &moment.zone) || !match_moment(&m, &moment))
		return -1;
	return sieve_match_end(&m);
}
