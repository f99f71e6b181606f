/* Reads dates of header fields; see date.h. */
#include <string.h>
#include <strings.h>

#include "mime/date.h"
#include "mime/rfc2045.h"

/* A word or number of the date, or a sign or colon. */
struct lexer {
	char const *s;
	size_t len;
	size_t pos;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alpha(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static char
peek(struct lexer *l)
{
	l->pos = rfc2045_skip(l->s, l->len, l->pos);
	return l->pos < l->len ? l->s[l->pos] : '\0';
}

static bool
eat(struct lexer *l, char c)
{
	if (peek(l) != c || l->pos >= l->len)
		return false;
	l->pos++;
	return true;
}

static bool
number(struct lexer *l, unsigned int digits_max, int *n_r, unsigned int *digits)
{
	int n = 0;
	unsigned int i = 0;

	if (!is_digit(peek(l)))
		return false;
	for (; l->pos < l->len && is_digit(l->s[l->pos]); l->pos++) {
		if (++i > digits_max)
			return false;
		n = n * 10 + (l->s[l->pos] - '0');
	}
	*n_r = n;
	*digits = i;
	return true;
}

static size_t
word(struct lexer *l, char const **s_r)
{
	size_t n = 0;

	peek(l);
	*s_r = l->s + l->pos;
	while (l->pos + n < l->len && is_alpha(l->s[l->pos + n]))
		n++;
	l->pos += n;
	return n;
}

/* Month 1 to 12 by its first three letters. */
static bool
month(struct lexer *l, int *month_r)
{
	static char const names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	char const *s;

	if (word(l, &s) < 3)
		return false;
	for (int i = 0; i < 12; i++)
		if (strncasecmp(s, names + 3 * i, 3) == 0) {
			*month_r = i + 1;
			return true;
		}
	return false;
}

static bool
time_of_day(struct lexer *l, int *seconds_r)
{
	int h, m, s = 0;
	unsigned int digits;

	if (!number(l, 2, &h, &digits) || !(eat(l, ':') || eat(l, '.')) ||
		!number(l, 2, &m, &digits))
		return false;
	if ((eat(l, ':') || eat(l, '.')) && !number(l, 2, &s, &digits))
		return false;
	if (h > 23 || m > 59 || s > 60)
		return false;
	*seconds_r = h * 3600 + m * 60 + s;
	return true;
}

/* RFC 5322, 4.3: two digits are 1950 to 2049, three count from 1900. */
static bool
year(struct lexer *l, int *year_r)
{
	unsigned int digits;

	if (!number(l, 4, year_r, &digits))
		return false;
	if (digits <= 2)
		*year_r += *year_r < 50 ? 2000 : 1900;
	else if (digits == 3)
		*year_r += 1900;
	return true;
}

/* RFC 5322, 4.3: names that are not in the table mean "-0000". */
static void
zone(struct lexer *l, struct date *date)
{
	static struct {
		char name[4];
		int hours;
	} const names[] = {{"UT", 0}, {"GMT", 0}, {"Z", 0}, {"UTC", 0},
		{"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5}, {"MST", -7},
		{"MDT", -6}, {"PST", -8}, {"PDT", -7}, {"CET", 1}, {"MET", 1},
		{"BST", 1}, {"JST", 9}};
	char const c = peek(l);
	int n;
	unsigned int digits;

	if (c == '+' || c == '-') {
		l->pos++;
		if (!number(l, 4, &n, &digits) || digits < 3 || n % 100 > 59)
			return;
		n = n / 100 * 60 + n % 100;
		date->zone_minutes = c == '-' ? -n : n;
		date->zone_known = c == '+' || n != 0;
		return;
	}

	char const *s;
	size_t const len = word(l, &s);

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strlen(names[i].name) == len &&
			strncasecmp(names[i].name, s, len) == 0) {
			date->zone_minutes = names[i].hours * 60;
			date->zone_known = true;
		}
}

int64_t
date_day_of(int year_, int month_, int day)
{
	/* Years from March on: the leap day is the last of its year. */
	int64_t const y = (int64_t)year_ - (month_ <= 2 ? 1 : 0);
	int64_t const era = (y >= 0 ? y : y - 399) / 400;
	int64_t const year_of_era = y - era * 400;
	int64_t const day_of_year =
		(153 * (month_ + (month_ > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 -
	       year_of_era / 100 + day_of_year - 719468;
}

static bool
is_date(int year_, int month_, int day)
{
	static int const days[] = {
		31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool const leap =
		year_ % 4 == 0 && (year_ % 100 != 0 || year_ % 400 == 0);

	return day >= 1 && day <= days[month_ - 1] &&
	       (day < 29 || month_ != 2 || leap);
}

bool
date_parse(char const *s, size_t len, struct date *date_r)
{
	struct lexer l = {s, len, 0};
	struct date date = {0};
	int y, m, d, seconds;
	unsigned int digits;
	char const *name;

	if (is_alpha(peek(&l))) {
		word(&l, &name);
		eat(&l, '.');
		eat(&l, ',');
	}
	if (is_alpha(peek(&l))) {
		if (!month(&l, &m) || !number(&l, 2, &d, &digits) ||
			!time_of_day(&l, &seconds))
			return false;
		if (is_alpha(peek(&l)))
			zone(&l, &date);
		if (!year(&l, &y))
			return false;
		zone(&l, &date);
	} else {
		if (!number(&l, 2, &d, &digits))
			return false;
		eat(&l, '-');
		if (!month(&l, &m))
			return false;
		eat(&l, '.');
		eat(&l, '-');
		if (!year(&l, &y) || !time_of_day(&l, &seconds))
			return false;
		zone(&l, &date);
	}
	if (!is_date(y, m, d))
		return false;
	date.seconds = date_day_of(y, m, d) * 86400 + seconds -
		       (int64_t)date.zone_minutes * 60;
	*date_r = date;
	return true;
}

int64_t
date_day(struct date const *date)
{
	int64_t const local = date->seconds + (int64_t)date->zone_minutes * 60;

	return (local >= 0 ? local : local - 86399) / 86400;
}
