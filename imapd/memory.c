/* What is remembered of a folder; see memory.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/filename.h"
#include "imapd/memory.h"

struct load {
	struct memory *m;
	struct msgtable *t;
	bool damaged, locked;
};

void
memory_free(struct memory *m)
{
	journal_close(&m->journal);
	view_close(&m->view);
	free(m->vanished);
	*m = (struct memory)MEMORY_ZERO;
}

bool
memory_add_vanished(struct memory *m, uint32_t uid, uint64_t modseq)
{
	if (m->vanished_count == m->vanished_allocated) {
		size_t const more =
			m->vanished_allocated + m->vanished_allocated / 2 + 16;
		struct vanished *const v =
			reallocarray(m->vanished, more, sizeof *v);

		if (v == NULL)
			return false;
		m->vanished = v;
		m->vanished_allocated = more;
	}
	m->vanished[m->vanished_count++] =
		(struct vanished){.uid = uid, .modseq = modseq};
	return true;
}

bool
memory_keep_vanished(struct memory *m)
{
	uint32_t const n = m->view.head.vanished_count;

	for (uint32_t i = 0; i < n; i++)
		if (!memory_add_vanished(m, m->view.vanished[i].uid,
			    m->view.vanished[i].modseq))
			return false;
	m->view.head.vanished_count = 0;
	return true;
}

size_t
memory_vanished_count(struct memory const *m)
{
	return m->view.head.vanished_count + m->vanished_count;
}

struct vanished const *
memory_vanished(struct memory const *m, size_t n)
{
	uint32_t const there = m->view.head.vanished_count;

	return n < there ? &m->view.vanished[n] : &m->vanished[n - there];
}

size_t
memory_find_uid(struct msgtable const *t, uint32_t uid)
{
	size_t low = 0, high = t->count;

	/* Not a page of the map is touched for what came behind it. */
	if (t->from_map < high && t->v[t->from_map].uid <= uid)
		low = t->from_map;
	while (low < high) {
		size_t const middle = low + (high - low) / 2;

		if (t->v[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t
memory_name(struct msgtable const *t, size_t i, struct journal_record const *r,
	char *out)
{
	size_t const base_len = t->v[i].base_len;

	if (base_len + r->text_len > FILENAME_MAX_LEN)
		return 0;
	memcpy(out, msgtable_name(t, i), base_len);
	if (r->text_len > 0)
		memcpy(out + base_len, r->text, r->text_len);
	out[base_len + r->text_len] = '\0';
	return base_len + r->text_len;
}

bool
memory_check(struct memory *m, struct msgtable const *t)
{
	return view_need_all(&m->view, t);
}

static bool
add(struct load *l, struct journal_record const *r)
{
	struct msgtable *const t = l->t;
	unsigned const state = r->bits & JOURNAL_IN_NEW ? MESSAGE_IN_NEW : 0;
	size_t i;

	if (r->text_len == 0 || r->text_len > FILENAME_MAX_LEN ||
		(t->count > 0 && t->v[t->count - 1].uid >= r->uid))
		return false;
	if (!view_need_room(&l->m->view, t))
		return false;
	i = msgtable_add(t, r->text, r->text_len, state);
	if (i == MSGTABLE_NONE)
		return false;
	t->v[i].uid = r->uid;
	t->v[i].modseq = r->modseq;
	t->v[i].inode = r->extra;
	t->v[i].logged = msgtable_flags(&t->v[i]);
	return true;
}

static bool
rename_to(struct load *l, size_t i, struct journal_record const *r)
{
	struct message *v = &l->t->v[i];
	char name[FILENAME_MAX_LEN + 1];
	size_t len;

	if (!view_need_name(&l->m->view, l->t, i))
		return false;
	len = memory_name(l->t, i, r, name);
	if (len == 0 || !msgtable_rename(l->t, i, name, len))
		return false;
	v->state &= (uint8_t)~MESSAGE_IN_NEW;
	if (r->bits & JOURNAL_IN_NEW)
		msgtable_mark(l->t, i, MESSAGE_IN_NEW);
	v->logged = msgtable_flags(v);
	if (r->extra != 0)
		v->inode = r->extra;
	if (r->type == JOURNAL_FLAGS)
		v->modseq = r->modseq;
	return true;
}

static bool
replay_message(struct load *l, struct journal_record const *r)
{
	struct msgtable *const t = l->t;
	size_t i;

	if (!view_need_uid(&l->m->view, t, r->uid))
		return false;
	i = t->count == t->from_map && r->uid > l->m->view.head.last_uid
		    ? t->count
		    : memory_find_uid(t, r->uid);
	if (i == t->count || t->v[i].uid != r->uid) {
		if (r->type == JOURNAL_EXPUNGE)
			return memory_add_vanished(l->m, r->uid, r->modseq);
		/* Of one that is gone hints and the like may follow. */
		return r->type != JOURNAL_NEW || add(l, r);
	}
	switch (r->type) {
	case JOURNAL_EXPUNGE:
		msgtable_mark(t, i, MESSAGE_GONE);
		return memory_add_vanished(l->m, r->uid, r->modseq);
	case JOURNAL_META:
		t->v[i].meta = r->extra;
		t->v[i].meta_len = (uint32_t)r->modseq;
		return true;
	case JOURNAL_FLAGS:
	case JOURNAL_RENAME:
		return rename_to(l, i, r);
	default:
		/* Two sessions found it at once. */
		t->v[i].modseq = r->modseq;
		return true;
	}
}

static bool
replay(void *data, struct journal_record const *r)
{
	struct load *const l = data;

	if (r->type != JOURNAL_META && r->modseq > l->m->highest)
		l->m->highest = r->modseq;
	if (r->type == JOURNAL_STATE) {
		if (r->text_len == sizeof l->m->state)
			memcpy(&l->m->state, r->text, sizeof l->m->state);
		else
			l->damaged = true;
	} else {
		if (r->uid > l->m->last_uid)
			l->m->last_uid = r->uid;
		l->damaged = !replay_message(l, r);
	}
	return !l->damaged;
}

/* Where in the log that is open the snapshot stands. */
static bool
find_place(struct memory *m)
{
	struct view_head const *const h = &m->view.head;

	for (int k = 0; k < 2; k++)
		if (h->generations[k] == m->journal.generation &&
			h->positions[k] >= m->journal.pos) {
			m->journal.pos = m->view_pos = h->positions[k];
			return true;
		}
	return false;
}

/* A log whose end cannot be read may be in the middle of being written. */
static bool
read_log(struct load *l)
{
	struct journal *const j = &l->m->journal;
	bool ok = journal_read(j, replay, l);

	if (!ok && errno == EBADMSG && !l->locked && journal_lock(j)) {
		ok = journal_read(j, replay, l);
		journal_unlock(j);
	}
	return ok && !l->damaged;
}

int
memory_load(struct memory *m, struct msgtable *t, int folder_fd, bool locked)
{
	struct load l = {.m = m, .t = t, .locked = locked};
	int r;

	*m = (struct memory)MEMORY_ZERO;
	r = journal_open(&m->journal, folder_fd);
	if (r > 0)
		r = view_open(&m->view, t, folder_fd);
	if (r > 0) {
		m->state = m->view.head.state;
		m->highest = m->state.highest;
		m->floor = m->view.head.floor;
		m->last_uid = m->view.head.last_uid;
		/* A log that was cut shorter is not what it was. */
		if (m->journal.validity == m->state.validity && find_place(m) &&
			read_log(&l) &&
			(!(t->states & MESSAGE_GONE) || memory_check(m, t))) {
			msgtable_remove(t, MESSAGE_GONE);
			return 1;
		}
		r = 0;
	}
	msgtable_free(t);
	memory_free(m);
	return r;
}
