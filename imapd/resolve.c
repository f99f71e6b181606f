/* UIDs for files that are new; see resolve.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imapd/mailbox_file.h"
#include "imapd/resolve.h"
#include "imapd/uidlines.h"
#include "imapd/validity.h"

/* So many lines without a file make a list worth writing anew, once they are
 * more than those with one. */
#define STALE_MIN 1000

static int
compare_uids(void const *a, void const *b)
{
	uint32_t const x = *(uint32_t const *)a, y = *(uint32_t const *)b;

	return x < y ? -1 : x > y;
}

/* The UIDs of whose end the log tells, in order. */
static bool
ended_uids(struct mailbox const *m, uint32_t **v_r, size_t *count_r)
{
	size_t const n = memory_vanished_count(&m->memory);

	*count_r = n;
	*v_r = calloc(n + 1, sizeof **v_r);
	for (size_t i = 0; *v_r != NULL && i < n; i++)
		(*v_r)[i] = memory_vanished(&m->memory, i)->uid;
	if (*v_r != NULL && n > 1)
		qsort(*v_r, n, sizeof **v_r, compare_uids);
	return *v_r != NULL;
}

/*
 * Returns how many arrivals have no UID yet. A file that comes back under a UID
 * below what the client has seen, or after clients were told of its end, cannot
 * have it any more: it would change the numbers of others. It gets a new one,
 * and of several lines the last one counts.
 */
static size_t
match(struct mailbox *m, struct uidlines *l)
{
	struct uidlist_line line;
	size_t left = m->arrivals.count, pos = l->body, len, ended_count;
	uint32_t *ended;
	char const *s;

	for (size_t i = 0; i < m->arrivals.count; i++)
		m->arrivals.v[i].uid = 0;
	l->last = 0;
	l->lines = 0;
	if (!ended_uids(m, &ended, &ended_count))
		ended_count = 0;
	while (!l->missing && uidlines_next(l, &pos, &line, &s, &len)) {
		size_t const i =
			msgtable_find(&m->arrivals, line.name, line.name_len);

		if (i == MSGTABLE_NONE)
			continue;
		if (line.uid <= m->last_uid ||
			(ended_count > 0 &&
				bsearch(&line.uid, ended, ended_count,
					sizeof line.uid, compare_uids))) {
			l->broken = true;
			continue;
		}
		if (m->arrivals.v[i].uid != 0)
			l->broken = true;
		else
			left--;
		m->arrivals.v[i].uid = line.uid;
	}
	free(ended);
	return left;
}

/* Is the line's message still there, under this UID? */
static bool
is_alive(struct mailbox *m, struct uidlist_line const *line)
{
	size_t i = msgtable_find(&m->view, line->name, line->name_len);

	if (i != MSGTABLE_NONE)
		return m->view.v[i].uid == line->uid &&
		       !(m->view.v[i].state & MESSAGE_GONE);
	i = msgtable_find(&m->arrivals, line->name, line->name_len);
	return i != MSGTABLE_NONE && m->arrivals.v[i].uid == line->uid;
}

static bool
old_lines(stralloc *out, struct mailbox *m, struct uidlines *l)
{
	struct uidlist_line line;
	size_t pos = l->body, len;
	char const *s;

	l->last = 0;
	while (uidlines_next(l, &pos, &line, &s, &len)) {
		bool ok = true;

		if (!is_alive(m, &line))
			continue;
		if (l->header.version == 3)
			ok = stralloc_catb(out, s, len) &&
			     stralloc_catb(out, "\n", 1);
		else
			ok = uidlines_add(
				out, 3, line.uid, line.name, line.name_len);
		if (!ok)
			return false;
	}
	return true;
}

/* Under the lock, all files that are there being known. */
static bool
assign(struct mailbox *m, struct uidlines *l)
{
	stralloc out = STRALLOC_ZERO;
	uint32_t next = l->header.next, first;
	size_t fresh = 0;
	bool rewrite = l->broken, ok = true;

	if (l->missing) {
		if (!validity_next(m->root_fd, &l->header.validity))
			return false;
		next = 1;
	}
	if (next <= l->last)
		next = l->last + 1;
	if (next <= m->last_uid)
		next = m->last_uid + 1;
	first = next;
	msgtable_sort(&m->arrivals);
	for (size_t i = 0; i < m->arrivals.count; i++)
		fresh += m->arrivals.v[i].uid == 0;
	if (fresh >= UINT32_MAX - next) {
		errno = EOVERFLOW;
		return false;
	}
	if (l->lines > STALE_MIN &&
		l->lines > 2 * (m->view.count + m->arrivals.count))
		rewrite = true;
	if (l->missing)
		ok = uidlist_header_make(
			&out, l->header.validity, next + (uint32_t)fresh);
	else if (rewrite)
		ok = uidlines_header(&out, l, next + (uint32_t)fresh) &&
		     old_lines(&out, m, l);
	for (size_t i = m->arrivals.count - fresh; ok && i < m->arrivals.count;
		i++)
		ok = uidlines_add(&out, 3, next++,
			msgtable_name(&m->arrivals, i),
			m->arrivals.v[i].base_len);
	if (ok)
		ok = rewrite ? uidlist_replace(m->folder_fd, UIDLIST_FILE,
				       out.s, out.len)
			     : uidlist_append(m->folder_fd, out.s, out.len);
	for (size_t i = m->arrivals.count - fresh; ok && i < m->arrivals.count;
		i++)
		m->arrivals.v[i].uid = first++;
	if (ok) {
		l->header.next = next;
		l->broken =
			!stamp_get_at(m->folder_fd, UIDLIST_FILE, &l->stamp);
	}
	/* What was written is what there is now. */
	if (ok && rewrite) {
		stralloc_free(&l->text);
		l->text = out;
		l->missing = false;
		return true;
	}
	stralloc_free(&out);
	return ok;
}

/* The client's UIDs hold only as long as the validity does. */
static bool
check_validity(struct mailbox *m, struct uidlines const *l)
{
	if (m->validity != 0 && l->header.validity != m->validity) {
		m->replaced = true;
		errno = ESTALE;
		return false;
	}
	m->validity = l->header.validity;
	return true;
}

static bool
under_lock(struct mailbox *m, struct uidlines *l,
	bool (*collect)(struct mailbox *))
{
	int lock, error;
	bool ok;

	if (!uidlist_lock(m->folder_fd, &lock))
		return false;
	stralloc_free(&l->text);
	ok = collect(m) && uidlines_read(l, m->folder_fd);
	if (ok && (match(m, l) > 0 || l->missing))
		ok = assign(m, l);
	error = errno;
	uidlist_unlock(m->folder_fd, lock);
	errno = error;
	return ok;
}

/* Lines that were added since all of the list was known. */
struct tail {
	struct stamp stamp;
	uint32_t next;
	size_t fileless; /* lines that name no arrival */
};

/* Give UIDs to arrivals that the tail names. False: it is another list now, or
 * errno. */
static bool
read_tail(struct mailbox *m, struct tail *t_r)
{
	struct uidlines l = {.text = STRALLOC_ZERO,
		.header = {.version = 3},
		.last = m->list_next - 1};
	struct uidlist_line line;
	size_t pos = 0, len;
	char const *s;
	bool ok;

	*t_r = (struct tail){.next = m->list_next};
	if (!stamp_get_at(m->folder_fd, UIDLIST_FILE, &t_r->stamp) ||
		t_r->stamp.inode != m->list_stamp.inode)
		return false;
	if (stamp_same(&t_r->stamp, &m->list_stamp))
		return true;
	ok = t_r->stamp.size > m->list_stamp.size &&
	     uidlist_read_from(m->folder_fd, m->list_stamp.size, &l.text,
		     &t_r->stamp) > 0 &&
	     t_r->stamp.inode == m->list_stamp.inode && l.text.len > 0 &&
	     l.text.s[l.text.len - 1] == '\n';
	while (ok && uidlines_next(&l, &pos, &line, &s, &len)) {
		size_t const i =
			msgtable_find(&m->arrivals, line.name, line.name_len);

		if (i != MSGTABLE_NONE)
			m->arrivals.v[i].uid = line.uid;
		else
			t_r->fileless++;
	}
	stralloc_free(&l.text);
	t_r->next = l.last + 1;
	return ok && !l.broken && l.last < UINT32_MAX - 1;
}

/* Under the lock. A line whose file is not there may be that of a file which is
 * being renamed just now: passing over it would cost it its UID. */
static bool
match_tail(struct mailbox *m, bool (*collect)(struct mailbox *))
{
	struct tail t;

	for (int tries = 0; tries < 2; tries++) {
		for (size_t i = 0; i < m->arrivals.count; i++)
			m->arrivals.v[i].uid = 0;
		if (!read_tail(m, &t))
			return false;
		if (t.fileless == 0)
			break;
		m->must_scan = true;
		if (tries == 0 && !collect(m))
			return false;
	}
	m->must_scan = false;
	m->list_stamp = t.stamp;
	m->list_next = m->next_uid = t.next;
	return true;
}

/* With the list known: what it lacks is appended. */
static bool
add_unnamed(struct mailbox *m)
{
	stralloc out = STRALLOC_ZERO;
	uint32_t next = m->next_uid;
	bool ok = true;
	int error;

	msgtable_sort(&m->arrivals);
	for (size_t i = 0; ok && i < m->arrivals.count; i++) {
		struct message *const v = &m->arrivals.v[i];

		if (v->uid != 0)
			continue;
		v->uid = next;
		ok = next < UINT32_MAX - 1 &&
		     uidlines_add(&out, 3, next++,
			     msgtable_name(&m->arrivals, i), v->base_len);
	}
	if (ok && out.len > 0)
		ok = uidlist_append(m->folder_fd, out.s, out.len);
	error = errno;
	stralloc_free(&out);
	if (ok) {
		m->next_uid = m->list_next = next;
		m->list_known = stamp_get_at(
			m->folder_fd, UIDLIST_FILE, &m->list_stamp);
	}
	errno = error;
	return ok;
}

/* Without reading the whole list. False: it must be read. */
static bool
quickly(struct mailbox *m, bool (*collect)(struct mailbox *))
{
	int lock;
	bool ok;

	if (!m->list_known || !uidlist_lock(m->folder_fd, &lock))
		return false;
	ok = collect(m) && match_tail(m, collect) && add_unnamed(m);
	uidlist_unlock(m->folder_fd, lock);
	return ok;
}

bool
resolve_recall(struct mailbox *m)
{
	struct tail t;

	if (!m->list_known || !read_tail(m, &t))
		return false;
	m->next_uid = t.next;
	return true;
}

/* Arrivals that have a UID go to the view, in order. */
static bool
move_to_view(struct mailbox *m)
{
	msgtable_sort(&m->arrivals);
	for (size_t i = 0; i < m->arrivals.count; i++) {
		struct message const *const a = &m->arrivals.v[i];
		size_t k;

		if (a->uid == 0)
			break;
		if (!view_need_room(&m->memory.view, &m->view)) {
			errno = EBADMSG;
			return false;
		}
		k = msgtable_add(&m->view, msgtable_name(&m->arrivals, i),
			a->name_len, a->state & MESSAGE_IN_NEW);
		if (k == MSGTABLE_NONE)
			return false;
		msgtable_mark(&m->view, k, MESSAGE_DIRTY);
		m->view.v[k].inode = a->inode;
		m->view.v[k].uid = m->last_uid = a->uid;
	}
	msgtable_free(&m->arrivals);
	return true;
}

/* The list is known if nothing in it was passed over. */
static void
know_list(struct mailbox *m, struct uidlines const *l)
{
	struct uidlist_header h = {0};
	char const *s;
	size_t pos = 0, len;

	m->list_known = !l->broken && !l->missing;
	m->list_stamp = l->stamp;
	if (!l->missing && uidlines_line(&l->text, &pos, &s, &len) &&
		uidlist_parse_header(s, len, &h) && h.guid_len > 0 &&
		h.guid_len < sizeof m->guid) {
		memcpy(m->guid, h.guid, h.guid_len);
		m->guid[h.guid_len] = '\0';
	}
}

static bool
from_list(struct mailbox *m, bool (*collect)(struct mailbox *))
{
	uint64_t const events = m->events;
	struct uidlines l;
	bool ok, done;

	ok = uidlines_read(&l, m->folder_fd);
	/* Without the lock only when nothing is to be written, and no file
	 * has come meanwhile that could have a UID between those matched. */
	done = ok && match(m, &l) == 0 && !l.missing && collect(m) &&
	       events == m->events;
	if (ok && !done && !under_lock(m, &l, collect)) {
		/* What has a UID can be read on a full disk too. */
		ok = !l.missing && l.header.validity != 0;
		m->must_scan = true;
	}
	ok = ok && check_validity(m, &l);
	if (ok) {
		know_list(m, &l);
		m->next_uid = m->list_next =
			l.header.next > l.last ? l.header.next : l.last + 1;
	}

	int const error = errno;

	stralloc_free(&l.text);
	errno = error;
	return ok;
}

bool
resolve(struct mailbox *m, bool (*collect)(struct mailbox *))
{
	bool const wanted =
		m->arrivals.count > 0 || m->validity == 0 || m->next_uid == 0;

	if (!wanted)
		return true;
	if (m->next_uid == 0 || !quickly(m, collect)) {
		/* The list is compared with all that is remembered. */
		if (!memory_check(&m->memory, &m->view) &&
			(!mailbox_rebuild(m) || !collect(m)))
			return false;
		if (!from_list(m, collect))
			return false;
	}
	if (!move_to_view(m))
		return false;
	if (m->next_uid <= m->last_uid)
		m->next_uid = m->last_uid + 1;
	return true;
}
