/* One folder as a session sees it; see mailbox.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/maildir.h"
#include "imapd/filename.h"
#include "imapd/mailbox.h"
#include "imapd/mailbox_file.h"
#include "imapd/resolve.h"

/* A folder that changes all the time is believed after so many scans; what
 * they may have missed is seen by the next sync. */
#define SCANS_MAX 20
/* Kernels before 6.13 stamp with the tick: two changes in one look alike. */
#define STAMP_SETTLED_NS 20000000

static int64_t
nanoseconds(int64_t seconds, int64_t rest)
{
	return seconds * 1000000000 + rest;
}

static bool
get_stamp(int fd, struct mailbox_stamp *stamp_r)
{
	struct timespec now;
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &now);
	if (fstat(fd, &st) < 0)
		return false;
	stamp_r->inode = st.st_ino;
	stamp_r->changed_ns =
		nanoseconds(st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	stamp_r->modified_ns =
		nanoseconds(st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	stamp_r->settled =
		nanoseconds(now.tv_sec, now.tv_nsec) - stamp_r->changed_ns >
		STAMP_SETTLED_NS;
	/* A folder that was removed can be open still. */
	if (st.st_nlink == 0) {
		errno = ENOENT;
		return false;
	}
	return true;
}

static bool
same_stamp(struct mailbox_stamp const *a, struct mailbox_stamp const *b)
{
	return a->inode == b->inode && a->changed_ns == b->changed_ns &&
	       a->modified_ns == b->modified_ns;
}

bool
mailbox_renamed(
	struct msgtable *t, size_t i, bool in_new, char const *name, size_t len)
{
	struct message *const v = &t->v[i];
	unsigned const system = v->system;
	uint32_t const keywords = v->keywords;

	if (in_new)
		v->state |= MESSAGE_IN_NEW;
	else
		v->state &= (uint8_t)~MESSAGE_IN_NEW;
	if (v->name_len == len && memcmp(msgtable_name(t, i), name, len) == 0)
		return true;
	if (!msgtable_rename(t, i, name, len))
		return false;
	if (t->v[i].system != system || t->v[i].keywords != keywords)
		t->v[i].state |= MESSAGE_CHANGED;
	return true;
}

static bool
found(struct mailbox *m, bool in_new, char const *name, size_t len,
	bool scanning)
{
	char const *const colon = memchr(name, ':', len);
	size_t const base_len = colon != NULL ? (size_t)(colon - name) : len;
	struct msgtable *t = &m->view;
	size_t i;

	if (*name == '.' || len > FILENAME_MAX_LEN)
		return true;
	i = msgtable_find(t, name, base_len);
	if (i == MSGTABLE_NONE) {
		t = &m->arrivals;
		i = msgtable_find(t, name, base_len);
	}
	if (i == MSGTABLE_NONE)
		return msgtable_add(t, name, len,
			       in_new ? MESSAGE_IN_NEW | MESSAGE_SEEN
				      : MESSAGE_SEEN) != MSGTABLE_NONE;
	/* Two files of one base name in a scan: the first counts. */
	if (scanning && t->v[i].state & MESSAGE_SEEN)
		return true;
	t->v[i].state |= MESSAGE_SEEN;
	t->v[i].state &= (uint8_t)~MESSAGE_GONE;
	return mailbox_renamed(t, i, in_new, name, len);
}

static bool
scan_folder(struct mailbox *m, int folder_fd, bool in_new)
{
	int const fd =
		openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *const d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent const *e;
	bool ok = d != NULL;
	int error;

	if (d == NULL && fd >= 0)
		close(fd);
	errno = 0;
	while (ok && (e = readdir(d)) != NULL)
		if (e->d_type == DT_REG || e->d_type == DT_UNKNOWN)
			ok = found(
				m, in_new, e->d_name, strlen(e->d_name), true);
	ok = ok && errno == 0;
	error = errno;
	if (d != NULL)
		closedir(d);
	errno = error;
	return ok;
}

static void
clear_seen(struct mailbox *m)
{
	msgtable_free(&m->arrivals);
	for (size_t i = 0; i < m->view.count; i++)
		m->view.v[i].state &= (uint8_t)~MESSAGE_SEEN;
}

/* A scan during which the folder changed may have missed a file or seen it
 * twice: only one with the same stamps before and after is believed. */
static bool
scan(struct mailbox *m)
{
	struct mailbox_stamp cur, new;

	for (int scans = 0; scans < SCANS_MAX; scans++) {
		if (!get_stamp(m->new_fd, &m->new_stamp) ||
			!get_stamp(m->cur_fd, &m->cur_stamp))
			return false;
		clear_seen(m);
		if (!scan_folder(m, m->new_fd, true) ||
			!scan_folder(m, m->cur_fd, false) ||
			!get_stamp(m->new_fd, &new) ||
			!get_stamp(m->cur_fd, &cur))
			return false;
		if (same_stamp(&new, &m->new_stamp) &&
			same_stamp(&cur, &m->cur_stamp))
			break;
	}
	for (size_t i = 0; i < m->view.count; i++)
		if (!(m->view.v[i].state & MESSAGE_SEEN))
			m->view.v[i].state |= MESSAGE_GONE;
	m->scanned = true;
	m->must_scan = false;
	m->events++;
	return true;
}

static bool
is_there(struct mailbox const *m, bool in_new, char const *name)
{
	struct stat st;

	return fstatat(in_new ? m->new_fd : m->cur_fd, name, &st,
		       AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode);
}

static void
went(struct mailbox *m, bool in_new, char const *name, size_t len)
{
	struct msgtable *const tables[] = {&m->view, &m->arrivals};
	char const *const colon = memchr(name, ':', len);
	size_t const base_len = colon != NULL ? (size_t)(colon - name) : len;

	for (size_t k = 0; k < 2; k++) {
		struct msgtable *const t = tables[k];
		size_t const i = msgtable_find(t, name, base_len);

		if (i == MSGTABLE_NONE || t->v[i].name_len != len ||
			memcmp(msgtable_name(t, i), name, len) != 0 ||
			in_new != !!(t->v[i].state & MESSAGE_IN_NEW) ||
			t->v[i].state & MESSAGE_GONE ||
			is_there(m, in_new, name))
			continue;
		t->v[i].state |= MESSAGE_GONE;
		m->vanished++;
	}
}

/* Events are old news: each is believed only if the folder says the same. */
static void
event(void *data, enum watch_what what, bool in_new, char const *name,
	size_t len)
{
	struct mailbox *const m = data;

	m->events++;
	switch (what) {
	case WATCH_LOST:
		m->must_scan = true;
		break;
	case WATCH_CAME:
		if (is_there(m, in_new, name) &&
			!found(m, in_new, name, len, false))
			m->must_scan = true;
		break;
	case WATCH_WENT:
		went(m, in_new, name, len);
		break;
	}
}

static bool
collect_events(struct mailbox *m)
{
	struct timespec const moment = {.tv_nsec = 2000000};
	struct stat st;

	m->vanished = 0;
	watch_read(&m->watch, event, m);
	/* The two events of a rename do not come as one. */
	if (m->vanished > 0) {
		nanosleep(&moment, NULL);
		watch_read(&m->watch, event, m);
	}
	if (m->must_scan)
		return scan(m);
	msgtable_remove(&m->arrivals, MESSAGE_GONE);
	if (fstat(m->cur_fd, &st) < 0)
		return false;
	if (st.st_nlink == 0) {
		errno = ENOENT;
		return false;
	}
	return true;
}

bool
mailbox_collect(struct mailbox *m)
{
	struct mailbox_stamp cur, new;

	if (m->scanned && m->watch.fd >= 0)
		return collect_events(m);
	if (m->scanned && !m->must_scan) {
		if (!get_stamp(m->new_fd, &new) || !get_stamp(m->cur_fd, &cur))
			return false;
		if (same_stamp(&new, &m->new_stamp) &&
			same_stamp(&cur, &m->cur_stamp) &&
			m->new_stamp.settled && m->cur_stamp.settled)
			return true;
	}
	return scan(m);
}

static int
open_sub(int folder_fd, char const *sub)
{
	return openat(folder_fd, sub,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Move what lies in new to cur. Who moves a file has it as \Recent, nobody
 * else: rename succeeds once. */
static bool
take_new(struct mailbox *m, size_t from)
{
	bool all = true;

	for (size_t i = from; i < m->view.count; i++) {
		struct message *const v = &m->view.v[i];
		char const *const name = msgtable_name(&m->view, i);
		char to[FILENAME_MAX_LEN + 1];
		size_t len;

		if (!(v->state & MESSAGE_IN_NEW) || v->state & MESSAGE_GONE)
			continue;
		if (m->read_only) {
			v->state |= MESSAGE_RECENT;
			continue;
		}
		len = filename_make(
			name, v->name_len, v->system, v->keywords, to);
		if (len == 0 || renameat(m->new_fd, name, m->cur_fd, to) < 0) {
			all = all && errno != ENOENT;
			continue;
		}
		v->state |= MESSAGE_RECENT;
		if (!mailbox_renamed(&m->view, i, false, to, len))
			return false;
	}
	return all;
}

/* Letters whose names another session has added. */
static bool
refresh_keywords(struct mailbox *m)
{
	uint32_t used = 0, named = 0;

	for (size_t i = 0; i < m->view.count; i++)
		used |= m->view.v[i].keywords;
	for (int i = 0; i < FLAG_KEYWORDS_MAX; i++)
		if (m->keywords.names[i][0] != '\0')
			named |= UINT32_C(1) << i;
	if ((used & ~named) == (m->nameless & ~named))
		return true;
	m->nameless = used & ~named;
	return keywords_read(&m->keywords, m->folder_fd);
}

bool
mailbox_sync(struct mailbox *m)
{
	size_t const before = m->view.count;

	if (m->replaced) {
		errno = ESTALE;
		return false;
	}
	if (!mailbox_collect(m) || !resolve(m, mailbox_collect))
		return false;
	/* What another session has taken from new has another name now. */
	if (!take_new(m, before) && !mailbox_collect(m))
		return false;
	return refresh_keywords(m);
}

bool
mailbox_open(struct mailbox *m, int root_fd, char const *dir, bool read_only,
	bool watch)
{
	int error;

	*m = (struct mailbox){.root_fd = root_fd,
		.read_only = read_only,
		.folder_fd = open_sub(root_fd, dir),
		.cur_fd = -1,
		.new_fd = -1,
		.view = MSGTABLE_ZERO,
		.arrivals = MSGTABLE_ZERO,
		.watch = WATCH_ZERO};
	if (m->folder_fd < 0)
		return false;
	m->cur_fd = open_sub(m->folder_fd, "cur");
	if (m->cur_fd < 0 && errno == ENOENT && maildir_create(root_fd, dir))
		m->cur_fd = open_sub(m->folder_fd, "cur");
	m->new_fd = open_sub(m->folder_fd, "new");
	if (m->cur_fd < 0 || m->new_fd < 0)
		goto fail;
	if (watch)
		(void)!watch_start(&m->watch, m->folder_fd, dir);
	if (keywords_read(&m->keywords, m->folder_fd) && mailbox_sync(m))
		return true;
fail:
	error = errno;
	mailbox_close(m);
	errno = error;
	return false;
}

void
mailbox_close(struct mailbox *m)
{
	if (m->cur_fd >= 0)
		close(m->cur_fd);
	if (m->new_fd >= 0)
		close(m->new_fd);
	if (m->folder_fd >= 0)
		close(m->folder_fd);
	m->cur_fd = m->new_fd = m->folder_fd = -1;
	watch_stop(&m->watch);
	msgtable_free(&m->view);
	msgtable_free(&m->arrivals);
}

void
mailbox_settle(struct mailbox *m)
{
	msgtable_remove(&m->view, MESSAGE_GONE);
}

size_t
mailbox_find_uid(struct mailbox const *m, uint32_t uid)
{
	size_t low = 0, high = m->view.count;

	while (low < high) {
		size_t const middle = low + (high - low) / 2;

		if (m->view.v[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
