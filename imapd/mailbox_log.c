/* What is written down of a folder, and what others have written; see
 * mailbox_file.h and journal.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/filename.h"
#include "imapd/mailbox_file.h"
#include "imapd/meta.h"

/* So often is a log looked for that others replace all the time: each time
 * that it has been, another session is further. */
#define TRIES 200
/* Octets of log behind the snapshot that are worth a new one; and of a log
 * that are worth a new log. */
#define TAIL_MIN 512
#define TAIL_PART 512
#define TAIL_MAX 65536
#define LOG_MAX ((uint64_t)1 << 20)
#define LOG_PART 4

/* One that others have written down. */
static bool
hear_message(struct mailbox *m, size_t i, struct journal_record const *r)
{
	struct msgtable *const t = &m->view;
	struct message *const v = &t->v[i];
	char name[FILENAME_MAX_LEN + 1];
	struct filename f;
	size_t len = r->text_len;

	if (r->type == JOURNAL_META) {
		v->meta = r->extra;
		v->meta_len = (uint32_t)r->modseq;
		return true;
	}
	if (r->type == JOURNAL_NEW && len <= FILENAME_MAX_LEN)
		memcpy(name, r->text, len);
	else
		len = memory_name(t, i, r, name);
	filename_parse(name, len, &f);
	v->logged = f.keywords << 5 | f.system;
	if (v->state & MESSAGE_GONE)
		return true;
	v->state &= (uint8_t)~MESSAGE_DIRTY;
	if (len != v->name_len || memcmp(name, msgtable_name(t, i), len) != 0 ||
		!(v->state & MESSAGE_IN_NEW) == !!(r->bits & JOURNAL_IN_NEW))
		msgtable_mark(t, i, MESSAGE_DIRTY);
	if (r->type != JOURNAL_RENAME && v->modseq != r->modseq) {
		v->modseq = r->modseq;
		if (m->tells_modseq)
			msgtable_mark(t, i, MESSAGE_CHANGED);
	}
	return true;
}

static bool
hear(void *data, struct journal_record const *r)
{
	struct mailbox *const m = data;
	struct msgtable *const t = &m->view;
	bool known;
	size_t i;

	if (r->type == JOURNAL_STATE) {
		if (r->text_len == sizeof m->memory.state)
			memcpy(&m->memory.state, r->text,
				sizeof m->memory.state);
		if (r->modseq > m->memory.highest)
			m->memory.highest = r->modseq;
		return true;
	}
	i = memory_find_uid(t, r->uid);
	known = i < t->count && t->v[i].uid == r->uid;
	/* Its file is there, but came after we looked. */
	if (!known && r->uid > m->last_uid && r->type == JOURNAL_NEW &&
		(!m->all || !mailbox_await(m, r->uid)))
		return false;
	if (r->type != JOURNAL_META && r->modseq > m->memory.highest)
		m->memory.highest = r->modseq;
	if (r->uid > m->memory.last_uid)
		m->memory.last_uid = r->uid;
	if (r->type == JOURNAL_EXPUNGE) {
		mailbox_await_no_more(m, r->uid);
		if (known) {
			t->v[i].logged = MESSAGE_LOGGED_GONE;
			t->v[i].modseq = r->modseq;
		}
		/* So that its end is seen before later changes are told. */
		if (known && !(t->v[i].state & MESSAGE_GONE))
			msgtable_mark(t, i, MESSAGE_DIRTY);
		return memory_add_vanished(&m->memory, r->uid, r->modseq);
	}
	return !known || hear_message(m, i, r);
}

/* What the folder looks like now. False: it cannot be told. */
static bool
look(struct mailbox *m, struct mailbox_state *s_r)
{
	bool settled = false;

	*s_r = (struct mailbox_state){.list = m->list_stamp,
		.validity = m->validity,
		.next_uid = m->list_next,
		.has_list = m->list_known};
	memcpy(s_r->guid, m->guid, sizeof s_r->guid);
	if (!mailbox_stamps(m, &s_r->cur, &s_r->new, &settled))
		return false;
	s_r->settled = settled;
	return true;
}

static bool
is_known_state(struct mailbox const *m, struct mailbox_state const *s)
{
	struct mailbox_state const *const k = &m->memory.state;

	return stamp_same(&s->cur, &k->cur) && stamp_same(&s->new, &k->new) &&
	       stamp_same(&s->list, &k->list) && s->next_uid == k->next_uid &&
	       s->settled <= k->settled && s->has_list == k->has_list &&
	       strcmp(s->guid, k->guid) == 0;
}

static bool
has_changes(struct mailbox const *m)
{
	return m->view.states & (MESSAGE_DIRTY | MESSAGE_HINT) ||
	       m->lost.len > 0;
}

static bool
write_view(struct mailbox *m, uint64_t next_generation, uint64_t next_pos)
{
	struct memory *const memory = &m->memory;
	struct view_head head = {.state = memory->state,
		.floor = memory->floor,
		.generations = {memory->journal.generation, next_generation},
		.positions = {memory->journal.pos, next_pos}};
	size_t const count = memory_vanished_count(memory);
	size_t const skip =
		count > MEMORY_VANISHED_MAX ? count - MEMORY_VANISHED_MAX : 0;
	struct vanished *const v = calloc(count - skip + 1, sizeof *v);
	bool ok = v != NULL;

	head.state.highest = memory->highest;
	for (size_t i = 0; ok && i < count; i++) {
		struct vanished const *const from = memory_vanished(memory, i);

		if (i >= skip)
			v[i - skip] = *from;
		else if (from->modseq > head.floor)
			head.floor = from->modseq;
	}
	ok = ok && view_write(m->folder_fd, &head, &m->view, v, count - skip);
	free(v);
	memory->floor = head.floor;
	if (ok)
		memory->view_pos = memory->journal.pos;
	return ok;
}

static uint64_t
view_octets(struct mailbox const *m)
{
	return 8192 + (uint64_t)m->view.count * 130;
}

/* Under the lock: a new snapshot, and a new log if this one is long. */
static void
renew(struct mailbox *m)
{
	struct journal *const j = &m->memory.journal;
	struct journal next;
	char name[64];

	if (j->pos <= LOG_MAX + view_octets(m) / LOG_PART) {
		(void)!write_view(m, 0, 0);
		return;
	}
	if (!journal_create(&next, m->folder_fd, m->validity, j, name))
		return;
	if (write_view(m, next.generation, next.pos) &&
		journal_publish(m->folder_fd, name, true)) {
		journal_close(j);
		*j = next;
		m->memory.view_pos = j->pos;
		return;
	}
	(void)unlinkat(m->folder_fd, name, 0);
	journal_close(&next);
}

/* All that clients know is told again. */
static void
give_modseq(struct mailbox *m, uint64_t modseq)
{
	for (size_t i = 0; i < m->view.count; i++)
		m->view.v[i].modseq = modseq;
	m->memory.highest = m->memory.floor = modseq;
}

/* Nothing is remembered, or not to be believed: begin anew. All that clients
 * know is told again. False: EEXIST if another has begun meanwhile. */
static bool
begin(struct mailbox *m, bool replace)
{
	struct memory *const memory = &m->memory;
	uint64_t const modseq = mailbox_next_modseq(m);
	struct msgtable *const t = &m->view;
	struct mailbox_state state;
	struct journal next, none = JOURNAL_ZERO;
	char name[64];

	give_modseq(m, modseq);
	if (!look(m, &state))
		state.settled = state.has_list = 0;
	if (!journal_create(&next, m->folder_fd, m->validity, &none, name))
		return true;
	if (!journal_publish(m->folder_fd, name, replace)) {
		int const error = errno;

		journal_close(&next);
		errno = error;
		return error != EEXIST;
	}
	for (size_t i = 0; i < t->count; i++) {
		struct message *const v = &t->v[i];

		v->logged = v->state & MESSAGE_GONE ? MESSAGE_LOGGED_GONE
						    : msgtable_flags(v);
		v->state &= (uint8_t) ~(MESSAGE_DIRTY | MESSAGE_HINT);
	}
	t->states &= ~(MESSAGE_DIRTY | MESSAGE_HINT);
	m->lost.len = m->unseen.len = 0;
	journal_close(&memory->journal);
	memory->journal = next;
	memory->state = state;
	memory->vanished_count = 0;
	memory->view.head.vanished_count = 0;
	memory->last_uid = m->next_uid - 1;
	(void)!write_view(m, 0, 0);
	journal_unlock(&memory->journal);
	return true;
}

/* Others have begun another log: what it and its snapshot say counts. */
static bool
adopt(struct mailbox *m, struct memory *other, struct msgtable *old)
{
	struct memory *const memory = &m->memory;
	uint64_t const highest = memory->highest;

	if (other->state.validity != m->validity || !memory_check(other, old) ||
		!memory_keep_vanished(other) ||
		!mailbox_merge_with(m, other, old))
		return false;
	/* The snapshot in the view's map stays what it is. */
	view_close(&other->view);
	other->view = memory->view;
	memory->view = (struct view)VIEW_ZERO;
	other->view.head.vanished_count = 0;
	memory_free(memory);
	*memory = *other;
	if (highest > memory->highest)
		memory->highest = highest;
	return true;
}

static bool
load_and_adopt(struct mailbox *m)
{
	struct memory other;
	struct msgtable old = MSGTABLE_ZERO;
	bool ok = memory_load(&other, &old, m->folder_fd, true) > 0;

	if (ok && !adopt(m, &other, &old)) {
		memory_free(&other);
		ok = false;
	}
	msgtable_free(&old);
	return ok;
}

/* Have a log. */
static void
attach(struct mailbox *m)
{
	for (int tries = 0; tries < TRIES; tries++) {
		struct journal j;
		struct stamp there;
		int const r = journal_open(&j, m->folder_fd);
		bool done = r < 0;

		if (r == 0) {
			done = stamp_get_at(
				       m->folder_fd, JOURNAL_FILE, &there) &&
			       begin(m, there.inode != 0);
		} else if (r > 0 && journal_lock(&j)) {
			/* Whoever has begun it holds the lock until its
			 * snapshot is there. */
			done = !journal_is_replaced(&j) &&
			       (load_and_adopt(m) || begin(m, true));
		}
		journal_close(&j);
		if (done)
			return;
	}
	/* Without one, for this session. */
	give_modseq(m, mailbox_next_modseq(m));
}

/* The log has lost its name: go on in the one that follows it. */
static void
follow(struct mailbox *m)
{
	struct journal *const j = &m->memory.journal;
	struct journal next;

	if (journal_open(&next, m->folder_fd) > 0 &&
		next.previous == j->generation && next.previous_end == j->pos) {
		journal_close(j);
		*j = next;
		m->memory.view_pos = j->pos;
		return;
	}
	journal_close(&next);
	journal_close(j);
	attach(m);
}

/* Read what others have written. False: it is damaged. */
static bool
listen(struct mailbox *m)
{
	struct journal *const j = &m->memory.journal;

	m->all = j->locked;
	for (int tries = 0; tries < TRIES && j->fd >= 0; tries++) {
		bool const replaced = journal_is_replaced(j);

		m->all = m->all || replaced;
		/* What is told may be of any message. */
		if ((replaced || journal_has_more(j)) &&
			!memory_check(&m->memory, &m->view)) {
			m->unsound = true;
			return false;
		}
		if (journal_has_more(j) && !journal_read(j, hear, m))
			return errno != EBADMSG;
		if (!replaced)
			return true;
		follow(m);
	}
	return true;
}

/* Under the lock. False: errno, of mailbox_collect. */
static bool
write_down(struct mailbox *m)
{
	struct memory *const memory = &m->memory;
	struct mailbox_batch b = {.m = m, .out = STRALLOC_ZERO};
	struct mailbox_state state;
	bool ok, written, known;
	uint64_t tail;

	if (!mailbox_collect(m))
		return false;
	if (memory->journal.fd < 0)
		return true;
	/* After this look nothing is looked at before all is written down: what
	 * it has brought is in the batch. */
	known = look(m, &state);
	ok = mailbox_settle_unseen(m) && mailbox_batch_put(&b);
	if (b.contradicts) {
		stralloc_free(&b.out);
		(void)!begin(m, true);
		return true;
	}
	if (ok && known && (b.out.len > 0 || !is_known_state(m, &state))) {
		state.highest =
			b.modseq > memory->highest ? b.modseq : memory->highest;
		ok = mailbox_batch_put_state(&b, &state);
		if (ok)
			memory->state = state;
	}
	written = ok && (b.out.len == 0 || journal_append(&memory->journal,
						   b.out.s, b.out.len));
	mailbox_batch_settle(&b, written);
	stralloc_free(&b.out);
	tail = memory->journal.pos - memory->view_pos;
	if (written && !has_changes(m) &&
		tail > TAIL_MAX + view_octets(m) / 200 &&
		memory_check(memory, &m->view)) {
		/* The next time, after a look at all files. */
		m->must_scan = m->must_scan || m->unseen.len > 0;
		if (m->unseen.len == 0)
			renew(m);
	}
	return true;
}

/* Is there anything to read or to write? */
static bool
is_up_to_date(struct mailbox *m)
{
	struct mailbox_state state;

	return m->memory.journal.fd >= 0 &&
	       !journal_has_more(&m->memory.journal) && !has_changes(m) &&
	       !(m->unseen.len > 0 && m->must_scan) &&
	       (!look(m, &state) || is_known_state(m, &state)) &&
	       !has_changes(m);
}

static bool
record_under_lock(struct mailbox *m)
{
	struct journal *const j = &m->memory.journal;

	for (int tries = 0; tries < TRIES && j->fd >= 0; tries++) {
		if (!j->locked && !journal_lock(j))
			return true;
		if (!listen(m)) {
			if (!m->unsound)
				(void)!begin(m, true);
			return true;
		}
		if (j->locked && !journal_is_replaced(j))
			return write_down(m);
	}
	return true;
}

bool
mailbox_record(struct mailbox *m)
{
	struct journal *const j = &m->memory.journal;
	bool ok;

	if (is_up_to_date(m))
		return true;
	/* What is not whole must not be written down anew as if it were; to
	 * append to the log what has come it need not be read. */
	if ((j->fd < 0 || journal_has_more(j)) &&
		!memory_check(&m->memory, &m->view))
		return mailbox_rebuild(m) && mailbox_sync(m);
	if (j->fd < 0)
		attach(m);
	/* Most often there is only something to read; what looks damaged may
	 * be in the middle of being written. */
	if (j->fd >= 0 && journal_has_more(j) && listen(m) && is_up_to_date(m))
		return true;
	ok = record_under_lock(m);

	int const error = errno;

	journal_unlock(j);
	if (m->unsound) {
		m->unsound = false;
		return mailbox_rebuild(m) && mailbox_sync(m);
	}
	errno = error;
	return ok;
}

void
mailbox_leave(struct mailbox *m)
{
	struct memory *const memory = &m->memory;
	struct timespec pause = {0};
	uint64_t tail;

	m->must_scan = m->must_scan || m->unseen.len > 0;
	if (m->replaced || m->validity == 0 || !m->scanned ||
		!mailbox_record(m) || memory->journal.fd < 0)
		return;
	/* Once it is old enough the stamp tells all later changes. */
	if (!memory->state.settled && m->settle_ns <= STAMP_SETTLE_NS) {
		pause.tv_nsec = (long)m->settle_ns + 1000000;
		nanosleep(&pause, NULL);
		if (m->watch.fd < 0)
			m->must_scan = true;
		if (!mailbox_record(m) || memory->journal.fd < 0)
			return;
	}
	tail = memory->journal.pos - memory->view_pos;
	if (tail > TAIL_MIN && tail * TAIL_PART > view_octets(m) &&
		journal_lock(&memory->journal)) {
		if (listen(m) && memory->journal.locked && !has_changes(m) &&
			m->unseen.len == 0 && memory_check(memory, &m->view)) {
			if (meta_has_garbage(m))
				(void)!meta_collect(m);
			renew(m);
		}
		journal_unlock(&memory->journal);
	}
}
