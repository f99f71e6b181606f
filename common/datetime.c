/* The date of a header line. */
#include <string.h>
#include "common/datetime.h"

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

size_t
datetime_format(char out[DATETIME_MAX], uint64_t seconds)
{
	static char const days[] = "ThuFriSatSunMonTueWed";
	static char const months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	uint64_t day, rest = seconds % 86400, era, of_era, year, of_year, month;
	size_t n = 0;

	/* The year 9999 is as far as four digits go. */
	if (seconds > 253402300799)
		seconds = 253402300799;
	day = seconds / 86400;
	n += put(out + n, days + 3 * (day % 7), 3);
	/* Days since 1 March of the year 0: then a leap day ends its year,
	 * and 400 years (an era) are always 146,097 days. */
	day += 719468;
	era = day / 146097;
	of_era = day % 146097;
	year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) /
	       365;
	of_year = of_era - (365 * year + year / 4 - year / 100);
	month = (5 * of_year + 2) / 153;
	day = of_year - (153 * month + 2) / 5 + 1;
	month = month < 10 ? month + 2 : month - 10;
	year += era * 400 + (month < 2);
	n += put(out + n, ", ", 2);
	n += digits(out + n, day, 2);
	n += put(out + n, " ", 1);
	n += put(out + n, months + 3 * month, 3);
	n += put(out + n, " ", 1);
	n += digits(out + n, year, 4);
	n += put(out + n, " ", 1);
	n += digits(out + n, rest / 3600, 2);
	n += put(out + n, ":", 1);
	n += digits(out + n, rest / 60 % 60, 2);
	n += put(out + n, ":", 1);
	n += digits(out + n, rest % 60, 2);
	n += put(out + n, " +0000", 7);
	return n - 1;
}
