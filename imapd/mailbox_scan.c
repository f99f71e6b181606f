/* What is in a folder, and what others do there; see mailbox_file.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sodium.h>

#include "common/filename.h"
#include "imapd/mailbox_file.h"

/* A folder that changes all the time is believed after so many scans, but for
 * what is gone: see scan_until_quiet. */
#define SCANS_MAX 20
/* Moments of 2 ms in which a file that has lost its name gets another. */
#define MOMENTS_MAX 25
/* An own event is looked for among so many that are expected. */
#define EXPECTED_LOOK 16

/* A scan that is going on: which messages of the view it has found. */
struct scan {
	struct mailbox *m;
	unsigned char *seen; /* by the last pass over the folder */
	unsigned char *ever; /* by any before it */
	size_t octets;	     /* of each */
	bool has_seen;	     /* there are bits in seen */
};

bool
mailbox_renamed(
	struct msgtable *t, size_t i, bool in_new, char const *name, size_t len)
{
	struct message *v = &t->v[i];
	uint32_t const flags = msgtable_flags(v);

	if (in_new != !!(v->state & MESSAGE_IN_NEW)) {
		v->state ^= MESSAGE_IN_NEW;
		msgtable_mark(
			t, i, MESSAGE_DIRTY | (in_new ? MESSAGE_IN_NEW : 0));
	}
	if (v->name_len == len && memcmp(msgtable_name(t, i), name, len) == 0)
		return true;
	if (!msgtable_rename(t, i, name, len))
		return false;
	msgtable_mark(t, i, MESSAGE_DIRTY);
	if (msgtable_flags(&t->v[i]) != flags)
		msgtable_mark(t, i, MESSAGE_CHANGED);
	return true;
}

/* Another file under the same name: what is known of its text is not of it. */
static void
see_inode(struct msgtable *t, size_t i, uint64_t number)
{
	struct message *const v = &t->v[i];
	uint32_t const inode = msgtable_inode(number);

	if (number == 0 || v->inode == inode)
		return;
	if (v->inode != 0) {
		v->meta = v->meta_len = 0;
		msgtable_mark(t, i, MESSAGE_DIRTY | MESSAGE_HINT);
	}
	v->inode = inode;
}

/* scan: NULL for a file that is told by an event. */
static bool
found(struct mailbox *m, struct scan *scan, bool in_new, char const *name,
	size_t len, uint64_t inode)
{
	char const *const colon = memchr(name, ':', len);
	size_t const base_len = colon != NULL ? (size_t)(colon - name) : len;
	struct msgtable *t = &m->view;
	size_t i;

	if (*name == '.' || len > FILENAME_MAX_LEN)
		return true;
	if (!view_need_base(&m->memory.view, t, name, base_len)) {
		errno = EBADMSG;
		return false;
	}
	i = msgtable_find(t, name, base_len);
	/* Two files of one base name in a scan: the first counts. */
	if (scan != NULL && i != MSGTABLE_NONE) {
		if (scan->seen[i / 8] >> i % 8 & 1)
			return true;
		scan->seen[i / 8] |= (unsigned char)(1u << i % 8);
		scan->has_seen = true;
	}
	if (i == MSGTABLE_NONE) {
		t = &m->arrivals;
		i = msgtable_find(t, name, base_len);
		if (i == MSGTABLE_NONE) {
			i = msgtable_add(t, name, len,
				MESSAGE_SEEN | (in_new ? MESSAGE_IN_NEW : 0));
			if (i == MSGTABLE_NONE)
				return false;
			t->v[i].inode = inode == 0 ? 0 : msgtable_inode(inode);
			return true;
		}
		if (scan != NULL && t->v[i].state & MESSAGE_SEEN)
			return true;
		t->v[i].state |= MESSAGE_SEEN;
	}
	if (t->v[i].state & MESSAGE_GONE) {
		m->moved -= m->moved > 0;
		t->v[i].state &= (uint8_t)~MESSAGE_GONE;
		msgtable_mark(t, i, MESSAGE_DIRTY);
	}
	see_inode(t, i, inode);
	return mailbox_renamed(t, i, in_new, name, len);
}

static bool
scan_folder(struct scan *s, int folder_fd, bool in_new)
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
			ok = found(s->m, s, in_new, e->d_name,
				strlen(e->d_name), e->d_ino);
	ok = ok && errno == 0;
	error = errno;
	if (d != NULL)
		closedir(d);
	errno = error;
	return ok;
}

/* Messages that a scan should have met and has not are gone. False: what is
 * remembered is damaged (EBADMSG). */
static bool
note_gone(struct scan *s, bool cur_too)
{
	struct mailbox *const m = s->m;
	struct msgtable *const t = &m->view;

	if (!cur_too && !(t->states & MESSAGE_IN_NEW))
		return true;
	for (size_t i = cur_too ? 0 : t->marked_from; i < t->count; i++) {
		if (s->seen[i / 8] >> i % 8 & 1 ||
			t->v[i].state & MESSAGE_GONE ||
			!(cur_too || t->v[i].state & MESSAGE_IN_NEW))
			continue;
		/* It will be taken out, which moves all behind it. */
		if (!memory_check(&m->memory, t)) {
			errno = EBADMSG;
			return false;
		}
		msgtable_mark(t, i, MESSAGE_GONE | MESSAGE_DIRTY);
	}
	return true;
}

static bool
get_stamps(struct mailbox const *m, struct stamp *cur_r, struct stamp *new_r)
{
	return stamp_get(m->new_fd, new_r) && stamp_get(m->cur_fd, cur_r);
}

/* The names are compared with what is remembered: all of them, or those of what
 * lies in new. False: it is damaged (EBADMSG). */
static bool
is_readable(struct mailbox *m, bool cur_too)
{
	struct view *const v = &m->memory.view;

	if (cur_too ? view_need_all(v, &m->view)
		    : view_need(
			      v, &m->view, m->view.marked_from, m->view.count))
		return true;
	errno = EBADMSG;
	return false;
}

static void
remember_seen(struct scan *s)
{
	/* Nothing has been, and the pages are not touched for it. */
	if (!s->has_seen)
		return;
	for (size_t i = 0; i < s->octets; i++)
		s->ever[i] |= s->seen[i];
}

/* A scan during which the folder changed may have missed a file or seen it
 * twice: only one with the same stamps before and after is believed. When there
 * is none, what any of them has met is taken as being there: to call a message
 * gone that is being renamed would cost it its UID. The next sync looks again.
 */
static bool
scan_until_quiet(struct scan *s, bool *cur_too)
{
	struct mailbox *const m = s->m;
	struct stamp cur, new;

	for (int scans = 0; scans < SCANS_MAX; scans++) {
		if (!get_stamps(m, &cur, &new))
			return false;
		if (!m->scanned || !stamp_same(&cur, &m->cur_stamp))
			*cur_too = true;
		m->cur_stamp = cur;
		m->new_stamp = new;
		m->new_settled = stamp_unsettled_ns(&new, m->settle_ns) == 0;
		if (*cur_too)
			m->cur_settled =
				stamp_unsettled_ns(&cur, m->settle_ns) == 0;
		if (!is_readable(m, *cur_too))
			return false;
		msgtable_free(&m->arrivals);
		remember_seen(s);
		if (s->has_seen)
			memset(s->seen, 0, s->octets);
		s->has_seen = false;
		if (!scan_folder(s, m->new_fd, true) ||
			(*cur_too && !scan_folder(s, m->cur_fd, false)) ||
			!get_stamps(m, &cur, &new))
			return false;
		if (stamp_same(&new, &m->new_stamp) &&
			stamp_same(&cur, &m->cur_stamp))
			return true;
	}
	remember_seen(s);
	memcpy(s->seen, s->ever, s->octets);
	m->cur_settled = m->new_settled = false;
	return true;
}

/* Read new, and cur too unless it is what it was. */
static bool
scan(struct mailbox *m, bool cur_too)
{
	struct scan s = {.m = m};
	bool ok;

	s.octets = m->view.count / 8 + 1;
	s.seen = calloc(2, s.octets);
	if (s.seen == NULL)
		return false;
	s.ever = s.seen + s.octets;
	cur_too = cur_too || m->arrivals.count > 0;
	ok = scan_until_quiet(&s, &cur_too) && note_gone(&s, cur_too);
	if (ok) {
		m->scanned = true;
		m->must_scan = m->own_work = false;
		m->scans += cur_too;
		m->events++;
	}

	int const error = errno;

	free(s.seen);
	if (!ok && error == EBADMSG && m->view.map != NULL)
		return mailbox_rebuild(m) && scan(m, true);
	errno = error;
	return ok;
}

static bool
is_there(struct mailbox const *m, bool in_new, char const *name,
	uint64_t *inode_r)
{
	struct stat st;

	if (fstatat(in_new ? m->new_fd : m->cur_fd, name, &st,
		    AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISREG(st.st_mode))
		return false;
	*inode_r = st.st_ino;
	return true;
}

static void
went(struct mailbox *m, bool moved, bool in_new, char const *name, size_t len)
{
	struct msgtable *const tables[] = {&m->view, &m->arrivals};
	char const *const colon = memchr(name, ':', len);
	size_t const base_len = colon != NULL ? (size_t)(colon - name) : len;
	uint64_t inode;

	for (size_t k = 0; k < 2; k++) {
		struct msgtable *const t = tables[k];
		size_t const i = msgtable_find(t, name, base_len);

		if (i == MSGTABLE_NONE || t->v[i].name_len != len ||
			memcmp(msgtable_name(t, i), name, len) != 0 ||
			in_new != !!(t->v[i].state & MESSAGE_IN_NEW) ||
			t->v[i].state & MESSAGE_GONE ||
			is_there(m, in_new, name, &inode))
			continue;
		msgtable_mark(t, i, MESSAGE_GONE | MESSAGE_DIRTY);
		m->moved += moved;
	}
}

static uint64_t
event_hash(bool came, bool in_new, char const *name, size_t len)
{
	static unsigned char key[crypto_shorthash_KEYBYTES];
	static bool has_key;
	unsigned char out[crypto_shorthash_BYTES];
	uint64_t n;

	if (!has_key)
		crypto_shorthash_keygen(key);
	has_key = true;
	(void)crypto_shorthash(out, (unsigned char const *)name, len, key);
	memcpy(&n, out, sizeof n);
	return n << 2 | (unsigned)came << 1 | in_new;
}

void
mailbox_expect(struct mailbox *m, bool came, bool in_new, char const *name)
{
	m->own_work = true;
	if (m->watch.fd < 0)
		return;
	/* Before the queue is full, the kernel's or ours. */
	if (m->expected_count == MAILBOX_EXPECTED_MAX)
		m->must_scan = !mailbox_collect(m) || m->must_scan;
	if (m->expected_count == MAILBOX_EXPECTED_MAX) {
		m->must_scan = true;
		return;
	}
	m->expected[(m->expected_start + m->expected_count++) %
		    MAILBOX_EXPECTED_MAX] =
		event_hash(came, in_new, name, strlen(name));
}

/* Events come in the order of what was done. */
static bool
is_expected(
	struct mailbox *m, bool came, bool in_new, char const *name, size_t len)
{
	uint64_t hash;

	if (m->expected_count == 0)
		return false;
	hash = event_hash(came, in_new, name, len);
	for (size_t n = 0; n < EXPECTED_LOOK && n < m->expected_count; n++)
		if (m->expected[(m->expected_start + n) %
				MAILBOX_EXPECTED_MAX] == hash) {
			m->expected_start = (m->expected_start + n + 1) %
					    MAILBOX_EXPECTED_MAX;
			m->expected_count -= n + 1;
			return true;
		}
	return false;
}

/* Events are old news: each is believed only if the folder says the same. */
static void
event(void *data, enum watch_what what, bool in_new, char const *name,
	size_t len)
{
	struct mailbox *const m = data;
	uint64_t inode;

	if (what != WATCH_LOST &&
		is_expected(m, what == WATCH_CAME, in_new, name, len))
		return;
	m->events++;
	if (!memory_check(&m->memory, &m->view)) {
		m->must_scan = true;
		return;
	}
	switch (what) {
	case WATCH_LOST:
		m->must_scan = true;
		m->expected_count = 0;
		break;
	case WATCH_CAME:
		if (is_there(m, in_new, name, &inode) &&
			!found(m, NULL, in_new, name, len, inode))
			m->must_scan = true;
		break;
	case WATCH_WENT:
	case WATCH_MOVED:
		went(m, what == WATCH_MOVED, in_new, name, len);
		break;
	}
}

static bool
collect_events(struct mailbox *m)
{
	struct timespec const moment = {.tv_nsec = 2000000};
	struct stamp cur;

	m->moved = 0;
	watch_read(&m->watch, event, m);
	/* The two events of a rename do not come as one. */
	for (int i = 0; m->moved > 0 && i < MOMENTS_MAX; i++) {
		nanosleep(&moment, NULL);
		watch_read(&m->watch, event, m);
	}
	/* What was expected and has not come by now does not come. */
	m->expected_count = 0;
	if (m->must_scan)
		return scan(m, true);
	msgtable_remove(&m->arrivals, MESSAGE_GONE);
	return stamp_get(m->cur_fd, &cur);
}

bool
mailbox_collect(struct mailbox *m)
{
	struct stamp cur, new;

	if (m->scanned && m->watch.fd >= 0 && !m->compare)
		return collect_events(m);
	if (!m->scanned || m->must_scan)
		return scan(m, true);
	if (!get_stamps(m, &cur, &new))
		return false;
	m->compare = false;
	if (!stamp_same(&cur, &m->cur_stamp) || !m->cur_settled)
		return scan(m, true);
	if (!stamp_same(&new, &m->new_stamp) || !m->new_settled)
		return scan(m, false);
	return true;
}

bool
mailbox_stamps(struct mailbox *m, struct stamp *cur_r, struct stamp *new_r,
	bool *settled_r)
{
	uint64_t const events = m->events;

	if (m->arrivals.count > 0 || m->must_scan ||
		!get_stamps(m, cur_r, new_r))
		return false;
	if (m->watch.fd >= 0) {
		/* Whatever was done before the look has its event by now. */
		if (!mailbox_collect(m) || m->events != events)
			return false;
	} else if (m->own_work || !stamp_same(cur_r, &m->cur_stamp) ||
		   !stamp_same(new_r, &m->new_stamp)) {
		return false;
	}
	*settled_r = stamp_unsettled_ns(cur_r, m->settle_ns) == 0 &&
		     stamp_unsettled_ns(new_r, m->settle_ns) == 0;
	/* Of what was read by a scan only the look before it counts. */
	if (m->watch.fd < 0)
		*settled_r = m->cur_settled && m->new_settled;
	return true;
}
