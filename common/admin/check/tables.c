/* Whether what was changed in the text files is in effect. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "common/admin/defaults.h"
#include "common/admin/layout.h"
#include "common/admin/check/doctor.h"

static bool
is_newer(struct timespec const *a, struct timespec const *b)
{
	return a->tv_sec > b->tv_sec ||
	       (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

static void
hold(struct doctor *d, char const *path, struct timespec const *tables)
{
	struct stat st;

	if (stat(path, &st) == 0 && is_newer(&st.st_mtim, tables))
		doctor_find(d, FIND_TABLE_OLD, 0, path, NULL, NULL, NULL);
}

void
tables_examine(struct doctor *d)
{
	struct timespec oldest = {0};
	bool all = true, any = false;
	char path[512];

	for (size_t i = 0; i < layout_count; i++) {
		struct layout const *l = &layout_table[i];
		struct stat st;
		/* The one that is never made again. */
		if (l->kind != LAYOUT_TABLE ||
			strcmp(l->path, "tables/srs.key") == 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", d->state, l->path);
		if (stat(path, &st) < 0) {
			doctor_find(d, FIND_TABLE_MISSING, 0, path, NULL, NULL,
				NULL);
			all = false;
		} else if (!any || is_newer(&oldest, &st.st_mtim)) {
			oldest = st.st_mtim;
			any = true;
		}
	}
	if (!all)
		return;
	for (size_t i = 0; defaults_name(i) != NULL; i++) {
		snprintf(path, sizeof path, "%s/%s", d->folder,
			defaults_name(i));
		hold(d, path, &oldest);
	}
	hold(d, d->config.dkim_text.path, &oldest);
	for (size_t i = 0; i < d->config.dkim.count; i++)
		hold(d, d->config.dkim.list[i].file.path, &oldest);
}
