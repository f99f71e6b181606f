/* The files of the queue. What droppers wrote into them is foreign: the
 * manager's account looks, which can read them and not much else. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "common/id.h"
#include "common/admin/queue_file.h"
#include "common/admin/check/apart.h"

/* The manager looks by itself every 30 seconds. */
#define UNTAKEN 300
/* Of one folder; a person looks at the folder then. */
#define TOLD_MAX 20

struct look {
	struct doctor *d;
	char *envelope;
	char const *queue, *folder;
	int fd;
	unsigned told;
};

static void
tell(struct look *l, enum finding_kind kind, char const *name, char const *word)
{
	char path[FINDING_SUBJECT];

	if (l->told++ >= TOLD_MAX)
		return;
	snprintf(path, sizeof path, "%s/%s/%s", l->queue, l->folder, name);
	doctor_find(l->d, kind, 0, path, word, NULL, NULL);
}

/* 1 whole, 0 torn, -1 it is gone by now. */
static int
is_whole(struct look *l, char const *name)
{
	struct queuefile q;
	struct stat st;
	int fd = openat(
		l->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int whole;

	if (fd < 0)
		return fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -1
									  : 0;
	whole = fstat(fd, &st) == 0 &&
		queue_file_read(fd, l->envelope, &q) > 0 &&
		(uint64_t)st.st_size == q.file_size;
	close(fd);
	if (!whole && fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	return whole;
}

static void
one_file(struct look *l, char const *name, bool is_new)
{
	char minutes[24];
	struct stat st;
	size_t len = strlen(name);
	int64_t age;

	if (fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || len < ID_LEN ||
		!id_valid(name, ID_LEN) || (!is_new && len != ID_LEN)) {
		tell(l, FIND_QUEUE_FOREIGN, name, NULL);
		return;
	}
	if (is_whole(l, name) == 0) {
		/* One that changes hands just now is whole a moment later. */
		usleep(50000);
		if (is_whole(l, name) != 0)
			return;
		tell(l, FIND_QUEUE_TORN, name, NULL);
		return;
	}
	age = (int64_t)time(NULL) - st.st_ctime;
	if (is_new && age > UNTAKEN) {
		snprintf(
			minutes, sizeof minutes, "%lld", (long long)(age / 60));
		tell(l, FIND_QUEUE_UNTAKEN, name, minutes);
	}
}

static DIR *
open_folder(struct look *l, int queue_fd, char const *name)
{
	DIR *dir;

	l->folder = name;
	l->told = 0;
	l->fd = openat(queue_fd, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = l->fd >= 0 ? fdopendir(l->fd) : NULL;
	if (dir == NULL)
		doctor_find(l->d, FIND_UNEXAMINED, 0, l->d->section,
			"a folder of it can't be read", NULL, NULL);
	return dir;
}

static void
files(struct look *l, int queue_fd, char const *name, bool is_new)
{
	DIR *dir = open_folder(l, queue_fd, name);
	struct dirent const *e;

	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			one_file(l, e->d_name, is_new);
	if (dir != NULL)
		closedir(dir);
}

static void
refused(struct look *l, int queue_fd)
{
	DIR *dir = open_folder(l, queue_fd, "bad");
	struct dirent const *e;
	unsigned long count = 0;
	char path[512], text[24];

	while (dir != NULL && (e = readdir(dir)) != NULL)
		count += strcmp(e->d_name, ".") != 0 &&
			 strcmp(e->d_name, "..") != 0;
	if (dir != NULL)
		closedir(dir);
	snprintf(path, sizeof path, "%s/bad", l->queue);
	snprintf(text, sizeof text, "%lu", count);
	if (count > 0)
		doctor_find(l->d, FIND_QUEUE_BAD, 0, path, text, NULL, NULL);
}

static void
examine(struct doctor *d, void *data)
{
	char *queue = data;
	struct look l = {.d = d,
		.queue = queue,
		.envelope = malloc(QUEUEFILE_ENVELOPE_MAX)};
	int fd = open(queue, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct sandbox const sandbox = {.filter = SANDBOX_MIME_FILES,
		.may_write = true,
		.read_only = {fd},
		.read_only_count = 1};
	char const *missing;

	if (fd < 0 || l.envelope == NULL ||
		sandbox_enter(&sandbox, &missing) != NULL)
		_exit(111);
	files(&l, fd, "cur", false);
	files(&l, fd, "new", true);
	refused(&l, fd);
}

void
queuefiles_examine(struct doctor *d)
{
	char queue[512];

	snprintf(queue, sizeof queue, "%s/queue", d->state);
	apart_run_as(d, "queue", examine, queue, 120);
}
