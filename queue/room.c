/* Telling those who accept mail how much room there is. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "common/fullbox.h"
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

static int load_fd = -1;

static int
open_load(void)
{
	struct stat st;
	int fd = openat(folders.queue, "load",
		O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		fchmod(fd, 0644) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* What a manager before this one said of mailboxes is forgotten. */
static bool
use_load(void)
{
	if (load_fd >= 0)
		return true;
	load_fd = open_load();
	if (load_fd >= 0 && ftruncate(load_fd, FULLBOX_OFFSET) < 0)
		log_error("load-failed", NULL, (char *)0);
	return load_fd >= 0;
}

/* In its place, which a full disk has room for and who has it open sees.
 * Without an fsync: after a crash it is written anew. */
static bool
publish(enum room room, uint64_t free_octets, size_t waiting, size_t behind)
{
	char text[128];
	int n = snprintf(text, sizeof text,
		"kereru-load 1\nroom %-6s\nfree %020llu\nwaiting %010zu\n"
		"behind %010zu\n",
		names[room], (unsigned long long)free_octets, waiting, behind);

	return use_load() && pwrite(load_fd, text, (size_t)n, 0) == n;
}

static bool
is_much(size_t now, size_t told)
{
	return (now > told ? now - told : told - now) > told / 10 + 100;
}

void
room_tick(size_t waiting, size_t behind)
{
	static enum room last;
	static size_t told_waiting, told_behind;
	static bool is_told;
	struct statvfs v;
	enum room room, inodes;

	if (fstatvfs(folders.queue, &v) < 0)
		return;
	room = room_judge(v.f_bavail, v.f_blocks);
	inodes = room_judge(v.f_favail, v.f_files);
	if (inodes > room)
		room = inodes;
	if (is_told && room == last && !is_much(waiting, told_waiting) &&
		!is_much(behind, told_behind))
		return;
	if (room != last)
		log_event("room", NULL, "is", names[room], (char *)0);
	if (publish(room, (uint64_t)v.f_bavail * v.f_frsize, waiting, behind)) {
		last = room;
		told_waiting = waiting;
		told_behind = behind;
		is_told = true;
	}
}

void
room_mailbox(char const *name, size_t len, bool is_full, uint64_t now)
{
	if (use_load() && !fullbox_set(load_fd, name, len,
				  is_full ? now + FULLBOX_SECONDS : 0))
		log_error("load-failed", NULL, (char *)0);
}
