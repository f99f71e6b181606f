/* Room and inodes, against what makes the manager slow intake down. */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include "common/admin/check/doctor.h"
#include "queue/room.h"

static void
judge(struct doctor *d, char const *path, uint64_t free, uint64_t all,
	enum finding_kind low, enum finding_kind full)
{
	enum room room = room_judge(free, all);
	char percent[24];

	if (room == ROOM_PLENTY)
		return;
	snprintf(percent, sizeof percent, "%.1f",
		100 * (double)free / (double)all);
	doctor_find(d, room == ROOM_SCARCE ? low : full, 0, path, percent, NULL,
		NULL);
}

void
disk_examine(struct doctor *d)
{
	static char const *const folders[] = {
		"queue", "queue/cur", "mail", "log", "tables"};
	dev_t seen[sizeof folders / sizeof *folders];
	size_t count = 0;

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		char path[512];
		struct stat st;
		struct statvfs v;
		size_t j = 0;
		snprintf(path, sizeof path, "%s/%s", d->state, folders[i]);
		if (stat(path, &st) < 0 || statvfs(path, &v) < 0)
			continue;
		while (j < count && seen[j] != st.st_dev)
			j++;
		if (j < count)
			continue;
		seen[count++] = st.st_dev;
		judge(d, path, v.f_bavail, v.f_blocks, FIND_DISK_LOW,
			FIND_DISK_FULL);
		judge(d, path, v.f_favail, v.f_files, FIND_INODES_LOW,
			FIND_INODES_FULL);
	}
}
