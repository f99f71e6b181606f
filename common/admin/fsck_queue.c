/* The queue's files, as kr-queue; see fsck.h and doc/QUEUE.md. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/drop.h"
#include "common/id.h"
#include "common/admin/fsck.h"
#include "common/admin/queue_file.h"

/* Seconds after which a file in new that is too short is nobody's. */
#define SHORT_AGE 3600

struct queue {
	struct fsck *f;
	int bad_fd, fd;
	bool is_cur;
	char *envelope; /* QUEUEFILE_VERP_ENVELOPE_MAX */
};

static bool
failed(char const *what)
{
	fprintf(stderr, "kereru: fsck: queue: %s: %s\n", what, strerror(errno));
	return false;
}

/* As the manager does. */
static char const *
put_away(struct queue *q, char const *name)
{
	char fresh[ID_LEN + 1];
	struct stat st;

	if (!q->f->repairs ||
		fstatat(q->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return NULL;
	if (!S_ISREG(st.st_mode))
		return unlinkat(q->fd, name, 0) == 0 ||
				       unlinkat(q->fd, name, AT_REMOVEDIR) == 0
			       ? "removed"
			       : NULL;
	id_make(fresh);
	if (renameat2(q->fd, name, q->bad_fd, name, RENAME_NOREPLACE) < 0 &&
		(errno != EEXIST || renameat2(q->fd, name, q->bad_fd, fresh,
					    RENAME_NOREPLACE) < 0))
		return NULL;
	(void)fsync(q->bad_fd);
	return "moved to bad";
}

/* States that are not the manager's own are its alone to write. */
static bool
has_foreign_state(
	struct queuefile const *file, struct stat const *st, uid_t manager)
{
	if (st->st_uid == manager)
		return false;
	for (size_t i = 0; i < file->recipient_count; i++)
		if (file->recipients[i].state != QUEUEFILE_TODO)
			return true;
	return (file->flags & QUEUEFILE_OWN) != 0;
}

static char const *
judge_file(struct queue *q, char const *name, int fd, struct stat const *st)
{
	struct queuefile file;
	int const got = queue_file_read(fd, q->envelope, &file);
	bool const is_young = (uint64_t)st->st_mtime + SHORT_AGE > q->f->now_s;

	if (got < 0)
		return "cannot be read";
	if (got == 0)
		return is_young && !q->is_cur ? NULL : "malformed";
	if ((uint64_t)st->st_size < file.file_size)
		return is_young && !q->is_cur ? NULL
					      : "torn: shorter than it says";
	if ((uint64_t)st->st_size > file.file_size)
		return "longer than it says";
	if (!q->is_cur && memcmp(file.id, name, ID_LEN) != 0)
		return "its envelope has another id";
	if ((file.flags & QUEUEFILE_COMMAND) == 0 && file.recipient_count == 0)
		return "has no recipients";
	if (has_foreign_state(&file, st, q->f->uid))
		return "has states that only the manager may write";
	return NULL;
}

/* NULL: it is well, or gone. */
static char const *
judge(struct queue *q, char const *name, struct stat *st)
{
	bool const is_named =
		q->is_cur
			? strlen(name) == ID_LEN && id_valid(name, ID_LEN)
			: strlen(name) == DROP_NAME_LEN &&
				  name[ID_LEN] == '.' && id_valid(name, ID_LEN);
	char const *why;
	int fd;

	if (fstatat(q->fd, name, st, AT_SYMLINK_NOFOLLOW) < 0)
		return NULL;
	if (!S_ISREG(st->st_mode))
		return "is no file";
	if (!is_named)
		return "no name of a message";
	if (st->st_nlink != 1)
		return "has more than one name";
	fd = openat(
		q->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT
			       ? NULL
			       : "wrong owner or mode: cannot be opened";
	why = fstat(fd, st) == 0 ? judge_file(q, name, fd, st) : NULL;
	/* It may have been taken, and done with, meanwhile. */
	if (why != NULL && (fstat(fd, st) < 0 || st->st_nlink == 0))
		why = NULL;
	close(fd);
	return why;
}

static bool
look_into(struct queue *q, int queue_fd, char const *name)
{
	struct dirent **entries;
	struct stat st;
	int n;

	q->fd = openat(queue_fd, name, FSCK_FOLDER_FLAGS);
	q->f->dir = name;
	if (q->fd < 0)
		return failed(name);
	q->is_cur = strcmp(name, "cur") == 0;
	n = scandirat(q->fd, ".", &entries, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		char const *const file = entries[i]->d_name;
		char const *why = NULL;

		if (strcmp(file, ".") == 0 || strcmp(file, "..") == 0)
			;
		else if (strcmp(name, "tmp") != 0)
			why = judge(q, file, &st);
		else if (fstatat(q->fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			 (uint64_t)st.st_mtime + FSCK_STALE < q->f->now_s)
			why = "older than 36 h, and never finished";
		if (why != NULL)
			fsck_tell(q->f, file, why, put_away(q, file));
		else if (n > 0 && file[0] != '.')
			q->f->messages++;
		free(entries[i]);
	}
	close(q->fd);
	if (n < 0)
		return failed(name);
	free(entries);
	return true;
}

/* Nothing to be repaired: a person has to look. */
static void
count_bad(struct queue *q)
{
	int const fd = openat(q->bad_fd, ".", FSCK_FOLDER_FLAGS);
	DIR *const d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent const *e;
	size_t n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	if (d != NULL)
		closedir(d);
	if (n > 0)
		printf("queue: bad: %zu file%s for a person to look at\n", n,
			n == 1 ? "" : "s");
}

bool
fsck_queue(struct fsck *f, int queue_fd)
{
	struct queue q = {.f = f,
		.bad_fd = openat(queue_fd, "bad", FSCK_FOLDER_FLAGS),
		.envelope = malloc(QUEUEFILE_VERP_ENVELOPE_MAX)};
	bool ok = q.bad_fd >= 0 && q.envelope != NULL;

	if (!ok)
		return failed("bad");
	ok = look_into(&q, queue_fd, "tmp") && look_into(&q, queue_fd, "new") &&
	     look_into(&q, queue_fd, "cur");
	count_bad(&q);
	close(q.bad_fd);
	free(q.envelope);
	return ok;
}
