/* New messages for one folder; see append.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imapd/append.h"
#include "imapd/junk.h"
#include "imapd/courier.h"
#include "common/filename.h"
#include "imapd/resolve.h"
#include "common/uidlist.h"

bool
append_open(struct append *a, int root_fd, char const *dir, char const *host)
{
	int r;

	a->root_fd = root_fd;
	a->host = host;
	a->teaches = false;
	a->v = NULL;
	a->count = 0;
	a->max = APPEND_MESSAGES_MAX;
	a->octets = 0;
	a->writing = false;
	a->folder_fd = openat(
		root_fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (a->folder_fd < 0)
		return false;
	r = quota_read(root_fd, &a->quota);
	a->has_quota = r > 0;
	if (r >= 0 && courier_adopt(a->folder_fd) &&
		keywords_read(&a->keywords, a->folder_fd))
		return true;
	append_close(a);
	return false;
}

static bool
make_room(struct append *a)
{
	struct append_message *v;

	if (a->count == a->max) {
		errno = E2BIG;
		return false;
	}
	if (a->count % 16 != 0)
		return true;
	v = reallocarray(a->v, a->count + 16, sizeof *v);
	if (v != NULL)
		a->v = v;
	return v != NULL;
}

bool
append_begin(
	struct append *a, struct flag_args const *flags, int64_t const *date)
{
	struct append_message m = {.system = flags->system};

	if (date != NULL) {
		m.has_date = true;
		m.date = *date;
	}
	if (!make_room(a))
		return false;
	if (!keywords_bits(&a->keywords, a->folder_fd, flags, true, &m.keywords,
		    NULL)) {
		if (errno == ENOSPC)
			errno = EXFULL;
		return false;
	}
	if (!maildir_begin(&a->writer, a->folder_fd, a->host, NULL))
		return false;
	a->v[a->count] = m;
	a->writing = true;
	return true;
}

void
append_write(struct append *a, char const *s, size_t len)
{
	maildir_write(&a->writer, s, len);
}

bool
append_end(struct append *a)
{
	struct maildir_writer *const w = &a->writer;
	struct append_message *const m = &a->v[a->count];
	struct timespec const times[2] = {
		{.tv_sec = m->date}, {.tv_sec = m->date}};

	/* The given time becomes the file's, which is the INTERNALDATE: when
	 * nothing is written any more. */
	maildir_push(w);
	if (!w->failed && m->has_date && futimens(w->fd, times) < 0) {
		w->failed = true;
		w->error = errno;
	}
	maildir_harden(w);
	m->size = w->size;
	m->lines = w->lines;
	m->name = w->failed || w->size == 0 ? NULL : strdup(w->name);
	a->writing = false;
	if (m->name == NULL) {
		int const error = w->failed	 ? w->error
				  : w->size == 0 ? ENODATA
						 : errno;

		maildir_abort(w);
		errno = error;
		return false;
	}
	a->octets += m->size;
	a->count++;
	return true;
}

bool
append_allows(struct append const *a, uint64_t octets)
{
	uint64_t all;

	return !a->has_quota ||
	       (!__builtin_add_overflow(a->octets, octets, &all) &&
		       quota_allows(&a->quota, all, a->count + 1));
}

/* The writer as it was when the message had been written. */
static bool
resume(struct append *a, struct append_message const *m)
{
	struct maildir_writer *const w = &a->writer;

	w->folder_fd = a->folder_fd;
	w->fd = -1;
	w->failed = false;
	w->size = m->size;
	w->lines = m->lines;
	w->name_len = strlen(m->name);
	if (w->name_len >= sizeof w->name) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(w->name, m->name, w->name_len + 1);
	return true;
}

/* Out of tmp; the file's name without its flags is left in m->name. */
static bool
put(struct append *a, struct append_message *m)
{
	char flagged[FILENAME_MAX_LEN + 1];
	char const *letters = NULL;
	struct filename f;

	if (m->system != 0 || m->keywords != 0) {
		if (filename_make("x", 1, m->system, m->keywords, flagged) == 0)
			return false;
		letters = flagged + strlen("x:2,");
	}
	/* Before there is anything that would have to be taken back by it. */
	m->file = malloc(FILENAME_MAX_LEN + 8);
	if (m->file == NULL)
		return false;
	if (!resume(a, m) || !maildir_commit(&a->writer, letters)) {
		int const error = errno;

		free(m->file);
		m->file = NULL;
		errno = error;
		return false;
	}
	(void)snprintf(m->file, FILENAME_MAX_LEN + 8, "%s/%s",
		letters != NULL ? "cur" : "new", a->writer.name);
	filename_parse(a->writer.name, strlen(a->writer.name), &f);
	free(m->name);
	m->name = strndup(a->writer.name, f.base_len);
	return m->name != NULL;
}

/* Under the folder's lock nobody else gives the files UIDs. */
static bool
publish(struct append *a)
{
	char const **const names = calloc(a->count, sizeof *names);
	bool ok = names != NULL, in_new = false, in_cur = false;

	for (size_t i = 0; ok && i < a->count; i++) {
		ok = put(a, &a->v[i]);
		names[i] = a->v[i].name;
		*(ok && *a->v[i].file == 'c' ? &in_cur : &in_new) = true;
	}
	/* Each costs a flush of the disk, also where nothing is new. */
	ok = ok && (!in_new || maildir_sync(a->folder_fd, "new")) &&
	     (!in_cur || maildir_sync(a->folder_fd, "cur")) &&
	     resolve_add(a->root_fd, a->folder_fd, names, a->count,
		     &a->validity, &a->first_uid);
	free(names);
	return ok;
}

/* The messages are forgotten, and their files removed. */
static void
take_back(struct append *a)
{
	int const error = errno;
	char path[FILENAME_MAX_LEN + 8];

	for (size_t i = 0; i < a->count; i++) {
		struct append_message *const m = &a->v[i];

		if (m->file != NULL) {
			(void)unlinkat(a->folder_fd, m->file, 0);
		} else if (m->name != NULL) {
			(void)snprintf(path, sizeof path, "tmp/%s", m->name);
			(void)unlinkat(a->folder_fd, path, 0);
		}
		free(m->file);
		free(m->name);
	}
	a->count = 0;
	errno = error;
}

bool
append_commit(struct append *a)
{
	int lock, error;
	bool ok;

	if (!uidlist_lock(a->folder_fd, &lock))
		return false;
	ok = publish(a);
	if (!ok)
		take_back(a);
	error = errno;
	uidlist_unlock(a->folder_fd, lock);
	errno = error;
	if (!ok)
		return false;
	if (a->has_quota)
		quota_note(a->root_fd, (int64_t)a->octets, (int64_t)a->count);
	for (size_t i = 0; i < a->count; i++) {
		if (a->teaches)
			junk_appended(a->root_fd, a->folder_fd, a->v[i].file);
		free(a->v[i].file);
		free(a->v[i].name);
	}
	a->count = 0;
	return true;
}

void
append_close(struct append *a)
{
	int const error = errno;

	if (a->folder_fd < 0)
		return;
	if (a->writing)
		maildir_abort(&a->writer);
	a->writing = false;
	take_back(a);
	free(a->v);
	a->v = NULL;
	close(a->folder_fd);
	a->folder_fd = -1;
	errno = error;
}
