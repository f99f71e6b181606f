/* Dates as text. */
#include <string.h>
#include "common/datetime.h"

struct calendar {
	uint64_t year, month, day; /* month 0 to 11, day 1 to 31 */
	uint64_t weekday;	   /* 0: Thursday */
	uint64_t rest;		   /* seconds of the day */
};

static size_t
put(char *out, char const *s, size_t len)
{
	memcpy(out, s, len);
	return len;
}

static size_t
digits(char *out, uint64_t n, size_t width)
{
	for (size_t i = width; i-- > 0; n /= 10)
		out[i] = (char)('0' + n % 10);
	return width;
}

static size_t
clock_time(char *out, uint64_t rest)
{
	size_t n = digits(out, rest / 3600, 2);

	n += put(out + n, ":", 1);
	n += digits(out + n, rest / 60 % 60, 2);
	n += put(out + n, ":", 1);
	return n + digits(out + n, rest % 60, 2);
}

static struct calendar
calendar(uint64_t seconds)
{
	struct calendar c;
	uint64_t day, era, of_era, of_year;

	/* The year 9999 is as far as four digits go. */
	if (seconds > 253402300799)
		seconds = 253402300799;
	c.rest = seconds % 86400;
	day = seconds / 86400;
	c.weekday = day % 7;
	/* Days since 1 March of the year 0: then a leap day ends its year,
	 * and 400 years (an era) are always 146,097 days. */
	day += 719468;
	era = day / 146097;
	of_era = day % 146097;
	c.year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) /
		 365;
	of_year = of_era - (365 * c.year + c.year / 4 - c.year / 100);
	c.month = (5 * of_year + 2) / 153;
	c.day = of_year - (153 * c.month + 2) / 5 + 1;
	c.month = c.month < 10 ? c.month + 2 : c.month - 10;
	c.year += era * 400 + (c.month < 2);
	return c;
}

size_t
datetime_format(char out[DATETIME_MAX], uint64_t seconds)
{
	static char const days[] = "ThuFriSatSunMonTueWed";
	static char const months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct calendar c = calendar(seconds);
	size_t n = put(out, days + 3 * c.weekday, 3);

	n += put(out + n, ", ", 2);
	n += digits(out + n, c.day, 2);
	n += put(out + n, " ", 1);
	n += put(out + n, months + 3 * c.month, 3);
	n += put(out + n, " ", 1);
	n += digits(out + n, c.year, 4);
	n += put(out + n, " ", 1);
	n += clock_time(out + n, c.rest);
	n += put(out + n, " +0000", 7);
	return n - 1;
}

size_t
datetime_format_utc(char out[DATETIME_MAX], uint64_t seconds)
{
	struct calendar c = calendar(seconds);
	size_t n = digits(out, c.year, 4);

	n += put(out + n, "-", 1);
	n += digits(out + n, c.month + 1, 2);
	n += put(out + n, "-", 1);
	n += digits(out + n, c.day, 2);
	n += put(out + n, "T", 1);
	n += clock_time(out + n, c.rest);
	n += put(out + n, "Z", 2);
	return n - 1;
}
