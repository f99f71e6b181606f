/* What is remembered of a folder, and what is there, brought together; see
 * mailbox_file.h and memory.h. */
#include <errno.h>
#include <string.h>

#include "imapd/mailbox_file.h"
#include "imapd/resolve.h"

static void
recall_list(struct mailbox *m)
{
	struct mailbox_state const *const s = &m->memory.state;

	m->list_known = s->has_list != 0;
	m->list_stamp = s->list;
	m->next_uid = m->list_next = s->next_uid;
	memcpy(m->guid, s->guid, sizeof m->guid);
	m->guid[sizeof m->guid - 1] = '\0';
}

bool
mailbox_recall(struct mailbox *m)
{
	struct mailbox_state const *const s = &m->memory.state;
	int const r = memory_load(&m->memory, &m->view, m->folder_fd, false);

	if (r <= 0)
		return true;
	recall_list(m);
	if (!resolve_recall(m)) {
		/* Other UIDs may have been given. */
		m->old = m->view;
		m->view = (struct msgtable)MSGTABLE_ZERO;
		m->merge = true;
		m->list_known = false;
		m->guid[0] = '\0';
		m->next_uid = 0;
		return true;
	}
	m->validity = s->validity;
	if (m->view.count > 0 && m->view.v == NULL)
		return false;
	m->last_uid = m->memory.last_uid;
	if (m->next_uid <= m->last_uid)
		m->next_uid = m->last_uid + 1;
	if (s->settled) {
		m->cur_stamp = s->cur;
		m->new_stamp = s->new;
		m->scanned = m->compare = true;
		m->cur_settled = m->new_settled = true;
	}
	return true;
}

bool
mailbox_rebuild(struct mailbox *m)
{
	struct view_head const *const h = &m->memory.view.head;

	if (m->told && !m->rebuilt) {
		/* Of what has not been read the head tells. */
		bool const whole = view_is_whole(&m->memory.view, &m->view);

		m->was_count = m->view.count;
		m->was_mix = whole ? 0 : h->mix;
		for (size_t i = whole ? 0 : m->view.from_map; i < m->view.count;
			i++)
			m->was_mix = view_mix(m->was_mix, m->view.v[i].uid);
	}
	m->rebuilt = true;
	m->scanned = m->must_scan = m->merge = m->list_known = false;
	m->last_uid = m->next_uid = 0;
	m->recent = 0;
	msgtable_free(&m->view);
	msgtable_free(&m->arrivals);
	msgtable_free(&m->old);
	memory_free(&m->memory);
	m->unseen.len = 0;
	return true;
}

bool
mailbox_is_same(struct mailbox *m)
{
	uint64_t mix = 0;

	if (!m->rebuilt || !m->told)
		return true;
	m->rebuilt = false;
	for (size_t i = 0; i < m->was_count && i < m->view.count; i++)
		mix = view_mix(mix, m->view.v[i].uid);
	if (m->was_count <= m->view.count && mix == m->was_mix)
		return true;
	m->replaced = true;
	errno = ESTALE;
	return false;
}

static bool
lose(struct mailbox *m, uint32_t uid)
{
	return stralloc_catb(&m->lost, (char const *)&uid, sizeof uid);
}

bool
mailbox_await(struct mailbox *m, uint32_t uid)
{
	m->unseen_scans = m->scans;
	return stralloc_catb(&m->unseen, (char const *)&uid, sizeof uid);
}

void
mailbox_await_no_more(struct mailbox *m, uint32_t uid)
{
	size_t kept = 0;
	uint32_t u;

	for (size_t at = 0; at < m->unseen.len; at += sizeof u) {
		memcpy(&u, m->unseen.s + at, sizeof u);
		if (u == uid)
			continue;
		memcpy(m->unseen.s + kept, &u, sizeof u);
		kept += sizeof u;
	}
	m->unseen.len = kept;
}

bool
mailbox_settle_unseen(struct mailbox *m)
{
	struct msgtable const *const t = &m->view;
	bool const looked =
		m->scans > m->unseen_scans && m->arrivals.count == 0;
	size_t kept = 0;
	uint32_t uid;

	for (size_t at = 0; at < m->unseen.len; at += sizeof uid) {
		memcpy(&uid, m->unseen.s + at, sizeof uid);
		size_t const i = memory_find_uid(t, uid);
		if (i < t->count && t->v[i].uid == uid)
			continue;
		if (looked) {
			if (!lose(m, uid))
				return false;
			continue;
		}
		memcpy(m->unseen.s + kept, &uid, sizeof uid);
		kept += sizeof uid;
	}
	m->unseen.len = kept;
	return true;
}

static void
take_over(struct mailbox *m, size_t i, struct msgtable const *old, size_t k)
{
	struct message const *const o = &old->v[k];
	struct message *const v = &m->view.v[i];

	v->modseq = o->modseq;
	v->logged = o->logged;
	if (v->inode == 0 || o->inode == 0 || v->inode == o->inode) {
		v->meta = o->meta;
		v->meta_len = o->meta_len;
		v->inode = v->inode == 0 ? o->inode : v->inode;
	}
	if (v->size == MESSAGE_SIZE_UNKNOWN)
		v->size = o->size;
	v->state &= (uint8_t)~MESSAGE_DIRTY;
	if (v->state & MESSAGE_GONE || v->name_len != o->name_len ||
		memcmp(msgtable_name(&m->view, i), msgtable_name(old, k),
			v->name_len) != 0 ||
		(v->state ^ o->state) & MESSAGE_IN_NEW)
		msgtable_mark(&m->view, i, MESSAGE_DIRTY);
}

bool
mailbox_merge_with(struct mailbox *m, struct memory const *memory,
	struct msgtable const *old)
{
	struct msgtable const *const t = &m->view;
	size_t k = 0;

	for (size_t i = 0; i < t->count; i++) {
		for (; k < old->count && old->v[k].uid < t->v[i].uid; k++)
			if (!lose(m, old->v[k].uid))
				return false;
		if (k == old->count || old->v[k].uid != t->v[i].uid) {
			/* One that is older than others that are known. */
			if (t->v[i].uid <= memory->last_uid &&
				!(t->v[i].state & MESSAGE_GONE))
				return false;
			continue;
		}
		if (old->v[k].base_len != t->v[i].base_len ||
			memcmp(msgtable_name(old, k), msgtable_name(t, i),
				t->v[i].base_len) != 0)
			return false;
		take_over(m, i, old, k++);
	}
	/* What is newer than all that we know has not been seen yet. */
	for (; k < old->count; k++)
		if (!m->told || old->v[k].uid <= m->last_uid
				? !lose(m, old->v[k].uid)
				: !mailbox_await(m, old->v[k].uid))
			return false;
	return true;
}

bool
mailbox_merge(struct mailbox *m)
{
	struct memory *const memory = &m->memory;

	m->merge = false;
	if (memory->state.validity != m->validity ||
		!memory_check(memory, &m->old) ||
		!memory_keep_vanished(memory) ||
		!mailbox_merge_with(m, memory, &m->old)) {
		memory_free(memory);
		m->lost.len = m->unseen.len = 0;
	}
	msgtable_free(&m->old);
	return true;
}
