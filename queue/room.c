/* Telling those who accept mail how much room there is. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "common/log.h"
#include "queue/folders.h"
#include "queue/room.h"

#define SCARCE 10 /* parts of the whole */
#define NONE 50

static char const *const names[] = {[ROOM_PLENTY] = "plenty",
	[ROOM_SCARCE] = "scarce",
	[ROOM_NONE] = "none"};

enum room
room_judge(uint64_t free, uint64_t all)
{
	if (all == 0 || free >= all / SCARCE)
		return ROOM_PLENTY;
	return free >= all / NONE ? ROOM_SCARCE : ROOM_NONE;
}

/* Without an fsync: after a crash it is written anew. */
static bool
publish(enum room room, uint64_t free_octets, size_t messages)
{
	char text[128];
	int n = snprintf(text, sizeof text,
		"kereru-load 1\nroom %s\nfree %llu\nwaiting %zu\n", names[room],
		(unsigned long long)free_octets, messages);
	int fd = openat(folders.queue, "load.new",
		O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	bool ok;

	if (fd < 0)
		return false;
	ok = fchmod(fd, 0644) == 0 && write(fd, text, (size_t)n) == n;
	ok = close(fd) == 0 && ok;
	if (ok)
		ok = renameat(folders.queue, "load.new", folders.queue,
			     "load") == 0;
	if (!ok)
		(void)unlinkat(folders.queue, "load.new", 0);
	return ok;
}

void
room_tick(size_t messages)
{
	static enum room last;
	static size_t told;
	static bool is_told;
	struct statvfs v;
	enum room room, inodes;
	size_t change = messages > told ? messages - told : told - messages;

	if (fstatvfs(folders.queue, &v) < 0)
		return;
	room = room_judge(v.f_bavail, v.f_blocks);
	inodes = room_judge(v.f_favail, v.f_files);
	if (inodes > room)
		room = inodes;
	if (is_told && room == last && change <= told / 10 + 100)
		return;
	if (room != last)
		log_event("room", NULL, "is", names[room], (char *)0);
	/* On a disk that is full to the last block the old one stays. */
	if (publish(room, (uint64_t)v.f_bavail * v.f_frsize, messages)) {
		last = room;
		told = messages;
		is_told = true;
	}
}
