/* Changes that are being written down; see mailbox_file.h. */
#include <string.h>

#include "imapd/mailbox_file.h"

uint64_t
mailbox_next_modseq(struct mailbox const *m)
{
	uint64_t const now = (uint64_t)(stamp_now_ns() / 1000);

	return now > m->memory.highest ? now : m->memory.highest + 1;
}

static bool
put_message(struct mailbox_batch *b, size_t i)
{
	struct msgtable const *const t = &b->m->view;
	struct message const *const v = &t->v[i];
	struct journal_record r = {.uid = v->uid,
		.extra = v->inode,
		.bits = v->state & MESSAGE_IN_NEW ? JOURNAL_IN_NEW : 0,
		.text = msgtable_name(t, i),
		.text_len = v->name_len};

	if (v->state & MESSAGE_GONE) {
		r.type = JOURNAL_EXPUNGE;
		r.text_len = 0;
		if (v->logged == MESSAGE_LOGGED_GONE)
			return true;
	} else if (v->logged == MESSAGE_LOGGED_GONE) {
		b->contradicts = true;
		return true;
	} else if (v->logged == MESSAGE_UNLOGGED) {
		r.type = JOURNAL_NEW;
	} else {
		r.type = v->logged == msgtable_flags(v) ? JOURNAL_RENAME
							: JOURNAL_FLAGS;
		r.text += v->base_len;
		r.text_len -= v->base_len;
	}
	if (r.type != JOURNAL_RENAME) {
		if (b->modseq == 0)
			b->modseq = mailbox_next_modseq(b->m);
		r.modseq = b->modseq;
	}
	return journal_put(&b->out, &r);
}

bool
mailbox_batch_put(struct mailbox_batch *b)
{
	struct mailbox *const m = b->m;
	struct msgtable const *const t = &m->view;

	for (size_t at = 0; at < m->lost.len; at += sizeof(uint32_t)) {
		struct journal_record r = {.type = JOURNAL_EXPUNGE};

		if (b->modseq == 0)
			b->modseq = mailbox_next_modseq(m);
		r.modseq = b->modseq;
		memcpy(&r.uid, m->lost.s + at, sizeof r.uid);
		if (!journal_put(&b->out, &r))
			return false;
	}
	if (!(t->states & (MESSAGE_DIRTY | MESSAGE_HINT)))
		return true;
	for (size_t i = t->marked_from; i < t->count; i++) {
		struct journal_record const hint = {.type = JOURNAL_META,
			.uid = t->v[i].uid,
			.extra = t->v[i].meta,
			.modseq = t->v[i].meta_len};

		if (t->v[i].state & MESSAGE_DIRTY && !put_message(b, i))
			return false;
		if (t->v[i].state & MESSAGE_HINT &&
			!(t->v[i].state & MESSAGE_GONE) &&
			!journal_put(&b->out, &hint))
			return false;
	}
	return true;
}

bool
mailbox_batch_put_state(struct mailbox_batch *b, struct mailbox_state *s)
{
	struct journal_record const r = {.type = JOURNAL_STATE,
		.modseq = s->highest,
		.text = (char const *)s,
		.text_len = sizeof *s};

	return journal_put(&b->out, &r);
}

void
mailbox_batch_settle(struct mailbox_batch *b, bool written)
{
	struct mailbox *const m = b->m;
	struct msgtable *const t = &m->view;
	uint32_t uid;

	for (size_t at = 0; written && at < m->lost.len; at += sizeof uid) {
		memcpy(&uid, m->lost.s + at, sizeof uid);
		(void)!memory_add_vanished(&m->memory, uid, b->modseq);
	}
	if (written)
		m->lost.len = 0;
	if (b->modseq > m->memory.highest)
		m->memory.highest = b->modseq;
	for (size_t i = t->marked_from;
		t->states & (MESSAGE_DIRTY | MESSAGE_HINT) && i < t->count;
		i++) {
		struct message *const v = &t->v[i];
		bool const gone = v->state & MESSAGE_GONE;
		uint32_t const flags =
			gone ? MESSAGE_LOGGED_GONE : msgtable_flags(v);

		if (v->state & MESSAGE_DIRTY && v->logged != flags) {
			v->modseq = b->modseq;
			if (gone && written)
				(void)!memory_add_vanished(
					&m->memory, v->uid, b->modseq);
		}
		if (!written)
			continue;
		if (v->state & MESSAGE_DIRTY)
			v->logged = flags;
		if (v->state & (MESSAGE_DIRTY | MESSAGE_HINT))
			v->state &= (uint8_t) ~(MESSAGE_DIRTY | MESSAGE_HINT);
		if (v->uid > m->memory.last_uid)
			m->memory.last_uid = v->uid;
	}
	if (written)
		t->states &= ~(MESSAGE_DIRTY | MESSAGE_HINT);
}
