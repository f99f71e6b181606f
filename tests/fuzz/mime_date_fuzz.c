/* Any date: what is accepted is of the years that can be written. */
#include <stdint.h>
#include <stdlib.h>
#include "mime/date.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct date date;
	int64_t day;

	if (!date_parse((char const *)data, size, &date))
		return 0;
	day = date_day(&date);
	if (day < date_day_of(0, 1, 1) || day > date_day_of(10000, 1, 1) ||
		date.zone_minutes < -6000 || date.zone_minutes > 6000)
		abort();
	return 0;
}
