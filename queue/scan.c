/* Finding queue files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include "common/log.h"
#include "queue/active.h"
#include "queue/folders.h"
#include "queue/idlist.h"
#include "queue/intake.h"
#include "queue/loop.h"
#include "queue/scan.h"

/* Files looked at in one go, between events. */
#define SLICE_NEW 32
#define SLICE_CUR 50

static struct idlist found; /* in cur at the start */
static size_t found_count;
static uint64_t started_ms;
static DIR *stream;	     /* of new, while it is read */
static bool is_stale = true; /* new may hold what the stream has passed */
static struct loop_source watch;

static DIR *
open_stream(int folder_fd)
{
	int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (d == NULL && fd >= 0)
		close(fd);
	return d;
}

static bool
list_cur(void)
{
	DIR *d = open_stream(folders.cur);
	struct dirent *e;
	bool ok = d != NULL;

	while (ok && (e = readdir(d)) != NULL)
		if (id_valid(e->d_name, strlen(e->d_name)))
			ok = idlist_add(&found, e->d_name);
	if (d != NULL)
		closedir(d);
	return ok;
}

/* The names that inotify tells; what finds no room is found by looking. */
static void
on_watch(void *data)
{
	static union {
		struct inotify_event event;
		char octets[65536];
	} buffer;
	ssize_t n = read(folders.watch, buffer.octets, sizeof buffer);

	(void)data;
	for (ssize_t at = 0; at < n;) {
		struct inotify_event event;
		memcpy(&event, buffer.octets + at, sizeof event);
		char const *name = buffer.octets + at + sizeof event;
		if (event.len > 0 && active_has_room() && !is_stale)
			intake_take(name);
		else
			is_stale = true;
		at += (ssize_t)(sizeof event + event.len);
	}
}

bool
scan_init(void)
{
	watch = (struct loop_source){.ready = on_watch, .fd = folders.watch};
	started_ms = loop_now_ms();
	if (!list_cur())
		return false;
	found_count = found.count;
	return loop_watch(&watch);
}

void
scan_again(void)
{
	is_stale = true;
}

size_t
scan_backlog(void)
{
	DIR *d = active_has_room() ? NULL : open_stream(folders.new_);
	size_t n = 0;

	while (d != NULL && n < SCAN_BACKLOG_MAX && readdir(d) != NULL)
		n++;
	if (d != NULL)
		closedir(d);
	return n;
}

/* True: the slice was full. */
static bool
scan_new(void)
{
	for (int n = 0; n < SLICE_NEW; n++) {
		struct dirent *e;
		if (!active_has_room())
			return false;
		if (stream == NULL) {
			if (!is_stale)
				return false;
			is_stale = false;
			stream = open_stream(folders.new_);
		}
		if (stream == NULL) {
			log_error("scan-failed", NULL, (char *)0);
			return false;
		}
		e = readdir(stream);
		if (e == NULL) {
			closedir(stream);
			stream = NULL;
		} else if (strcmp(e->d_name, ".") != 0 &&
			   strcmp(e->d_name, "..") != 0) {
			intake_take(e->d_name);
		}
	}
	return true;
}

/* What stood in cur at the start is known from now on. */
static void
tell_scanned(void)
{
	static bool is_told;
	struct log_line line;

	if (is_told)
		return;
	is_told = true;
	log_begin(&line, "scanned", NULL);
	log_number(&line, "messages", found_count);
	log_number(&line, "ms", loop_now_ms() - started_ms);
	log_end(&line);
}

static bool
scan_cur(void)
{
	char id[ID_LEN + 1];

	for (int n = 0; n < SLICE_CUR; n++) {
		if (!idlist_take(&found, id)) {
			tell_scanned();
			return false;
		}
		intake_found(id);
	}
	return true;
}

bool
scan_run(void)
{
	bool more_new = scan_new();
	bool more_cur = scan_cur();

	return more_new || more_cur;
}
