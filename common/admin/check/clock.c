/* The clock: whether it was put back, and whether somebody keeps it right. */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>
#include "common/admin/layout.h"
#include "common/admin/check/doctor.h"

/* A host that shares the file system may be this much before us. */
#define TOLERANCE 60

static bool
is_from_tomorrow(struct doctor *d, char const *path)
{
	struct stat st;
	time_t now = time(NULL);
	char seconds[24];

	if (lstat(path, &st) < 0 || st.st_mtime <= now + TOLERANCE)
		return false;
	snprintf(seconds, sizeof seconds, "%lld",
		(long long)(st.st_mtime - now));
	doctor_find(d, FIND_CLOCK_BEHIND, 0, path, seconds, NULL, NULL);
	return true;
}

/* One is enough: what was written before the step was all written then. */
void
clock_examine(struct doctor *d)
{
	char path[600];

	for (size_t i = 0; i < layout_count; i++) {
		snprintf(path, sizeof path, "%s/%s", d->state,
			layout_table[i].path);
		if (is_from_tomorrow(d, path))
			return;
	}
}

void
ntp_examine(struct doctor *d)
{
	struct timex t = {.modes = 0};

	if (adjtimex(&t) == TIME_ERROR || (t.status & STA_UNSYNC) != 0)
		doctor_find(
			d, FIND_CLOCK_ALONE, 0, "the clock", NULL, NULL, NULL);
}
